import ArgumentParser
import Bytes
import Hints

/// `bobbin hints next`.
struct HintsNextCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "next", abstract: "Tell when deliveries are tried again, as exinext does.",
        discussion: """
            Takes an address, a domain, a local part, a host, an IP address or a message id. Addresses and domains are
            routed, and the hosts that they would go to are looked up too; --no-routing leaves that out.

            Example: when mail for a domain is tried again
              bobbin hints next example.com
            """)

    @OptionGroup var options: HintsOptions
    @OptionGroup var zoneOption: HintsZoneOption
    @Flag(name: .customLong("no-routing"), help: "Look for the name itself only.")
    var noRouting = false
    @Flag(name: .long, help: "One JSON object a record, as dump prints it.")
    var json = false
    @Argument(help: ArgumentHelp("What is asked about.", valueName: "name"))
    var subjects: [String]

    mutating func run(on console: Console) async throws {
        let site = try options.site()
        let base = try site.base(named: "retry", mustExist: false)
        for subject in subjects.map({ ByteString($0) }) {
            var search = RetrySearch(subject)
            if !noRouting, options.spool == nil { await search.route(options.siteOptions) }
            let found = try await search.records(in: base)
            if found.isEmpty, !json { console.write("No retry data found for \(subject)\n") }
            for record in found {
                let text =
                    json
                    ? "\(HintRecordJSON.object(record.row, base, record.layout).text)\n"
                    : record.explanation.text(zoneOption.zone)
                console.write(text)
            }
        }
    }
}

/// The search for retry records about something that people name.
struct RetrySearch: Sendable {
    /// What was asked about.
    let subject: ByteString
    /// The hosts that it is routed to, with their addresses.
    private(set) var hosts: [(name: ByteString, address: ByteString?)] = []
    /// What routing said besides.
    private(set) var remarks = ByteString()

    init(_ subject: ByteString) { self.subject = subject }

    /// A record that was found.
    struct Found: Sendable {
        let row: HintsRow
        let layout: HintsLayout
        let explanation: RetryExplanation
    }

    /// Routes the address, or the domain with a local part that stands for any, and keeps the hosts.
    mutating func route(_ options: SiteOptions) async {
        let address = subject.contains(UInt8(ascii: "@")) ? subject : "User@\(subject)"
        let listener = Console.memory()
        do {
            let test = try await AddressTest(options.site(), .route, sender: nil)
            _ = await test.run([address], on: listener)
        } catch {
            remarks = "cannot route \(address): \(error.message)\n"
            return
        }
        take(routing: listener.output.collected)
    }

    /// Reads the lines of -bt.
    mutating func take(routing text: ByteString) {
        for line in text.split(separator: .newline) {
            let words = line.split(separator: .blank).map { ByteString($0) }
            if words.first == "host", words.count > 1, line.first == .blank {
                let address = words.first { $0.first == UInt8(ascii: "[") }
                hosts.append((words[1], address.map { ByteString($0.dropFirst().dropLast()) }))
            } else if line.contains(ByteString(" cannot be resolved at this time")) {
                remarks += "\(line)\n" as ByteString
            }
        }
    }

    /// The records about the subject or its hosts, in the order of their keys.
    func records(in base: HintsBase) async throws -> [Found] {
        guard base.exists else { return [] }
        var found: [Found] = []
        try await base.rows { row, layout in
            let matter = RetryExplanation.Matter(row.key)
            let isMeant =
                matter.concerns(subject)
                || hosts.contains { matter.concerns(host: $0.name, address: $0.address) }
            guard isMeant else { return }
            do throws(HintsRecordError) {
                let record = try RetryRecord(decoding: row.octets, layout: layout)
                found.append(
                    Found(
                        row: row, layout: layout, explanation: RetryExplanation(key: row.key, record: record))
                )
            } catch {
                // A damaged record means "no information"; bobbin hints stats counts it.
            }
        }
        return found
    }
}
