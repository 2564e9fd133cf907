import Bytes
import Foundation
import TestKit
import Testing

/// Messages on a spool, each with a token in its id, its addresses and its text, and so in the path of every file
/// that its delivery touches.
struct QueueOfLetters {
    /// Who gets a letter: a maildir, a mailbox file, a server, another program's directory.
    static let everywhere = ["m", "b", "w", "q"]

    let site: MailSite
    let wire: WireServer
    let count: Int

    /// The token of letter `number`; of the length of the id's middle field.
    static func token(_ number: Int) -> String {
        let digits = String(number)
        return "0x" + String(repeating: "0", count: 3 - digits.count) + digits + "x"
    }

    var tokens: [String] { (0..<count).map(Self.token) }

    private static func address(_ kind: String, _ token: String) -> ByteString {
        "\(ByteString(kind + token))@example.\(kind == "w" ? "com" : "org")"
    }

    /// The configuration that delivers all kinds; Exim, which has no queuefile transport here, cannot read it.
    static func configuration(wire: Int, main: ByteString = "") -> ByteString {
        RobustnessSite.configuration(
            wire: wire, main: main,
            routers: """
                handover:
                  driver = accept
                  domains = +local_domains
                  local_parts = ^q0x
                  transport = handover

                """,
            transports: """
                handover:
                  driver = queuefile
                  directory = SITE/handover

                """)
    }

    /// Puts letters on the queue of a site, by copying one that the receiver has taken.
    init(_ site: MailSite, _ wire: WireServer, count: Int, to kinds: [String] = everywhere) throws {
        self.site = site
        self.wire = wire
        self.count = count
        let all = (0..<count).map(Self.token)
        try site.people(dirs: all.map { "m\($0)" }, boxes: all.map { "b\($0)" })
        let model = Self.token(0)
        let receiver = try site.receiver("--queue-only")
        let session = try SMTPDialogue.greeted(port: receiver.port)
        try session.expect(
            250,
            session.message(
                from: Self.address("w", model), to: kinds.map { Self.address($0, model) },
                Letter.text(model, size: 3000)))
        try session.expect(221, session.say("QUIT"))
        receiver.daemon.kill()
        let id = try #require(site.queue.first)
        let (header, data) = (try site.spoolFile(id, "H"), try site.spoolFile(id, "D"))
        try Sender(site, port: 0).remove(id)
        for token in all {
            let name = "\(id.prefix(7))\(token)-00"
            for (suffix, content) in [("D", data), ("H", header)] {
                let text = content.changed(ByteString(id), to: ByteString(name))
                    .changed(ByteString(model), to: ByteString(token))
                try MailSite.give(
                    site.directory.write(text, to: "spool/input/\(ByteString(name))-\(ByteString(suffix))"))
            }
        }
    }

    /// Makes the directory of the other program.
    static func makeHandOver(_ site: MailSite) throws {
        let path = site.directory.file("handover")
        try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: false)
        try MailSite.give(path)
    }

    /// Messages that can still be delivered; a lone `-H` is the rest of a finished one.
    var waiting: [String] {
        let names = Set(site.names(in: "spool/input"))
        return site.queue.filter { names.contains("\($0)-D") }
    }

    /// How often each recipient has been given its letter in one piece.
    func served(_ kinds: [String] = everywhere) throws -> [String: Int] {
        var times: [String: Int] = [:]
        for transaction in wire.transactions {
            for recipient in transaction.recipients {
                let local = Latin1.text(ByteString(recipient.prefix { $0 != UInt8(ascii: "@") }))
                if Letter.isWhole(transaction.message, String(local.dropFirst())) {
                    times[local, default: 0] += 1
                }
            }
        }
        for token in tokens {
            if kinds.contains("m") {
                let names = site.names(in: ByteString("mail/m\(token)/new"))
                let whole = try names.filter {
                    Letter.isWhole(try site.directory.read(ByteString("mail/m\(token)/new/\($0)")), token)
                }
                times["m\(token)"] = whole.count
            }
            if kinds.contains("b"), site.names(in: "mail").contains("b\(token)") {
                let box = try site.directory.read(ByteString("mail/b\(token)"))
                times["b\(token)"] = box.ranges(of: ByteString("\nend \(token)\n")).count
            }
            if kinds.contains("q") {
                let names = site.names(in: "handover").filter { $0.contains(token) && !$0.hasPrefix("tmp.") }
                if names.count == 2 { times["q\(token)"] = 1 }
            }
        }
        return times
    }

    /// Expects every letter to have reached everybody, and nobody more often than a limit; gives who has it twice.
    @discardableResult
    func expectServed(_ kinds: [String] = everywhere, atMost limit: Int, _ when: Comment) throws -> [String] {
        let times = try served(kinds)
        let names = tokens.flatMap { token in kinds.map { "\($0)\(token)" } }
        #expect(names.filter { times[$0, default: 0] == 0 } == [], when)
        #expect(names.filter { times[$0, default: 0] > limit } == [], when)
        let log = try site.log().filter { line in waiting.contains { line.contains($0) } }
        #expect(waiting == [], "\(when)\n\(log.joined(separator: "\n"))")
        return names.filter { times[$0, default: 0] > 1 }
    }

    /// Forgets all letters, for the next round.
    func clear() throws {
        wire.forget()
        for folder in ["spool/input", "spool/msglog", "mail", "handover", "spool/db"] as [ByteString] {
            let path = site.directory.file(folder).string
            for name in try FileManager.default.contentsOfDirectory(atPath: path) {
                try FileManager.default.removeItem(atPath: "\(path)/\(name)")
            }
        }
    }
}
