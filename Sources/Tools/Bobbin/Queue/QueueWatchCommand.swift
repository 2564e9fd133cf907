import ArgumentParser
import Bytes
import EximLog
import Glibc
import MailSystem
import Spooler

/// `bobbin queue watch`.
struct QueueWatchCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Show the queue and what programs do with it, again and again.",
        discussion: """
            On a terminal the picture is renewed until Ctrl-C; elsewhere it is shown once.
            Example: every five seconds
              bobbin queue watch --interval 5
            """)

    @OptionGroup var queue: QueueOptions
    @Option(name: .long, help: ArgumentHelp("Seconds between two pictures.", valueName: "seconds"))
    var interval = 2
    @Flag(name: .long, help: "Show one picture only, also on a terminal.")
    var once = false
    @Flag(name: .long, help: "One JSON object a picture; doc/bobbin-status.md lists the keys.")
    var json = false

    func validate() throws {
        guard (1...86_400).contains(interval) else {
            throw ValidationError("--interval \(interval): give 1 to 86400 seconds")
        }
    }

    mutating func run(on console: Console) async throws {
        let spool = try queue.listableSpool()
        while true {
            let picture = try QueuePicture(of: spool)
            guard console.output.isTerminal, !once, !json else {
                console.write(json ? picture.json : picture.text(lines: nil, since: nil))
                return
            }
            let text = picture.text(lines: Terminal.rows - 1, since: SpoolTime.now().seconds)
            // Home, each line to its end, and what is left below.
            let lines = text.split(separator: .newline, omittingEmptySubsequences: false)
            console.write("\u{1B}[H")
            for line in lines { console.write("\(ByteString(line))\u{1B}[K\r\n") }
            console.write("\u{1B}[J")
            console.output.flush()
            try await Task.sleep(for: .seconds(interval))
        }
    }
}

/// The size of the terminal.
enum Terminal {
    /// How many lines there are; 24 where nobody tells.
    static var rows: Int {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 4 else { return 24 }
        return Int(size.ws_row)
    }
}

/// The queue at one moment, and what programs do with it.
struct QueuePicture: Sendable {
    /// How many domains are shown where there is no terminal's height to fill.
    static let domainsShown = 20

    private let queue: ByteString
    private let counts: Counts
    private let summary: QueueSummary
    private let reports: [StatusReport]

    /// What is counted in one slice of the queue.
    private struct Counts: Sendable {
        var messages = 0
        var frozen = 0
        var bounces = 0
        var malformed = 0
        var bytes = 0
        var text = ByteString()

        mutating func add(
            _ message: ReportedMessage, _ listing: MessageListing, _ id: MessageID, _ spool: Spool
        ) {
            switch message {
            case .listed(let message):
                add(isFrozen: message.isFrozen, isBounce: message.sender.isEmpty, size: message.size ?? 0)
            case .read(.message(let message)):
                let size = message.bodySize.map { message.header.messageSize(bodySize: $0) } ?? 0
                add(isFrozen: message.header.isFrozen, isBounce: message.header.sender.isEmpty, size: size)
            case .read(.gone): return
            case .read(.malformed), .unreadable:
                messages += 1
                malformed += 1
                return
            }
            if let lines = listing.text(of: message, id, in: spool) { text += lines }
        }

        private mutating func add(isFrozen: Bool, isBounce: Bool, size: Int) {
            messages += 1
            frozen += isFrozen ? 1 : 0
            bounces += isBounce ? 1 : 0
            bytes += max(0, size)
        }

        mutating func add(_ other: Counts) {
            messages += other.messages
            frozen += other.frozen
            bounces += other.bounces
            malformed += other.malformed
            bytes += other.bytes
        }
    }

    /// Looks at a queue.
    init(of spool: Spool) throws(SpoolError) {
        queue = spool.queue
        let listing = MessageListing(style: ListingStyle(), now: Clock.now())
        var (counts, summary) = (
            Counts(), QueueSummary(splitsBounces: false, splitsFrozen: false, splitsSenders: false)
        )
        try QueueReport(spool: spool).gather(.arrival, Counts()) { sum, entry, message in
            sum.add(message, listing, entry.id, spool)
        } use: { sum in
            counts.add(sum)
            for line in sum.text.split(separator: .newline) { summary.add(ByteString(line)) }
        }
        (self.counts, self.summary) = (counts, summary)
        reports = StatusReport.all(of: spool.directory).reports
    }

    /// The picture for people; `lines` is the terminal's height, `since` the moment to show.
    func text(lines: Int?, since moment: Int64?) -> ByteString {
        let (deliveries, domains) = summary.counts
        var text: ByteString = """
            Queue\(queue.isEmpty ? "" : " \(queue)"): \(counts.messages) messages, \(counts.frozen) frozen, \
            \(counts.bounces) bounces, \(counts.malformed) unreadable, \(counts.bytes) octets
            Waiting: \(deliveries) deliveries to \(domains) domains

            """
        if domains > 0 { text += "\nCount  Volume  Oldest  Newest  Domain\n" as ByteString }
        let room = lines.map { max(3, ($0 - 8) / 2) } ?? Self.domainsShown
        for line in summary.head(.count, room) { text += line }
        let doings = reports.flatMap { report in
            report.lines.map { "\(report.pid) \($0.text)" as ByteString }
        }
        text += "\n\(doings.isEmpty ? "No program of ours is running." : "Programs:")\n" as ByteString
        for line in doings.prefix(lines == nil ? doings.count : room) { text += "\(line)\n" as ByteString }
        return text
    }

    /// The picture for programs.
    var json: ByteString {
        let (deliveries, domains) = summary.counts
        var object = JSONObject()
        object.add("queue", queue)
        object.add("messages", counts.messages)
        object.add("frozen", counts.frozen)
        object.add("bounces", counts.bounces)
        object.add("unreadable", counts.malformed)
        object.add("bytes", counts.bytes)
        object.add("deliveries", deliveries)
        object.add("domains", domains)
        object.add(
            "programs",
            reports.map { report in
                var program = JSONObject()
                program.add("program", report.program)
                program.add("pid", report.pid)
                program.add("doing", report.lines.map(\.text))
                return program
            })
        return object.text + ByteString("\n")
    }
}
