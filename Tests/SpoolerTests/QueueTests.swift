import Bytes
import Foundation
import Spooler
import TestKit
import Testing

@Suite("Queues")
struct QueueTests {
    @Test(
        "Both layouts are walked whatever the setting, and nothing but header files is met",
        arguments: [true, false])
    func walk(isSplit: Bool) throws {
        let scratch = try ScratchSpool(isSplit: isSplit)
        var other = scratch.spool
        other.isSplit = !isSplit
        let ids = Set([
            try scratch.spool.accept(), try other.accept(), try scratch.spool.accept(format: .short),
        ])
        for name in [
            "hdr.1xUfCN-0002hB-01", "1xUfCN-0002hB-01-D", "1xUfCN-0002hB-01-H.tmp", "x/y",
            "ab/1xUfCN-0002hB-01-H",
        ] {
            try scratch.write("", to: "input/\(name)")
        }
        let found = try scratch.spool.sortedQueue()
        #expect(Set(found.map(\.id)) == ids && found.count == 3)
        #expect(try scratch.spool.count() == 3)
        for entry in found {
            #expect(try scratch.spool.read(entry.id, at: entry.place) == scratch.spool.read(entry.id))
            #expect(try scratch.spool.place(of: entry.id) == entry.place)
            _ = try scratch.spool.take(entry.id)
        }
    }

    @Test(
        "AUX-17: a listing's order and sizes are those of exim -bp",
        arguments: Fixture.all(below: "Tests/SpoolerTests/Fixtures", ending: "/bp.txt"))
    func listing(fixture: Fixture) throws {
        let scratch = try ScratchSpool()
        let directory = fixture.url.deletingLastPathComponent()
        for header in Fixture.headers
        where header.url.path.hasPrefix(directory.path + "/") && !header.name.contains("bulk") {
            try scratch.write(try header.octets(), to: "input/\(header.fileName)")
            for suffix in ["-D", "-J"] {
                guard let file = header.sibling(suffix) else { continue }
                try scratch.write(try file.octets(), to: "input/\(file.fileName)")
            }
        }
        let expected = try String(contentsOf: fixture.url, encoding: .utf8).split(separator: "\n\n").map(
            String.init)
        var lines: [String] = []
        for entry in try scratch.spool.sortedQueue() {
            guard case .message(let message) = try scratch.spool.read(entry.id, at: entry.place) else {
                continue
            }
            lines.append(shown(message))
        }
        #expect(lines == expected.map { masked($0) })
    }

    /// A message as Exim lists it, without its age.
    private func shown(_ message: StoredMessage) -> String {
        let header = message.header
        let size = message.bodySize.map { header.messageSize(bodySize: $0) } ?? 0
        let user = header.senderSetUntrusted ? " (\(header.login))" : ""
        let frozen = header.isFrozen ? " *** frozen ***" : ""
        let first = "\(size < 1024 ? String(size) : "K") \(header.id) <\(header.sender)>\(user)\(frozen)"
        let recipients = header.recipients.map {
            "        \(header.isListedAsDelivered($0) ? "D" : " ") \($0.address)"
        }
        return ([first] + recipients).joined(separator: "\n")
    }

