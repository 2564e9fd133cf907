import Bytes
import Hints
import Spooler

/// Exim's programs for hints, by the names under which they are called.
enum HintsPersonality: String, Sendable, CaseIterable {
    /// Prints a database.
    case dumpdb = "exim_dumpdb"
    /// Tidies a database.
    case tidydb = "exim_tidydb"
    /// Changes a database in a dialogue.
    case fixdb = "exim_fixdb"
    /// Tells when deliveries are tried again.
    case exinext

    /// The program of a name; nil for every other one.
    init?(calledAs name: ByteString) { self.init(rawValue: name.string) }

    /// Runs with the words after the program's name; the status is Exim's.
    func run(_ words: [ByteString], on console: Console) async -> ExitStatus {
        do {
            switch self {
            case .dumpdb: return try await HintsPersonalityRun(self, words, console).dump()
            case .tidydb: return try await HintsPersonalityRun(self, words, console).tidy()
            case .fixdb: return try await HintsPersonalityRun(self, words, console).fix()
            case .exinext: return try await ExinextRun(words, console).run()
            }
        } catch let usage as HintsUsage {
            console.write(usage.text)
        } catch let failure as ToolFailure {
            console.say("\(rawValue): \(failure.message)\n")
        } catch {
            console.say("\(rawValue): \(ByteString(String(describing: error)))\n")
        }
        return .failure
    }

    /// The options that the usage line shows, as Exim 4.96 prints it.
    var options: ByteString {
        switch self {
        case .dumpdb: " [-z] [-k] "
        case .tidydb: " [-t <time>] "
        case .fixdb: " [-z] "
        case .exinext: ""
        }
    }
}

/// The command line is wrong; the text goes to standard output, as Exim's does.
struct HintsUsage: Error {
    let text: ByteString
}

/// One run of exim_dumpdb, exim_tidydb or exim_fixdb.
struct HintsPersonalityRun: Sendable {
    private let program: HintsPersonality
    private let console: Console
    private let site: HintsSite
    private let base: HintsBase
    private var keysOnly = false
    private var zone = HintsTime.Zone.local
    private var olderThan: Int64?

    /// Reads the words: options, the spool directory, and the name of the database.
    init(_ program: HintsPersonality, _ words: [ByteString], _ console: Console) throws(HintsUsage) {
        self.program = program
        self.console = console
        var rest = words[...]
        var (keysOnly, zone, olderThan) = (false, HintsTime.Zone.local, Int64?.none)
        let usage = HintsUsage(
            text: """
                Usage: \(program.rawValue)\(program.options) <spool-directory> <database-name>
                  <database-name> = retry | misc | wait-<transport-name> | callout | ratelimit | tls | seen

                """)
        while let word = rest.first, word.first == UInt8(ascii: "-"), word.count > 1 {
            rest = rest.dropFirst()
            switch (program, word) {
            case (.tidydb, "-f"): break
            case (.tidydb, "-t"):
                guard let time = rest.popFirst(), let span = HintsTime.seconds(span: time, needsUnit: true)
                else {
                    throw usage
                }
                olderThan = span
            case (.dumpdb, _) where word.dropFirst().allSatisfy({ ByteString("kz").contains($0) }),
                (.fixdb, "-z"):
                if word.contains(UInt8(ascii: "k")) { keysOnly = true }
                if word.contains(UInt8(ascii: "z")) { zone = .utc }
            default: throw usage
            }
        }
        guard rest.count == 2, let spool = rest.first, let name = rest.last,
            !name.contains(UInt8(ascii: "/"))
        else { throw usage }
        site = HintsSite(spool: spool, owner: MailUserOfSpool.owner(spool))
        guard let base = HintsBase(site.settings, name) else { throw usage }
        self.base = base
        (self.keysOnly, self.zone, self.olderThan) = (keysOnly, zone, olderThan)
    }

    private func openFailure(_ purpose: ByteString, _ trouble: HintsTrouble) -> ExitStatus {
        console.say("** Failed to open hintsdb file \(base.path) for \(purpose): \(trouble.reason)\n")
        return .failure
    }

    /// exim_dumpdb.
    func dump() async throws -> ExitStatus {
        do throws(HintsTrouble) { _ = try base.opened() } catch {
            return openFailure("reading", error)
        }
        var status = ExitStatus.success
        try await base.rows { row, layout in
            var dump = HintsDump(base.kind, layout: layout, zone: zone)
            dump.keysOnly = keysOnly
            let piece = dump.piece(row)
            console.write(piece.text)
            if !piece.complaint.isEmpty { console.say(piece.complaint) }
            if piece.isFailure { status = .failure }
        }
        return status
    }

    /// exim_tidydb.
    func tidy() async throws -> ExitStatus {
        console.write("Tidying Exim hints database \(base.path)\n")
        let messages = QueuedMessages(spool: site.spool)
        var options = HintsTidy.Options()
        options.rules = .exim
        options.olderThan = olderThan ?? options.olderThan
        let tidy = HintsTidy(site.settings, name: base.name, kind: base.kind, options: options)
        let report: HintsTidyReport
        do throws(HintsTrouble) {
            report = try await tidy.run(isQueued: { messages.contains($0) }) { event in
                if !event.text.isEmpty { console.write("\(event.text)\n") }
            }
        } catch {
            return openFailure("writing", error)
        }
        if let trouble = report.trouble {
            console.say("\(ByteString(trouble.description))\n")
            return .failure
        }
        console.write("Tidying complete\n")
        return .success
    }

    /// exim_fixdb.
    func fix() async throws -> ExitStatus {
        console.write("Modifying Exim hints database \(base.path)\n")
        do throws(HintsTrouble) { _ = try base.opened() } catch {
            return openFailure("reading", error)
        }
        try await HintsFixDialogue(site, base, zone).run(on: console)
        return .success
    }
}

/// One run of exinext.
struct ExinextRun: Sendable {
    private let console: Console
    private let subject: ByteString
    private let options: SiteOptions

    /// Reads the words: `-C`, `-D`, and what is asked about.
    init(_ words: [ByteString], _ console: Console) throws(HintsUsage) {
        self.console = console
        let usage = HintsUsage(text: "Usage: exinext <address>|<domain>|<local-part>\n")
        var options = SiteOptions()
        options.file = nil
        options.definitions = []
        var rest = words[...]
        while let word = rest.first, word.first == UInt8(ascii: "-"), word.count > 1 {
            rest = rest.dropFirst()
            switch word[1] {
            case UInt8(ascii: "C"):
                guard let file = word.count > 2 ? ByteString(word.dropFirst(2)) : rest.popFirst() else {
                    throw usage
                }
                options.file = file.string
            case UInt8(ascii: "D"): options.definitions.append(ByteString(word.dropFirst(2)).string)
            default: throw usage
            }
        }
        guard let subject = rest.first, rest.count == 1 else { throw usage }
        self.subject = subject
        self.options = options
    }

    /// Routes, looks, and prints.
    func run() async throws -> ExitStatus {
        let site = try options.site()
        let hints = try HintsSite(site)
        var search = RetrySearch(subject)
        await search.route(options)
        console.write(search.remarks)
        let looksRemote = subject.contains(UInt8(ascii: "@")) || subject.contains(UInt8(ascii: "."))
        let found = try await search.records(in: hints.base(named: "retry", mustExist: false))
        if search.hosts.isEmpty, looksRemote, !found.isEmpty {
            console.write("No remote hosts found for \(subject)\n")
        }
        if found.isEmpty { console.write("No retry data found for \(subject)\n") }
        for record in found { console.write(record.explanation.text(.local)) }
        return .success
    }
}
