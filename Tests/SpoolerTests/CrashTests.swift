import Bytes
import Foundation
import Spooler
import Synchronization
import Testing

/// The states table of spool-format/README.md, acted out: stop before a step, look, recover.
@Suite("Crashes")
struct CrashTests {
    @Test(
        "A reception that stops before a step leaves what the table says, and no message before its -H has its name",
        arguments: [
            (SpoolStep.createData, "", false), (.lockData, "D", false), (.writeData, "D", false),
            (.syncData, "D", false), (.createHeader, "D", false), (.writeHeader, "D hdr", false),
            (.syncHeader, "D hdr", false), (.renameHeader, "D hdr", false), (.syncDirectory, "D H", true),
            (.writeMessageLog, "D H", true),
        ])
    func reception(stop: SpoolStep, files: String, isQueued: Bool) throws {
        let scratch = try ScratchSpool()
        let error = #expect(throws: SpoolError.self) { try scratch.stopping(at: stop).accept() }
        #expect(error?.cause == .stopped)
        let found = scratch.files().first
        let id = found.flatMap { MessageID(ByteString($0.dropFirst(6).prefix(23))) }
        #expect(id.map(scratch.states) ?? "" == files)
        #expect(try scratch.spool.count() == (isQueued ? 1 : 0))
        let findings = try allFindings(scratch.spool)
        for finding in findings { #expect(try scratch.spool.repair(finding) != .leftToPeople) }
        #expect(try allFindings(scratch.spool) == [])
        if isQueued, let id {
            #expect(scratch.states(of: id) == "D H")
            let message = try scratch.spool.take(id)
            #expect(message.header.undelivered.count == 2)
        } else {
            #expect(scratch.files() == [])
        }
    }

    @Test("A reception that is dropped, or fails at a step, leaves nothing", arguments: SpoolStep.allCases)
    func dropped(step: SpoolStep) throws {
        let scratch = try ScratchSpool()
        var spool = scratch.spool
        spool.beforeStep = { (present) throws(SpoolError) in
            if present == step { throw SpoolError("test", "", .system(errno: 28)) }
        }
        do {
            let id = try spool.accept()
            #expect(step != .renameHeader)
            #expect(scratch.states(of: id) == (step == .writeMessageLog ? "D H" : "D H log"))
        } catch is SpoolError {
            #expect(scratch.files() == [])
        }
        let empty = try ScratchSpool()
        var pending = try empty.spool.newMessage(generator())
        try pending.append("half a mess")
        _ = consume pending
        #expect(empty.files() == [])
    }

    @Test(
        "An update that stops before a step leaves the old or the new -H, never a mixture",
        arguments: [
            (SpoolStep.createHeader, false), (.writeHeader, false), (.syncHeader, false),
            (.renameHeader, false),
            (.syncDirectory, true),
        ])
    func update(stop: SpoolStep, isNew: Bool) throws {
        let scratch = try ScratchSpool()
        let id = try scratch.spool.accept()
        var changed: LockedMessage? = try scratch.stopping(at: stop).take(id)
        changed?.header.sender = "new@example.com"
        #expect(throws: SpoolError.self) { try changed?.writeHeader() }
        changed = nil
        var again = try scratch.spool.take(id)
        #expect(again.header.sender == (isNew ? "new@example.com" : "s@example.com"))
        // The next update is not hindered by what was left.
        again.header.sender = "third@example.com"
        try again.writeHeader()
        #expect(scratch.states(of: id) == "D H log")
    }

    @Test(
        "A delivery that stops before a step forgets nothing that was synchronised to the journal",
        arguments: [
            (SpoolStep.createJournal, 0, []), (.writeJournal, 0, []), (.syncJournal, 0, ["a@example.org"]),
            (.writeJournal, 1, ["a@example.org"]), (.createHeader, 0, ["B@example.org", "a@example.org"]),
            (.renameHeader, 0, ["B@example.org", "a@example.org"]),
            (.syncDirectory, 0, ["B@example.org", "a@example.org"]),
            (.removeJournal, 0, ["B@example.org", "a@example.org"]),
        ] as [(SpoolStep, Int, [ByteString])])
    func delivery(stop: SpoolStep, earlier: Int, known: [ByteString]) throws {
        let scratch = try ScratchSpool()
        let id = try scratch.spool.accept(["a@example.org", "B@Example.ORG", "c@example.org"])
        #expect(throws: SpoolError.self) {
            try deliver(scratch.stopping(at: stop, after: earlier), id)
        }
        let message = try scratch.spool.take(id)
        #expect(message.header.nonRecipients.names == known)
        #expect(message.header.undelivered.count == 3 - known.count)
        #expect(try HeaderFile(parsing: try scratch.read("input/\(id)-H")).nonRecipients.names == known)
    }

    private func deliver(_ spool: Spool, _ id: MessageID) throws {
        var message = try spool.take(id)
        for address in ["a@example.org", "B@example.org"] as [ByteString] {
            try message.appendToJournal([address])
            message.header.nonRecipients.insert(address)
        }
        try message.writeHeader()
        try message.removeJournal()
    }

