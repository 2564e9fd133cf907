import Bytes
import Foundation
import Synchronization
import TestKit
import Testing

/// Messages that are passed on while their client waits (`control = cutthrough_delivery`, callout option `hold`).
extension ReceptionTests {
    /// A session and what the host says that its message goes to.
    struct Passing: Sendable {
        /// The sender's local part; its first word is the ACL that decides on recipients.
        let title: String
        /// The recipients, in order.
        var to: [String] = ["a@x.example"]
        /// What the host answers instead of taking all, by the verb, or for RCPT by the verb and the address.
        var host: [String: WireServer.Answer] = [:]
        /// The end of the script, where it is not a message and QUIT.
        var end = [
            "C: DATA", "D: Subject: x", "D: X-Gone: 1", "D: X-Secret: 2", "D:", "D: ..body", "C: .",
            "C: QUIT",
        ]

        var script: Script {
            get throws {
                let lines =
                    ["== \(title)", "C: EHLO client.example.net", "C: MAIL FROM:<\(title)@example.net>"]
                    + to.map { "C: RCPT TO:<\($0)>" } + end
                return try Script.parse(ByteString(lines.joined(separator: "\n") + "\n"))[0]
            }
        }
    }

    private static let two = ["a@x.example", "b@x.example"]
    private static let refusal = WireServer.Answer.reply("550 go away")
    private static let later = WireServer.Answer.reply("451 later")

    /// The end where no recipient was accepted.
    private static let nobody = ["C: DATA", "C: QUIT"]

    /// Both programs do the same.
    static let passings: [Passing] = [
        Passing(title: "spool-taken"), Passing(title: "spool-two", to: two),
        Passing(title: "spool-alias", to: ["who@alias.example"]),
        Passing(title: "spool-list", to: ["who@list.example"]),
        Passing(title: "spool-refused", host: ["MESSAGE": refusal]),
        Passing(title: "spool-tworefused", to: two, host: ["MESSAGE": refusal]),
        Passing(title: "spool-later", host: ["MESSAGE": later]),
        Passing(title: "pass-later", host: ["MESSAGE": later]),
        Passing(title: "pass-refused", host: ["MESSAGE": refusal]),
        Passing(title: "pass-taken"),
        Passing(title: "spool-silent", host: ["MESSAGE": .close]),
        Passing(title: "pass-silent", host: ["MESSAGE": .close]),
        Passing(title: "spool-odd", host: ["MESSAGE": .reply("what")]),
        Passing(title: "spool-nodata", host: ["DATA": .reply("554 no data")]),
        Passing(title: "pass-nodata", host: ["DATA": .reply("451 no data")]),
        Passing(title: "spool-lost", host: ["DATA": .close]),
        Passing(title: "spool-norcpt", host: ["RCPT a@x.example": refusal], end: nobody),
        Passing(title: "spool-laterrcpt", host: ["RCPT a@x.example": later]),
        Passing(title: "pass-laterrcpt", host: ["RCPT a@x.example": .reply("452 later")], end: nobody),
        Passing(title: "spool-noA", to: two, host: ["RCPT a@x.example": refusal]),
        Passing(title: "spool-noB", to: two + ["c@x.example"], host: ["RCPT b@x.example": refusal]),
        Passing(title: "spool-laterB", to: two, host: ["RCPT b@x.example": later]),
        Passing(title: "spool-closed", to: ["a@closed.example"]),
        Passing(title: "pass-closed", to: ["a@closed.example"], end: nobody),
        Passing(title: "spool-other", to: ["a@x.example", "b@y.example", "c@x.example"]),
        Passing(title: "spool-unroutable", to: ["a@x.example", "b@nowhere.example"]),
        Passing(title: "spool-filter", to: ["a@filter.example"]),
        Passing(title: "first-two", to: two), Passing(title: "second-two", to: two),
        Passing(title: "refused-b", to: two),
        Passing(title: "refused-first", to: ["b@x.example", "a@x.example"]),
        Passing(title: "queued-x"), Passing(title: "words-x"),
        Passing(title: "verify-two", to: two), Passing(title: "late-two", to: two),
        Passing(title: "verifynull-two", to: two),
        Passing(title: "verify-no", to: ["no@x.example"], host: ["RCPT no@x.example": refusal], end: nobody),
        Passing(title: "hold-two", to: two),
        Passing(title: "holdcached-two", to: ["h@x.example", "i@x.example"]),
        Passing(title: "holdnull-two", to: two),
        Passing(title: "hold-noB", to: two + ["c@x.example"], host: ["RCPT b@x.example": refusal]),
        Passing(title: "hold-laterB", to: two, host: ["RCPT b@x.example": later]),
        Passing(title: "hold-other", to: ["a@x.example", "b@y.example", "c@x.example"]),
        Passing(title: "spool-predata", end: ["C: DATA", "C: QUIT"]),
        Passing(title: "spool-reset", end: ["C: RSET", "C: MAIL FROM:<spool-again@example.net>", "C: QUIT"]),
        Passing(title: "spool-quit", end: ["C: QUIT"]),
        Passing(title: "spool-chunk", end: ["L: Subject: x\\r\\n\\r\\nbody\\r\\n", "C: QUIT"]),
    ]