    /// Exim's lines without the age, and with sizes in K masked.
    private func masked(_ text: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).filter {
            !$0.isEmpty
        }
        let words = lines[0].split(separator: " ").dropFirst()
        let size = words.first.map { $0.hasSuffix("K") ? "K" : String($0) } ?? ""
        lines[0] = ([size] + words.dropFirst().map(String.init)).joined(separator: " ")
        return lines.joined(separator: "\n")
    }

    @Test("Named queues are listed, and are queues of their own")
    func named() throws {
        let scratch = try ScratchSpool()
        let id = try scratch.spool.accept()
        let message = try scratch.spool.take(id)
        try message.move(to: "bulk")
        #expect(try scratch.spool.count() == 0)
        #expect(try scratch.spool.queueNames() == ["bulk"])
        #expect(try scratch.spool.named("bulk").sortedQueue().map(\.id) == [id])
        #expect(scratch.files() == ["bulk/input/\(id)-D", "bulk/input/\(id)-H", "bulk/msglog/\(id)"])
        let back = try scratch.spool.named("bulk").take(id)
        try back.move(to: "")
        #expect(scratch.states(of: id) == "D H log")
        #expect(try scratch.spool.named("none").count() == 0)
    }

    @Test("Directories are made with Exim's modes, whatever the umask")
    func modes() throws {
        let scratch = try ScratchSpool(isSplit: true)
        let id = try scratch.spool.accept()
        let letter = ByteString([id.subdirectory])
        for (name, mode) in [
            ("input", 0o750), ("input/\(letter)", 0o750), ("input/\(letter)/\(id)-H", 0o640),
            ("msglog/\(letter)/\(id)", 0o640),
        ] {
            let found = try FileManager.default.attributesOfItem(atPath: "\(scratch.path)/\(name)")[
                .posixPermissions]
            #expect(found as? Int == mode)
        }
    }

    @Test("A queue whose directory is a symbolic link works as any other")
    func elsewhere() throws {
        let (scratch, other) = (try ScratchSpool(), try ScratchSpool())
        try FileManager.default.createDirectory(
            atPath: other.path + "/mail", withIntermediateDirectories: false)
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/bulk", withIntermediateDirectories: false)
        for queue in ["", "bulk/"] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(scratch.path)/\(queue)input", withDestinationPath: other.path + "/mail")
        }
        let id = try scratch.spool.accept()
        #expect(try scratch.spool.sortedQueue().map(\.id) == [id])
        #expect(try scratch.spool.queueNames() == ["bulk"])
        let message = try scratch.spool.take(id)
        try message.complete {}
        #expect(other.files() == [])
    }

    @Test("A body of which a part could not be written is never committed, also when the error is overlooked")
    func lostPart() throws {
        let scratch = try ScratchSpool()
        var spool = scratch.spool
        let counter = Counter(1)
        spool.beforeStep = { (step) throws(SpoolError) in
            if step == .writeData, counter.next() { throw SpoolError("write", "", .system(errno: 28)) }
        }
        var pending = try spool.newMessage(generator())
        let block = ByteString([UInt8](repeating: 65, count: 70_000))
        #expect(throws: SpoolError.self) { try pending.append(block) }
        let error = commitError(pending)
        #expect(error?.errorNumber == 28)
        #expect(scratch.files() == [])
    }

    private func commitError(_ pending: consuming PendingMessage) -> SpoolError? {
        do {
            _ = try pending.commit(try sampleHeader()).id
            return nil
        } catch {
            return error as? SpoolError
        }
    }

    @Test("A torn last line of a journal counts for nothing, and does not spoil the next")
    func tornJournal() throws {
        let scratch = try ScratchSpool()
        let id = try scratch.spool.accept(["a@example.org", "b@example.com", "b@example.co"])
        try scratch.write("a@example.org\nb@example.com", to: "input/\(id)-J")
        var message = try scratch.spool.take(id)
        #expect(message.replayedJournal == true)
        #expect(message.header.nonRecipients.names == ["a@example.org"])
        try message.appendToJournal(["b@example.co"])
        #expect(try scratch.read("input/\(id)-J") == "a@example.org\nb@example.co\n")
    }

    @Test("A malformed message is refused with its place, left where it is, and does not hinder the others")
    func malformed() throws {
        let scratch = try ScratchSpool()
        let (bad, good) = (try scratch.spool.accept(), try scratch.spool.accept())
        let octets = try scratch.read("input/\(bad)-H").replacing(
            ByteString("\n2\n"), with: ByteString("\n-2\n"))
        try scratch.write(octets, to: "input/\(bad)-H")
        switch try scratch.spool.open(bad) {
        case .malformed(let message):
            #expect(message.error.reason == .negativeRecipientCount(-2))
            #expect(message.error.description.hasPrefix("\(bad)-H: line 8, offset "))
        default: Issue.record("not refused")
        }
        #expect(try scratch.read("input/\(bad)-H") == octets)
        _ = try scratch.spool.take(good)
        #expect(try !scratch.spool.isHeld(bad))
    }

    @Test("What cannot be written is refused before anything is touched")
    func unwritable() throws {
        let scratch = try ScratchSpool()
        let id = try scratch.spool.accept()
        let before = try scratch.read("input/\(id)-H")
        let bad: [@Sendable (inout HeaderFile) -> Void] = [
            { $0.recipients = [] }, { $0.sender = "a\nb" }, { $0.recipients[0].address = "a\n0" },
            { $0.recipients[0].parent = 7 }, { $0.headers[0].text = " x\n" },
            { $0.headers[0].text = "a\0\n" },
            { $0.headers[0].type = UInt8(ascii: "7") }, { $0.login = "a\nb" },
            { $0.nonRecipients.insert("a\nb") },
            { $0.recipients = Array(repeating: Recipient("a@b"), count: 16385) },
        ]
        for change in bad {
            var message = try scratch.spool.take(id)
            change(&message.header)
            #expect(throws: SpoolError.self) { try message.writeHeader() }
        }
        #expect(try scratch.read("input/\(id)-H") == before)
        #expect(scratch.states(of: id) == "D H log")
    }

    @Test("Receptions and deliveries of many tasks at once lose nothing and share nothing")
    func together() async throws {
        let scratch = try ScratchSpool()
        let (spool, ids) = (scratch.spool, generator(.short))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<25 {
                        var pending = try spool.newMessage(ids)
                        try pending.append("hello\n")
                        _ = try pending.commit(try sampleHeader())
                    }
                }
            }
            try await group.waitForAll()
        }
        let queue = try spool.sortedQueue()
        #expect(queue.count == 200)
        let completed = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { try queue.shuffled().count { try Self.deliver($0.id, in: spool) } }
            }
            return try await group.reduce(0, +)
        }
        #expect(completed == 200)
        #expect(scratch.files() == [])
    }

    /// Completes a message; false when another task has it or had it.
    private static func deliver(_ id: MessageID, in spool: Spool) throws -> Bool {
        switch try spool.open(id) {
        case .opened(let message):
            var completed = false
            try message.complete { completed = true }
            return completed
        case .held: return false
        case .gone: return false
        case .noData: return false
        case .noHeader: return false
        case .malformed: throw Unexpected()
        }
    }

    @Test("The body is read back in blocks and by place, as it was appended")
    func body() throws {
        let scratch = try ScratchSpool()
        var random = SeededGenerator(seed: 5)
        let body = ByteString((0..<200_001).map { _ in UInt8.random(in: 0...255, using: &random) })
        var pending = try scratch.spool.newMessage(generator())
        var rest = body[...]
        while !rest.isEmpty {
            let part = rest.prefix(Int.random(in: 1...90_000, using: &random))
            try pending.append(part)
            rest = rest.dropFirst(part.count)
        }
        #expect(pending.bodySize == body.count)
        #expect(pending.bodyLineCount == body.count { $0 == .newline })
        let id = try pending.commit(try sampleHeader()).id
        let message = try scratch.spool.take(id)
        #expect(message.header.bodyZeroCount == body.count { $0 == 0 })
        var read = ByteString()
        try message.forEachBodyBlock(of: 7000) { (block) throws(SpoolError) in
            for index in block.indices { read.append(block[index]) }
            return true
        }
        #expect(read == body && message.bodySize == body.count)
        var buffer = [UInt8](repeating: 0, count: 10)
        #expect(try message.readBody(at: 200_000, into: &buffer) == 1 && buffer[0] == body[200_000])
        #expect(try message.readBody(at: 200_001, into: &buffer) == 0)
    }

    @Test("What -M commands do to the sample, ours do too", arguments: ["spool-4.96", "spool-4.99"])
    func edited(set: String) throws {
        let after = try Fixture.header("\(set)/edited/")
        var header = after
        header.nonRecipients = AddressTree()
        header.recipients.removeLast()
        header.sender = "alice@example.com"
        header.manualThaw = false
        header.addRecipient("added@defer.example.org")
        #expect(header.markDelivered("b@defer.example.org") && !header.markDelivered("nobody@example.org"))
        header.sender = "newsender@example.com"
        #expect(header.freeze(at: 1) && !header.freeze(at: 2) && header.isFrozen)
        #expect(header.thaw() && !header.thaw())
        #expect(header.serialized() == after.serialized())
        header.markAllDelivered()
        let actions = try #require(
            Fixture.all(below: "Tests/SpoolerTests/Fixtures/\(set)/edited", ending: "actions.txt").first)
        #expect(try actions.octets().contains(header.serialized()))
    }
}
