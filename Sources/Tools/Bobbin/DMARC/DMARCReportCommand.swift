import ArgumentParser
import Bytes
import Configuration
import DMARCReports
import Glibc

/// `bobbin dmarc report`.
struct DMARCReportCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Send aggregate reports to the domains that ask for them.",
        discussion: """
            Example: see what would be sent about the last three days, then look at the files
              bobbin dmarc report --dry-run
              bobbin dmarc report --dump /tmp/reports
            """)

    @OptionGroup var options: DMARCOptions
    @Option(help: ArgumentHelp("Who reports; else primary_hostname.", valueName: "domain"))
    var org: String?
    @Option(
        help: ArgumentHelp("The sender's address; else postmaster at the organization.", valueName: "address")
    )
    var email: String?
    @Option(help: ArgumentHelp("Where people can turn to, such as a web page.", valueName: "text"))
    var contact: String = ""
    @Option(help: ArgumentHelp("The form of the reports: rfc7489 or rfc9990.", valueName: "schema"))
    var schema = "rfc7489"
    @Option(help: ArgumentHelp("How many past days are looked at.", valueName: "number"))
    var days: Int64 = 3
    @Option(help: ArgumentHelp("Only this policy domain; may be repeated.", valueName: "domain"))
    var domain: [String] = []
    @Option(help: ArgumentHelp("Not this policy domain; may be repeated.", valueName: "domain"))
    var noDomain: [String] = []
    @Option(help: ArgumentHelp("The largest mail, in octets.", valueName: "octets"))
    var maxSize = 15 << 20
    @Option(help: ArgumentHelp("The public suffix list.", valueName: "file"))
    var suffixes = "/usr/share/publicsuffix/public_suffix_list.dat"
    @Option(
        help: ArgumentHelp(
            "Write the reports into this directory instead of sending; leaves no marks.",
            valueName: "directory"))
    var dump: String?
    @Flag(help: "Do all but send; leaves no marks.")
    var dryRun = false
    @Flag(help: "Print one JSON object for each report and address.")
    var json = false

    func validate() throws {
        if ReportSchema(rawValue: schema) == nil {
            throw ValidationError("--schema: want rfc7489 or rfc9990, got \"\(schema)\"")
        }
        if days < 1 || days > 100_000 { throw ValidationError("--days: want 1 to 100000") }
        if dump != nil, dryRun {
            throw ValidationError("--dump and --dry-run exclude each other: give one of them")
        }
    }

    mutating func run(on console: Console) async throws {
        let store = try options.store()
        let organization = try organization()
        let now = Now.seconds
        let reports = try ToolFailure.translating { () throws(DMARCError) in
            try store.reports(from: now - (days + 1) * ReportInterval.length, before: now)
        }.filter { isWanted($0.domain) }
        if let dump {
            for report in reports {
                try write(
                    report, organization, ReportDump(store: store, directory: ByteString(dump)), console)
            }
            return
        }
        try await send(reports, organization, store, console)
    }

    private func send(
        _ reports: [AggregateReport], _ organization: ReportingOrganization, _ store: DMARCStore,
        _ console: Console
    ) async throws {
        guard !reports.isEmpty else { return }
        var made = Reporting.Options(organization: organization)
        made.largestMail = maxSize
        made.isDryRun = dryRun
        made.suffixes = try publicSuffixes(console)
        let doors = try await ReportDoors.make(options.siteOptions)
        let reporting = Reporting(store, options: made, doors: doors) { Now.seconds }
        var isDeferred = false
        for report in reports {
            let outcomes: [ReportOutcome]
            do throws(DMARCError) { outcomes = try await reporting.send(report) } catch {
                throw ToolFailure(error)
            }
            for outcome in outcomes { console.write(json ? "\(outcome.object.text)\n" : outcome.text) }
            isDeferred = isDeferred || outcomes.contains { $0.state == .deferred }
        }
        if isDeferred {
            throw ToolFailure(.temporary, "some reports were deferred: the next run tries again")
        }
    }

    private func write(
        _ report: AggregateReport, _ organization: ReportingOrganization, _ dump: ReportDump,
        _ console: Console
    ) throws(ToolFailure) {
        let path = try ToolFailure.translating { () throws(DMARCError) in try dump.write(report, organization)
        }
        guard let path else {
            return console.say(
                "bobbin: no report about \(report.domain): the name cannot stand in a file name\n")
        }
        var object = JSONObject()
        object.add("domain", report.domain)
        object.add("day", report.interval.name)
        object.add("messages", report.messages)
        object.add("file", path)
        console.write(
            json
                ? "\(object.text)\n"
                : "\(report.interval.name) \(report.domain) \(report.messages) messages: \(path)\n")
    }

    private func isWanted(_ name: ByteString) -> Bool {
        func contains(_ list: [String]) -> Bool { list.contains { name.equalsIgnoringCase($0.utf8) } }
        return (domain.isEmpty || contains(domain)) && !contains(noDomain)
    }

    private func organization() throws -> ReportingOrganization {
        let name = try org.map { ByteString($0) } ?? HostName.ofSite(options.siteOptions.site())
        return try ToolFailure.translating { () throws(DMARCError) in
            var made = try ReportingOrganization(
                name: name, email: email.map { ByteString($0) } ?? "postmaster@\(name)",
                contact: ByteString(contact))
            made.schema = ReportSchema(rawValue: schema) ?? .rfc7489
            return made
        }
    }

    private func publicSuffixes(_ console: Console) throws(ToolFailure) -> PublicSuffixList? {
        do throws(DMARCError) {
            return PublicSuffixList(try DescriptorInput.contents(of: ByteString(suffixes), limit: 16 << 20))
        } catch {
            guard error.kind == .missing else { throw ToolFailure(error) }
            console.say(
                "bobbin: \(error.description): every address outside of the policy domain itself is checked in the DNS\n"
            )
            return nil
        }
    }
}

extension HostName {
    /// `primary_hostname`, or the machine's name.
    static func ofSite(_ site: Site) -> ByteString {
        site.configuration.main.text("primary_hostname") ?? current
    }
}

/// Reports as files.
struct ReportDump {
    let store: DMARCStore
    let directory: ByteString

    /// Writes one report, and gives its path; nil for a domain whose name cannot stand in a path.
    func write(
        _ report: AggregateReport, _ organization: ReportingOrganization
    ) throws(DMARCError) -> ByteString? {
        let name = report.fileName(of: organization)
        guard !name.contains(UInt8(ascii: "/")), report.domain.first != UInt8(ascii: ".") else { return nil }
        let path: ByteString = "\(directory)/\(name).gz"
        try DescriptorInput.replace(path, with: report.gzip(of: organization, from: store))
        return path
    }
}

extension ReportOutcome {
    /// One line for people.
    var text: ByteString {
        let word = state.map { ByteString($0.rawValue) } ?? "skipped"
        return
            "\(report.interval.name) \(report.domain) \(report.messages) messages, \(uri): \(word) (\(detail))\n"
    }

    /// The outcome as JSON.
    var object: JSONObject {
        var object = JSONObject()
        object.add("domain", report.domain)
        object.add("day", report.interval.name)
        object.add("messages", report.messages)
        object.add("address", uri)
        object.add("state", state.map { ByteString($0.rawValue) } ?? "skipped")
        object.add("detail", detail)
        return object
    }
}