    /// The host hears DATA from Exim, and then nothing more, and nothing of it from Bobbin, which knows by then that the
    /// message is not to be passed on.
    static let withoutData: [Passing] = [
        Passing(title: "spool-datadeny"), Passing(title: "spool-datadefer"), Passing(title: "spool-discard"),
        Passing(title: "spool-freeze"), Passing(title: "spool-fake"),
        Passing(title: "spool-vanish", end: ["C: DATA", "D: Subject: x", "D:", "D: bo", "X:"]),
    ]

    /// Exim passes these on, and somebody does not get what he was promised, or gets what was refused: Bobbin queues them.
    static let promised: [Passing] = [
        Passing(title: "spool-local", to: ["a@x.example", "b@local.example"]),
        Passing(title: "spool-copy", to: ["a@copy.example"]),
        Passing(title: "spool-marked", to: ["a@marked.example", "b@marked.example"]),
        Passing(title: "denied-b", to: two),
    ]

    /// Exim passes these on, as no ordinary delivery would be made: Bobbin queues them.
    static let ordinary: [Passing] = [
        Passing(title: "spool-limited", to: ["a@limited.example", "b@limited.example"]),
        Passing(title: "spool-secret", to: ["a@secret.example"]),
        Passing(title: "spool-tls", to: ["a@tls.example"]),
    ]

    @Test(
        """
        A message that is passed on while its client waits draws the same replies, log lines and spool files as with \
        Exim, and each recipient whom the client was promised has it once: the host took it, or it is on the queue, and \
        nobody else has it
        """)
    func cutthrough() async throws {
        let (wanted, found, hosts) = try await Self.hold(
            Self.passings + Self.withoutData + Self.promised + Self.ordinary)
        for title in (Self.passings + Self.withoutData).map(\.title) {
            let difference = KnownDifferences.between(wanted[title] ?? [], found[title] ?? [])
            #expect(difference == [], "\(title):\n\(difference.joined(separator: "\n"))")
        }
        for title in Self.passings.map(\.title) {
            #expect(hosts.bobbin.heard(title) == hosts.exim.heard(title), "\(title)")
        }
        for title in Self.withoutData.map(\.title) {
            let heard = hosts.exim.heard(title).filter { $0 != "DATA" } + ["QUIT"]
            #expect(hosts.bobbin.heard(title) == heard, "\(title)")
        }
        for passing in Self.passings + Self.withoutData + Self.promised + Self.ordinary {
            Self.expectPromisesKept(passing, found[passing.title] ?? [], hosts.bobbin)
        }
        for title in (Self.promised + Self.ordinary).map(\.title) {
            let lines = found[title] ?? []
            #expect(!Self.queuedRecipients(lines).isEmpty, "\(title): \(lines)")
        }
    }

