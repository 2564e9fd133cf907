import ArgumentParser
import Bytes
import DMARCReports

/// `bobbin dmarc show`.
struct DMARCShowCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print records of the store, as a history file that any importer reads.",
        discussion: """
            Example: everything about one message, and what became of reports
              bobbin dmarc show --job 1vMabc-000000005vi-0001
              bobbin dmarc show --reports
            """)

    @OptionGroup var options: DMARCOptions
    @Option(help: ArgumentHelp("Only this message id.", valueName: "id"))
    var job: String?
    @Option(help: ArgumentHelp("Only this From: domain.", valueName: "domain"))
    var from: String?
    @Option(help: ArgumentHelp("Only this client.", valueName: "address"))
    var address: String?
    @Option(help: ArgumentHelp("The most records.", valueName: "number"))
    var limit = 20
    @Flag(help: "Records that could not be read.")
    var rejected = false
    @Flag(help: "Reports that were sent, or could not be.")
    var reports = false
    @Flag(help: "Print one JSON object a record.")
    var json = false

    func validate() throws {
        if rejected, reports {
            throw ValidationError("--rejected and --reports exclude each other: give one of them")
        }
        if let address, IPAddress(address.utf8) == nil {
            throw ValidationError("--address: \"\(address)\" is no IP address")
        }
        if limit < 1 { throw ValidationError("--limit: want 1 or more") }
    }

    mutating func run(on console: Console) throws {
        let store = try options.store()
        let filter = HistoryFilter(
            job: job.map { ByteString($0) }, from: from.map { ByteString($0) },
            address: address.flatMap { IPAddress($0.utf8) }, limit: limit)
        let lines = try ToolFailure.translating { () throws(DMARCError) -> [ByteString] in
            if rejected { return try store.rejected(limit: limit).map { json ? $0.json : $0.lines } }
            if reports { return try store.deliveries(limit: limit).map { json ? $0.json : $0.text } }
            return try store.records(filter).map { json ? $0.json : $0.text }
        }
        for line in lines { console.write(line) }
    }
}

extension RejectedRecord {
    /// Place and reason as a comment, then the record.
    fileprivate var lines: ByteString {
        let end: ByteString = text.last == .newline ? "" : "\n"
        return "# \(path):\(line): \(reason)\n\(text)\(end)"
    }

    fileprivate var json: ByteString {
        var object = JSONObject()
        object.add("path", path)
        object.add("line", line)
        object.add("reason", reason)
        object.add("text", text)
        return "\(object.text)\n"
    }
}

extension StoredDelivery {
    fileprivate var text: ByteString { "\(interval.name) \(domain) \(uri): \(state) (\(detail))\n" }

    fileprivate var json: ByteString {
        var object = JSONObject()
        object.add("domain", domain)
        object.add("day", interval.name)
        object.add("address", uri)
        object.add("state", state)
        object.add("changed", changed)
        object.add("detail", detail)
        return "\(object.text)\n"
    }
}

extension HistoryRecord {
    fileprivate var json: ByteString {
        var object = JSONObject()
        object.add("job", job)
        object.add("reporter", reporter)
        object.add("received", received)
        object.add("address", address.text)
        object.add("from", from)
        object.add("envelope", envelopeDomain)
        object.add("policy_domain", policyDomain)
        object.add("outcome", "\(String(describing: outcome))" as ByteString)
        object.add("disposition", action.word)
        object.add("spf", spf.map(\.spfWord))
        object.add("aligned_spf", alignedSPF == .pass)
        object.add("aligned_dkim", alignedDKIM == .pass)
        object.add("signatures", signatures.map(\.object))
        object.add("rua", published.reportAddresses)
        object.add("arc", arc.map(\.result.dkimWord))
        return "\(object.text)\n"
    }
}

extension HistorySignature {
    fileprivate var object: JSONObject {
        var object = JSONObject()
        object.add("domain", domain)
        object.add("selector", selector)
        object.add("result", result.dkimWord)
        return object
    }
}
