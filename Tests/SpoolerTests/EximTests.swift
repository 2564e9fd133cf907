import Bytes
import Foundation
import Spooler
import Testing

/// One spool, used by an installed Exim and by this library in turn.
@Suite("Beside a real Exim", .serialized)
struct EximTests {
    private let scratch: ScratchSpool
    private let spool: Spool

    init() throws {
        scratch = try ScratchSpool()
        guard FileManager.default.isExecutableFile(atPath: "/usr/sbin/exim4") else {
            Issue.record("install exim4-daemon-heavy, the oracle of these tests, and run them as root")
            throw Unexpected()
        }
        let (uid, gid) = (try Self.number("-u"), try Self.number("-g"))
        var spool = scratch.spool
        spool.owner = FileOwner(uid: uid, gid: gid)
        self.spool = spool
        try FileManager.default.setAttributes(
            [.ownerAccountID: uid, .groupOwnerAccountID: gid, .posixPermissions: 0o755],
            ofItemAtPath: scratch.path)
        try scratch.write(
            """
            spool_directory = \(scratch.path)
            log_file_path = \(scratch.path)/%slog
            primary_hostname = mx.example.org
            keep_environment =
            tls_advertise_hosts =
            begin routers
            hold:
              driver = redirect
              allow_defer
              data = :defer: held for the test
            begin retry
            * * F,3000w,5m

            """, to: "conf")
    }

    private static func number(_ option: String) throws -> UInt32 {
        let text = try run("/usr/bin/id", [option, "Debian-exim"]).output
        return try #require(UInt32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    @discardableResult
    private func exim(_ arguments: String..., input: String = "") throws -> String {
        try run("/usr/sbin/exim4", ["-C", scratch.path + "/conf"] + arguments, input: input).output
    }

    private func header(_ id: MessageID) throws -> HeaderFile {
        let octets = try scratch.read("input/\(id)-H")
        let header = try HeaderFile(parsing: octets, named: id)
        #expect(header.serialized() == octets)
        return header
    }

    @Test("AUX-17: Exim lists, shows and edits what we received, and we read what it made of it")
    func ours() throws {
        let id = try spool.accept(format: .short)
        let listing = try exim("-bp")
        #expect(listing.contains("\(id) <s@example.com>\n          a@example.org\n          B@Example.ORG\n"))
        #expect(try exim("-bpc") == "1\n")
        #expect(try ByteString(exim("-Mvh", "\(id)")) == scratch.read("input/\(id)-H"))
        #expect(try exim("-Mf", "\(id)") == "Message \(id) is now frozen\n")
        #expect(try header(id).isFrozen)
        try exim("-Mt", "\(id)")
        #expect(try !header(id).isFrozen && header(id).manualThaw)
        try exim("-Mar", "\(id)", "c@example.org")
        try exim("-Mmd", "\(id)", "B@Example.ORG")
        try exim("-Mes", "\(id)", "new@example.com")
        let after = try header(id)
        #expect(after.recipients.map(\.address) == ["a@example.org", "B@Example.ORG", "c@example.org"])
        #expect(after.undelivered.map(\.address) == ["a@example.org", "c@example.org"])
        #expect(after.sender == "new@example.com")
        #expect(try exim("-Mrm", "\(id)") == "Message \(id) has been removed\n")
        #expect(scratch.states(of: id) == "")
    }

    @Test("While we hold a message, Exim says that it is locked, also while it is being received")
    func locked() throws {
        let id = try spool.accept(format: .short)
        let held = try spool.take(id)
        #expect(try exim("-Mf", "\(id)") == "Message \(id) is locked\n")
        #expect(try exim("-Mrm", "\(id)") == "Message \(id) is locked\n")
        _ = consume held
        let pending = try spool.newMessage(generator(.short))
        #expect(try exim("-Mrm", "\(pending.id)") == "Message \(pending.id) is locked\n")
        #expect(try exim("-bpc") == "1\n")
    }

    @Test("Exim replays our journal: a message whose recipients are all in it completes without a delivery")
    func journal() throws {
        let id = try spool.accept(["a@example.org", "b@example.org"], format: .short)
        do {
            var message = try spool.take(id)
            try message.appendToJournal(["a@example.org"])
        }
        try exim("-M", "\(id)")
        #expect(try header(id).nonRecipients.names == ["a@example.org"])
        #expect(scratch.states(of: id) == "D H log")
        do {
            var message = try spool.take(id)
            try message.appendToJournal(["b@example.org"])
        }
        try exim("-M", "\(id)")
        #expect(scratch.states(of: id) == "")
        let log = try scratch.read("mainlog").string
        #expect(log.contains("\(id) Completed") && !log.contains("=>"))
    }

    @Test("AUX-17: we list, edit and complete what Exim received")
    func theirs() throws {
        let message = "From: a@example.com\nSubject: test\n\none\ntwo\n"
        try exim("-odq", "-i", "-f", "s@example.com", "x@example.org", "y@example.org", input: message)
        let entry = try #require(try spool.sortedQueue().first)
        guard case .message(let stored) = try spool.read(entry.id, at: entry.place) else {
            Issue.record("not readable")
            return
        }
        #expect(stored.header.recipients.map(\.address) == ["x@example.org", "y@example.org"])
        #expect(stored.bodySize == 8 && stored.header.bodyLineCount == 2)
        #expect(stored.header.nonRecipients.isEmpty && !stored.header.isFrozen)
        do {
            var locked = try spool.take(entry.id)
            _ = locked.header.freeze(at: 1_795_244_867)
            _ = locked.header.markDelivered("x@example.org")
            try locked.writeHeader()
        }
        let listing = try exim("-bp")
        #expect(listing.contains("*** frozen ***\n        D x@example.org\n          y@example.org\n"))
        let locked = try spool.take(entry.id)
        try locked.complete {}
        #expect(try exim("-bpc") == "0\n")
        #expect(scratch.states(of: entry.id) == "")
    }

    @Test("Exim takes a message that came back from another program's directory")
    func requeued() throws {
        let id = try spool.accept(format: .short)
        let out = scratch.path + "/out"
        try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: false)
        do {
            let message = try spool.take(id)
            try message.handOver(to: ByteString(out), header: message.header, as: .linked)
            try message.remove()
        }
        #expect(try exim("-bpc") == "0\n")
        let outcome = try spool.requeue(
            from: ByteString(out), id, as: .fresh(generator(.short)), removingSource: true)
        guard case .queued(let new) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(try exim("-Mvb", "\(new)") == "\(new)-D\nhello\n")
        #expect(try exim("-bp").contains("\(new) <s@example.com>"))
    }
}
