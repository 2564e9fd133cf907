import Bytes
import Foundation
import TestKit
import Testing
import Transports

@Suite("Local deliveries")
struct LocalDeliveryTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func order(_ kind: LocalOrder.Kind, _ name: ByteString, body: ByteString) throws -> (
        LocalOrder, FileHandle
    ) {
        let data = try directory.write("id-D\n" + body, to: "data")
        let handle = try #require(FileHandle(forReadingAtPath: data.string))
        var order = LocalOrder(
            transport: "local", kind: kind, path: directory.file(name), uid: geteuid(), gid: getegid(),
            hostName: "mail.example")
        order.content.prefix = "From a@b now\nSubject: x\n\n"
        order.content.suffix = "\n"
        order.content.checkString = "From "
        order.content.escapeString = ">From "
        order.content.endsLastLine = true
        order.content.bodyStart = 5
        order.content.bodySize = body.count
        order.lockRetries = 0
        order.lockInterval = 0
        return (order, handle)
    }

    @Test("A mailbox gets the message with its From lines escaped, and is as it was when the writing fails")
    func mailbox() throws {
        let (fixed, data) = try order(.mailbox, "mbox", body: "From x\n From y\nFrom z")
        var order = fixed
        // A program that another test starts has our descriptors, and the lock with them, until it is executed.
        (order.lockRetries, order.lockInterval) = (60, 1)
        for _ in 0..<2 { #expect(LocalDelivery.perform(order, data: data.fileDescriptor) == .delivered) }
        let once = "From a@b now\nSubject: x\n\n>From x\n From y\n>From z\n\n"
        #expect(try directory.read("mbox").string == once + once)
        #expect(!FileManager.default.fileExists(atPath: directory.file("mbox.lock").string))
    }

    @Test("A mailbox that another process has locked is left alone", arguments: ["fcntl", "lockfile"])
    func locked(by way: String) throws {
        let (order, data) = try order(.mailbox, "mbox", body: "x\n")
        let path = try directory.write("", to: "mbox").string
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let other = try locking(path, way)
        defer { other.kill() }
        let words = way == "fcntl" ? "fcntl/flock" : "lock file"
        #expect(
            LocalDelivery.perform(order, data: data.fileDescriptor)
                == .deferred(
                    TransportTrouble("failed to lock mailbox \(ByteString(path)) (\(words))", errno: -9)))
        #expect(try directory.read("mbox") == "")
    }

    @Test(
        "A mailbox that another process has locked is waited for, and had as soon as it is free",
        arguments: [("lockfile", 0), ("fcntl", 0), ("fcntl", 3600)])
    func waiting(by way: String, timeout: Int) throws {
        var (order, data) = try order(.mailbox, "mbox", body: "x\n")
        let path = try directory.write("", to: "mbox").string
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let other = try locking(path, way)
        defer { other.kill() }
        (order.lockRetries, order.lockInterval, order.fcntlTimeout) = (1, 3600, timeout)
        var pauses = 0
        let outcome = LocalDelivery.perform(
            order, data: data.fileDescriptor,
            LockPatience { seconds in
                pauses += 1
                #expect(seconds < 1)
                // The other one goes while we wait, and leaves no lock file.
                other.kill()
                try? FileManager.default.removeItem(atPath: path + ".lock")
            })
        #expect(outcome == .delivered)
        #expect(pauses == 1)
    }

    @Test(
        "A lock is waited for as long as lock_retries and lock_interval say",
        arguments: ["lockfile", "fcntl"])
    func patience(by way: String) throws {
        var (order, data) = try order(.mailbox, "mbox", body: "x\n")
        let path = try directory.write("", to: "mbox").string
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let other = try locking(path, way)
        defer { other.kill() }
        (order.lockRetries, order.lockInterval) = (7, 5)
        var waited = 0.0
        let outcome = LocalDelivery.perform(
            order, data: data.fileDescriptor, LockPatience { waited += $0 })
        guard case .deferred(let trouble) = outcome else {
            Issue.record("delivered to a locked mailbox")
            return
        }
        #expect(trouble.errno == -9)
        #expect(abs(waited - 35) < 0.01)
    }

    /// A process that has locked a mailbox, by a lock of the kernel's or a lock file.
    private func locking(_ path: String, _ way: String) throws -> ChildProcess {
        let script = """
            import fcntl,sys,os,signal
            f=open(sys.argv[1],'r+')
            fcntl.lockf(f,fcntl.LOCK_EX) if sys.argv[2]=='fcntl' else os.link(sys.argv[1],sys.argv[1]+'.lock')
            print('ready',flush=True)
            signal.pause()
            """
        let other = try ChildProcess("/usr/bin/env", ["python3", "-c", script, path, way])
        try eventually("the other process has the lock") { try other.output.contains(ByteString("ready")) }
        return other
    }

    @Test(
        "create_file with a path allows what lies below it, and nothing that only begins alike",
        arguments: [
            ("box", "boxes/x", false), ("box", "box/../x", false), ("box", "box/x", true),
            ("box/", "box/x", true),
        ])
    func creation(below place: String, path: String, isAllowed: Bool) throws {
        var (order, data) = try order(.mailbox, ByteString(path), body: "x\n")
        order.createFile = directory.file(ByteString(place))
        let outcome = LocalDelivery.perform(order, data: data.fileDescriptor)
        if case .deferred(let trouble) = outcome { #expect(trouble.errno == -34) }
        #expect((outcome == .delivered) == isAllowed)
    }

    @Test("A maildir is made, and gets a whole file in new")
    func maildir() throws {
        var (order, data) = try order(.maildir, "md/deep", body: "From x\n")
        order.content.checkString = ""
        order.content.suffix = ""
        order.maildirTag = ":2,"
        #expect(LocalDelivery.perform(order, data: data.fileDescriptor) == .delivered)
        let found = try FileManager.default.contentsOfDirectory(atPath: directory.file("md/deep/new").string)
        let name = try #require(found.first)
        #expect(found.count == 1)
        #expect(name.hasSuffix(".mail.example:2,"))
        #expect(
            try directory.read("md/deep/new/\(name)" as ByteString).string
                == "From a@b now\nSubject: x\n\nFrom x\n")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: directory.file("md/deep/tmp").string).isEmpty)
    }

    @Test("A mailbox over its quota, of another owner, or that is a link is not written to")
    func refusals() throws {
        var (order, data) = try order(.mailbox, "mbox", body: "x\n")
        order.quota.size = .init(10)
        order.quota.messageSize = 11
        guard case .deferred(let full) = LocalDelivery.perform(order, data: data.fileDescriptor) else {
            Issue.record("delivered")
            return
        }
        #expect(full.errno == -22)
        order.quota.size = .init(0)
        order.uid += 1
        guard case .deferred(let foreign) = LocalDelivery.perform(order, data: data.fileDescriptor) else {
            Issue.record("delivered")
            return
        }
        #expect(foreign.errno == -6)
        order.uid -= 1
        order.path = directory.file("link")
        try FileManager.default.createSymbolicLink(
            atPath: order.path.string, withDestinationPath: directory.file("mbox").string)
        guard case .deferred(let link) = LocalDelivery.perform(order, data: data.fileDescriptor) else {
            Issue.record("delivered")
            return
        }
        #expect(link.errno == -4)
    }

    @Test("Work for another process, and its report, are read as they were written; damaged octets are none")
    func work() throws {
        var lmtp = LMTPOrder(
            peer: .command(["/bin/x", "", "a b"]), greeting: "here", sender: "", recipients: ["a@b", "c@d"])
        (lmtp.content.head, lmtp.transport, lmtp.directory) = ("Subject: x\n\n", "t", "/var")
        (lmtp.timeout, lmtp.content.bodyStart, lmtp.content.bodySize) = (7, 19, 4)
        (lmtp.ignoresQuota, lmtp.content.isWireFormat) = (true, true)
        var other = lmtp
        (other.peer, other.content.bodyStart) = (.socket("/run/lmtp"), nil)
        let file = LocalOrder(
            transport: "t", kind: .mailbox, path: "/x", uid: 1, gid: 2, hostName: "here")
        var trouble = TransportTrouble("why: 1:2", errno: -44, userText: "told")
        (trouble.more, trouble.freezes, trouble.isPanic) = (12_800, true, true)
        let report = try #require(
            LocalReport([
                .delivered(confirmation: "250 yes"), .delivered(confirmation: nil), .deferred(trouble),
                .failed(TransportTrouble("no", errno: 0)),
            ]))
        #expect(LocalReport(decoding: report.encoded) == report)
        #expect(LocalReport(decoding: "") == nil)
        var ending = PipeEnding(.killed, 9)
        (ending.output, ending.file) = ("said", "/bin/x")
        #expect(LocalReport(decoding: LocalReport(ending).encoded) == LocalReport(ending))
        var random = SeededGenerator(seed: 5)
        var pipe = PipeOrder(transport: "t", words: ["/bin/x", ""])
        (pipe.environment, pipe.umask, pipe.permitsCoredump) = (["A=b"], 0o77, true)
        pipe.content.filter = FilterOrder(words: ["/bin/f"])
        for work in [LocalWork.lmtp(lmtp), .lmtp(other), .file(file), .pipe(pipe)] {
            #expect(LocalWork(decoding: work.encoded) == work)
            for _ in 0..<2000 {
                if let read = LocalWork(decoding: work.encoded.mutated(using: &random)) {
                    #expect(LocalWork(decoding: read.encoded) == read)
                }
                if let read = LocalReport(decoding: report.encoded.mutated(using: &random)) {
                    #expect(LocalReport(decoding: read.encoded) == read)
                }
            }
        }
    }

    @Test(
        "Words of a command are parted as Exim parts them",
        arguments: [
            ("/bin/x a  b", ["/bin/x", "a", "b"]), ("  \t", []),
            ("x \"a \\\" \\t\" 'b \\ c'd", ["x", "a \" \t", "b \\ c", "d"]),
            ("\"open", ["open"]), ("''", [""]), ("a\"b c\"", ["a\"b", "c\""]),
        ] as [(ByteString, [ByteString])])
    func words(text: ByteString, words: [ByteString]) {
        #expect(CommandWords.split(text) == words)
    }

    @Test("An order is read as it was written; damaged octets are none")
    func coding() throws {
        var (order, _) = try order(.maildir, "x", body: "")
        (order.quota.size, order.quota.knownFiles) = (.init(77, isChecked: false), 3)
        order.formats = [.init(start: "From ", transport: "local")]
        (order.step, order.written.path, order.comsatName) = (.place, "/x/tmp/y", "joe")
        order.usesFlock = true
        order.maildirTag = ":a:b"
        #expect(LocalOrder(decoding: order.encoded) == order)
        var random = SeededGenerator(seed: 3)
        for _ in 0..<4000 {
            let octets = order.encoded.mutated(using: &random)
            if let other = LocalOrder(decoding: octets) {
                #expect(LocalOrder(decoding: other.encoded) == other)
            }
        }
    }
}