    @Test(
        "A completion that stops before a step never makes a message be delivered again",
        arguments: [
            (SpoolStep.removeMessageLog, "D H J log", false), (.removeData, "D H J", false),
            (.removeHeader, "H J", false),
            (.removeJournal, "J", true),
        ])
    func completion(stop: SpoolStep, files: String, isLogged: Bool) throws {
        let scratch = try ScratchSpool()
        let id = try scratch.spool.accept(["a@example.org"])
        var logged = false
        do {
            var message = try scratch.stopping(at: stop).take(id)
            try message.appendToJournal(["a@example.org"])
            try message.complete { logged = true }
        } catch let error as SpoolError {
            #expect(error.cause == .stopped)
        }
        #expect(logged == isLogged)
        #expect(scratch.states(of: id) == files)
        switch try scratch.spool.open(id) {
        case .opened(let message):
            #expect(message.replayedJournal == true)
            #expect(message.header.undelivered.isEmpty)
        case .noData: #expect(files == "H J")
        case .gone: #expect(files == "J")
        case .held: Issue.record("held")
        case .noHeader: Issue.record("no header")
        case .malformed: Issue.record("malformed")
        }
        #expect(try scratch.spool.remove(id) != .absent)
        #expect(scratch.files() == [])
    }

    @Test(
        "A message whose only recipient was served is whole, or nobody delivers it, wherever its removal stops",
        arguments: [
            (SpoolStep.removeHeader, "D H log"), (.removeData, "D log"), (.removeMessageLog, "log"),
        ])
    func removal(stop: SpoolStep, files: String) throws {
        let scratch = try ScratchSpool()
        let id = try scratch.spool.accept(["a@example.org"])
        #expect(throws: SpoolError.self) { try Self.completeAtOnce(id, in: scratch.stopping(at: stop)) }
        #expect(scratch.states(of: id) == files)
        #expect(try scratch.spool.count() == (stop == .removeHeader ? 1 : 0))
        if stop == .removeHeader {
            #expect(try scratch.spool.take(id).header.undelivered.count == 1)
        } else {
            for finding in try allFindings(scratch.spool) {
                #expect(try scratch.spool.repair(finding) != .leftToPeople)
            }
            #expect(scratch.files() == [])
        }
    }

    @Test("A served message whose header cannot be removed has a journal that says so")
    func stuckHeader() throws {
        let scratch = try ScratchSpool()
        let id = try scratch.spool.accept(["a@example.org"])
        var spool = scratch.spool
        spool.beforeStep = { (step) throws(SpoolError) in
            if step == .removeHeader { throw SpoolError("unlink", "", .system(errno: 5)) }
        }
        #expect(throws: SpoolError.self) { try Self.completeAtOnce(id, in: spool) }
        #expect(try scratch.spool.take(id).header.undelivered.isEmpty)
    }

    @Test("A directory whose removals cannot be made durable is told of, and nobody waits for ever")
    func lostDirectory() async throws {
        let scratch = try ScratchSpool()
        let id = try scratch.spool.accept(["a@example.org"])
        let removed = try Self.completeAtOnce(id, in: scratch.spool)
        let told = Mutex<[SpoolError]>([])
        let group = RemovalGroup(scratch.spool, isInMemory: false) { error in
            told.withLock { $0.append(error) }
        }
        try FileManager.default.removeItem(atPath: "\(scratch.spool.directory)/input")
        group.add(removed)
        await group.finish()
        #expect(told.withLock(\.count) == 1)
    }

    @discardableResult
    private static func completeAtOnce(_ id: MessageID, in spool: Spool) throws -> RemovedMessage {
        let message = try spool.take(id)
        return try message.completeAtOnce(served: "a@example.org") {}
    }

    @Test(
        "A move that stops before a step leaves the message in one queue or both, never in none",
        arguments: [
            (SpoolStep.linkMessageLog, 1, 0), (.linkData, 1, 0), (.linkHeader, 1, 0), (.syncDirectory, 1, 1),
            (.removeHeader, 1, 1), (.removeData, 0, 1), (.removeMessageLog, 0, 1), (.removeJournal, 0, 1),
        ])
    func move(stop: SpoolStep, here: Int, there: Int) throws {
        let scratch = try ScratchSpool()
        let id = try scratch.spool.accept()
        #expect(throws: SpoolError.self) { try move(id, in: scratch.stopping(at: stop)) }
        #expect(try scratch.spool.count() == here)
        #expect(try scratch.spool.named("bulk").count() == there)
    }

    private func move(_ id: MessageID, in spool: Spool) throws {
        let message = try spool.take(id)
        try message.move(to: "bulk")
    }

    private func allFindings(_ spool: Spool) throws -> [SpoolFinding] {
        var findings: [SpoolFinding] = []
        try spool.check(olderThan: 0, now: SpoolTime.now().seconds + 10) { findings.append($0) }
        return findings
    }
}
