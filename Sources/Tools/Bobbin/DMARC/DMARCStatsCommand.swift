import ArgumentParser
import Bytes
import DMARCReports

/// `bobbin dmarc stats`.
struct DMARCStatsCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Who sends as whom, what passes, day by day.",
        discussion: """
            Example: the last month about one domain, as a page for the browser
              bobbin dmarc stats --domain example.org --html dmarc.html
            """)

    @OptionGroup var options: DMARCOptions
    @Option(help: ArgumentHelp("How many days back, today included.", valueName: "number"))
    var days: Int64 = 30
    @Option(help: ArgumentHelp("Only From: this domain and below it.", valueName: "domain"))
    var domain: String?
    @Option(
        help: ArgumentHelp(
            "received: what came here; reported: what others told of us; else both.", valueName: "side"))
    var side: String?
    @Option(help: ArgumentHelp("The most rows of a table.", valueName: "number"))
    var limit = 20
    @Option(help: ArgumentHelp("Write one self-contained page.", valueName: "file"))
    var html: String?
    @Flag(help: "Print one JSON object for each side.")
    var json = false

    func validate() throws {
        if days < 1 || days > 100_000 { throw ValidationError("--days: want 1 to 100000") }
        if limit < 1 { throw ValidationError("--limit: want 1 or more") }
        if let side, Statistics.Side(rawValue: side) == nil {
            throw ValidationError("--side: want received or reported, got \"\(side)\"")
        }
    }

    mutating func run(on console: Console) throws {
        let store = try options.store()
        let all = try sides.map { try statistics($0, store) }
        if let html {
            let made = "\(ReportInterval(containing: Now.seconds).name)" as ByteString
            let page = StatisticsPage.html(all, title: title, made: made)
            return try ToolFailure.translating { () throws(DMARCError) in
                try DescriptorInput.replace(ByteString(html), with: page)
            }
        }
        for (index, statistics) in all.enumerated() {
            if json {
                console.write("\(statistics.object.text)\n")
            } else {
                console.write(index == 0 ? statistics.text : "\n\(statistics.text)")
            }
        }
    }

    private var title: ByteString { domain.map { "DMARC: \($0)" } ?? "DMARC" }

    private var sides: [Statistics.Side] {
        side.flatMap { Statistics.Side(rawValue: $0) }.map { [$0] } ?? Statistics.Side.allCases
    }

    private func statistics(_ side: Statistics.Side, _ store: DMARCStore) throws(ToolFailure) -> Statistics {
        let today = ReportInterval(containing: Now.seconds)
        let begin = max(0, today.begin - (days - 1) * ReportInterval.length)
        let scope = Statistics.Scope(
            side: side, begin: begin, end: today.end, domain: domain.map { ByteString($0) }, limit: limit)
        return try ToolFailure.translating { () throws(DMARCError) in try store.statistics(scope) }
    }
}

extension Statistics {
    /// The statistics as JSON.
    var object: JSONObject {
        var object = JSONObject()
        object.add("side", ByteString(scope.side.rawValue))
        object.add("begin", scope.begin)
        object.add("end", scope.end)
        object.add("domain", scope.domain)
        object.add("total", total.object)
        object.add("days", days.map(\.object))
        object.add("domains", domains.map(\.object))
        object.add("receivers", receivers.map(\.object))
        object.add("senders", senders.map(\.object))
        object.add("failing", failing.map(\.object))
        return object
    }
}

extension Tally {
    fileprivate var object: JSONObject {
        var object = JSONObject()
        add(to: &object)
        return object
    }

    fileprivate func add(to object: inout JSONObject) {
        object.add("messages", messages)
        object.add("passed", passed)
        object.add("aligned_dkim", alignedDKIM)
        object.add("aligned_spf", alignedSPF)
        object.add("quarantined", quarantined)
        object.add("rejected", rejected)
    }
}

extension TallyRow {
    fileprivate var object: JSONObject {
        var object = JSONObject()
        object.add("name", name)
        tally.add(to: &object)
        return object
    }
}

extension SenderRow {
    fileprivate var object: JSONObject {
        var object = JSONObject()
        object.add("from", from)
        object.add("address", address)
        object.add("envelope", envelopeDomain)
        object.add("signer", signer)
        tally.add(to: &object)
        return object
    }
}