    /// Whoever a client was told that the message is accepted for has it once, and nobody else.
    private static func expectPromisesKept(_ passing: Passing, _ lines: [String], _ host: PassingHost) {
        let sender = ByteString("\(passing.title)@example.net")
        let taken = host.server.transactions.filter { $0.sender == sender }.flatMap(\.recipients).map(
            \.string)
        let queued = queuedRecipients(lines)
        let accepted = lines.contains { $0.contains("=> blackhole") } ? [] : accepted(passing, lines)
        #expect(taken.isEmpty || queued.isEmpty, "\(passing.title): \(taken) and \(queued)")
        // The host knows an alias by another name.
        let served = (taken + queued).map { passing.title.hasSuffix("-alias") ? passing.to[0] : $0 }
        #expect(served.sorted() == accepted.sorted(), "\(passing.title): \(lines)")
    }

    /// The recipients for whom a client has been told that the message is accepted.
    private static func accepted(_ passing: Passing, _ lines: [String]) -> [String] {
        let replies = lines.filter { $0.hasPrefix("reply: ") }.map { String($0.dropFirst(7)) }
        // A refusal that is only pretended keeps the message.
        let isKept = passing.title == "spool-fake"
        let hasEnded = replies.contains { $0.hasPrefix("250 OK id=") || $0.hasPrefix("250 thanks") } || isKept
        guard hasEnded else { return [] }
        let finals = replies.filter { $0.dropFirst(3).first == " " }
        // The banner, EHLO and MAIL come first.
        return zip(passing.to, finals.dropFirst(3)).filter { $1.hasPrefix("250") }.map(\.0)
    }

    /// The recipients that a header file names: behind the tree of those who have the message, and their number.
    private static func queuedRecipients(_ lines: [String]) -> [String] {
        let header = lines.filter { $0.hasPrefix("H: ") }.map { String($0.dropFirst(3)) }
        guard let tree = header.firstIndex(of: "XX") else { return [] }
        return Array(header[(tree + 2)...].prefix(Int(header[tree + 1]) ?? 0))
    }

    /// What each host heard.
    struct Hosts { let exim: PassingHost, bobbin: PassingHost }

    private static func hold(
        _ passings: [Passing]
    ) async throws -> (wanted: [String: [String]], found: [String: [String]], hosts: Hosts) {
        let hosts = Hosts(exim: try PassingHost(passings), bobbin: try PassingHost(passings))
        let text = try Data(
            contentsOf: Area.fixtures.appendingPathComponent("../Cutthrough/exim.conf"))
        func configuration(_ host: PassingHost) -> ByteString {
            ByteString(text).replacing(ByteString("PORT"), with: ByteString("\(host.server.port)"))
        }
        let area = Area(
            name: "Cutthrough", configuration: configuration(hosts.exim),
            scripts: try passings.map { try $0.script }, ownConfiguration: configuration(hosts.bobbin))
        let (wanted, found) = try await area.outcomes()
        return (wanted, found, hosts)
    }
}

/// The host that messages are passed on to; it answers as each session wants it.
struct PassingHost: Sendable {
    let server: WireServer
    private let steps: Steps

    /// What was said in the transactions of each sender, in order.
    private final class Steps: Sendable {
        let heard = Mutex<[ByteString: [String]]>([:])
    }

    init(_ passings: [ReceptionTests.Passing]) throws {
        let answers = Dictionary(
            uniqueKeysWithValues: passings.map { (ByteString("\($0.title)@example.net"), $0.host) })
        let steps = Steps()
        self.steps = steps
        server = try WireServer(alsoAt: [0x7F00_0002]) { step in
            let sender = step.verb == "MAIL" ? step.argument : step.sender
            let said =
                step.argument.isEmpty || step.verb == "MAIL" ? step.verb : "\(step.verb) \(step.argument)"
            let text = step.message.isEmpty ? said : "\(said) \(Latin1.text(step.message))"
            steps.heard.withLock { $0[sender, default: []].append(masked(text)) }
            switch said {
            case "EHLO tls.example.org": return .reply("250-wire.example.com\r\n250 STARTTLS")
            case "STARTTLS": return .reply("454 not now")
            default: return answers[sender]?[said]
            }
        }
    }

    /// What was said in the transactions of a session.
    func heard(_ title: String) -> [String] {
        steps.heard.withLock { $0["\(title)@example.net"] ?? [] }
    }
}
