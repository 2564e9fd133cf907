import Bytes
import Synchronization
import Testing

@testable import Spooler

/// Messages that go through the commit log (spool-format/README.md, 6.9): stopped, failing, and recovered.
@Suite("Commit log")
struct CommitLogTests {
    /// How many octets the body of a test's message has.
    private static let bodySize = 6000

    // MARK: A group whose messages all go through the log

    private func group(
        _ scratch: ScratchSpool, notices: Notices = Notices(), settleDelay: UInt64 = 2_000_000,
        mostUnsettled: Int = 1000
    ) -> CommitGroup {
        let limits = CommitGroup.Limits(
            settleDelay: settleDelay, segmentSize: 512 << 10, firstRetry: 5_000_000, lastRetry: 20_000_000,
            mostUnsettled: mostUnsettled, logRetry: 10_000_000)
        return CommitGroup(scratch.spool, .alwaysLogged, limits, isInMemory: false) { notices.add($0) }
    }

    /// A group that is under way: its log is ready, and no message waits.
    private func warmGroup(
        _ scratch: ScratchSpool, notices: Notices = Notices(), settleDelay: UInt64 = 2_000_000,
        mostUnsettled: Int = 1000
    ) async throws -> CommitGroup {
        let group = group(
            scratch, notices: notices, settleDelay: settleDelay, mostUnsettled: mostUnsettled)
        try #require(group.hasLog)
        try await warm(group, scratch)
        return group
    }

    /// Sends messages until one goes through the log.
    private func warm(_ group: CommitGroup, _ scratch: ScratchSpool) async throws {
        let counts = StepCounts()
        // Until the segments are made, messages go by themselves.
        while counts[.syncCommitLog] == 0 {
            var pending = try counts.watching(scratch.spool).newMessage(generator())
            try pending.append("warm\n")
            let queued = try await pending.commit(plainHeader(), in: group).release()
            await withCheckedContinuation { done in queued.whenDeliverable { done.resume() } }
        }
    }

    @concurrent private func accept(
        _ body: ByteString, in spool: Spool, _ group: CommitGroup
    ) async throws(SpoolError) -> MessageID {
        var pending = try spool.newMessage(generator())
        try pending.append(body + ByteString(repeating: 0x61, count: Self.bodySize) + "\n")
        return try await pending.commit(plainHeader(), logging: "line", in: group).id
    }

    private func plainHeader() -> HeaderFile {
        var header = HeaderFile(
            id: generator().next(), origin: ("mail", 8, 8), sender: "s@example.com",
            receivedTime: 1_795_244_867)
        header.recipients = [Recipient("a@example.org"), Recipient("b@example.org")]
        header.headers = [HeaderLine("Subject: test")]
        return header
    }

    @Test("Messages through the log are whole on the queue when the group has finished, and the log is empty")
    func whole() async throws {
        let scratch = try ScratchSpool(inMemory: true)
        let group = try await warmGroup(scratch)
        let ids = try await withThrowingTaskGroup(of: MessageID.self) { tasks in
            for number in 0..<300 {
                tasks.addTask { try await accept("\(number) ", in: scratch.spool, group) }
            }
            return try await tasks.reduce(into: Set()) { $0.insert($1) }
        }
        await group.finish()
        #expect(ids.count == 300)
        for id in ids {
            #expect(scratch.states(of: id) == "D H log")
            #expect(try scratch.read("input/\(id)-D").count > Self.bodySize - 10)
        }
        #expect(try findings(scratch.spool) == [])
        #expect(try scratch.spool.recoverCommits() == CommitRecovery())
    }

    @Test("Messages that come together share the synchronisations of the log")
    func shared() async throws {
        let scratch = try ScratchSpool(inMemory: true)
        let group = try await warmGroup(scratch, settleDelay: 2_000_000_000)
        let counts = StepCounts()
        let spool = counts.watching(scratch.spool)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in 0..<40 { tasks.addTask { _ = try await accept("\(number) ", in: spool, group) } }
            try await tasks.waitForAll()
        }
        await group.finish()
        #expect(counts[.syncData] == 0 && counts[.syncHeader] == 0)
        #expect(counts[.syncBatch] < 10 && counts[.syncDirectory] < 10)
    }

    @Test("A message is locked until its files are there, and what waits for it runs then")
    func deliverable() async throws {
        let scratch = try ScratchSpool(inMemory: true)
        let group = try await warmGroup(scratch)
        var pending = try scratch.spool.newMessage(generator())
        try pending.append("text\n")
        let committed = try await pending.commit(plainHeader(), in: group)
        let id = committed.id
        #expect(try scratch.spool.isHeld(id))
        let queued = committed.release()
        let seen = await withCheckedContinuation { continuation in
            queued.whenDeliverable { continuation.resume(returning: scratch.states(of: id)) }
        }
        #expect(seen == "D H")
        #expect(try !scratch.spool.isHeld(id))
        await group.finish()
    }

    @Test("A large message, and one whose body is in the file already, go without the log")
    func large() async throws {
        let scratch = try ScratchSpool(inMemory: true)
        let group = try await warmGroup(scratch)
        let counts = StepCounts()
        var pending = try counts.watching(scratch.spool).newMessage(generator())
        try pending.append(ByteString(repeating: 0x61, count: 300_000) + "\n")
        let id = try await pending.commit(plainHeader(), in: group).id
        #expect(counts[.writeCommitLog] == 0)
        #expect(scratch.states(of: id) == "D H")
        await group.finish()
        #expect(try scratch.read("input/\(id)-D").count == 300_000 + 1 + id.bytes.count + 3)
    }

    @Test("One process has the log at a time; another commits without it")
    func owned() async throws {
        let scratch = try ScratchSpool(inMemory: true)
        let first = group(scratch)
        #expect(first.hasLog)
        let second = group(scratch)
        #expect(!second.hasLog)
        _ = try await accept("x", in: scratch.spool, second)
        #expect(try scratch.spool.recoverCommits() == nil)
        #expect(try scratch.spool.count() == 1)
        // When the one has ended, the other takes the log over.
        await first.finish()
        while !second.hasLog {
            _ = try await accept("x", in: scratch.spool, second)
            try await Task.sleep(for: .milliseconds(5))
        }
        try await warm(second, scratch)
        await second.finish()
        #expect(try scratch.spool.recoverCommits() == CommitRecovery())
    }

    @Test("No more messages wait for their files than are allowed to; the next one gets its own at once")
    func bounded() async throws {
        let scratch = try ScratchSpool(inMemory: true)
        // Files come only when the group ends.
        let group = group(scratch, settleDelay: 3_600_000_000_000, mostUnsettled: 4)
        let counts = StepCounts()
        while counts[.syncCommitLog] < 4 {
            _ = try await accept("x", in: counts.watching(scratch.spool), group)
        }
        let fifth = try await accept("fifth", in: scratch.spool, group)
        #expect(scratch.states(of: fifth) == "D H log")
        let waiting = scratch.files().filter { $0.contains("hdr.") }
        #expect(waiting.count == 4)
        await group.finish()
        #expect(scratch.files().filter { $0.contains("hdr.") } == [])
    }

    @Test("What cannot be opened is missed before the message is accepted, and nothing of it stays")
    func unopened() async throws {
        let scratch = try ScratchSpool(inMemory: true)
        let group = try await warmGroup(scratch)
        let before = scratch.files()
        await #expect(throws: SpoolError.self) {
            _ = try await accept("x", in: failing(scratch.spool, at: .createHeader), group)
        }
        #expect(scratch.files() == before)
        await group.finish()
    }

    // MARK: Crashes

    /// What a machine that goes down can make of files that were not synchronised.
    enum Loss: CaseIterable, Sendable { case nothing, shortened, emptied, removed }

    @Test(
        "After a crash at any step behind the acknowledgement, recovery brings the message onto the queue, whole",
        arguments: [
            SpoolStep.writeData, .writeHeader, .syncBatch, .markCommitLog, .renameHeader,
            .syncDirectory, .writeMessageLog,
        ], Loss.allCases)
    func crash(stop: SpoolStep, loss: Loss) async throws {
        let scratch = try ScratchSpool(inMemory: true)
        let id: MessageID
        do {
            let group = try await warmGroup(scratch)
            // The answer comes before the step; the group never gets behind it.
            id = try await accept("stopped", in: scratch.stopping(at: stop), group)
            await group.finish()
        }
        let before = scratch.states(of: id)
        let isDurable = [.renameHeader, .syncDirectory, .writeMessageLog].contains(stop)
        if isDurable {
            // Only the new name can be lost.
            if loss != .nothing, before.contains("H") {
                try scratch.rename("input/\(id)-H", to: "input/hdr.\(id)")
            }
        } else {
            #expect(!before.contains("H"))
            try lose(loss, of: ["input/\(id)-D", "input/hdr.\(id)"], scratch)
        }
        let recovery = try #require(try scratch.spool.recoverCommits())
        let isThere = isDurable && loss == .nothing && before.contains("H")
        #expect(recovery.restored == (isDurable ? [] : [id]))
        #expect(recovery.completed == (isDurable && !isThere ? [id] : []))
        #expect(scratch.states(of: id).hasPrefix("D H"))
        let message = try scratch.spool.take(id)
        #expect(message.header.undelivered.count == 2)
        #expect(try scratch.read("input/\(id)-D").count > Self.bodySize)
        #expect(try scratch.spool.count() > 1)
        // A second recovery finds nothing to do.
        #expect(try scratch.spool.recoverCommits() == CommitRecovery())
    }

    @Test("A message that was delivered after its files were durable is not brought back")
    func delivered() async throws {
        let scratch = try ScratchSpool(inMemory: true)
        let id: MessageID
        do {
            let group = try await warmGroup(scratch)
            id = try await accept("stopped", in: scratch.stopping(at: .writeMessageLog), group)
            await group.finish()
        }
        // The program died behind the rename: its lock is gone, and somebody delivers.
        _ = try scratch.spool.remove(id)
        #expect(try #require(try scratch.spool.recoverCommits()).isEmpty)
        #expect(!scratch.states(of: id).contains("H"))
    }

    @Test("A message whose rename failed behind the mark is there after a crash, whatever had been tried")
    func unnamed() async throws {
        let scratch = try ScratchSpool(inMemory: true)
        let group = try await warmGroup(scratch)
        let isFirst = Flag()
        var spool = scratch.spool
        spool.beforeStep = { (present) throws(SpoolError) in
            guard present == .renameHeader else { return }
            defer { isFirst.lower() }
            throw SpoolError("test", "", isFirst.isUp ? .system(errno: 5) : .stopped)
        }
        let id = try await accept("unnamed", in: spool, group)
        while isFirst.isUp || scratch.states(of: id).contains("H") {
            try await Task.sleep(for: .milliseconds(5))
        }
        await group.finish()
        #expect(scratch.states(of: id) == "D hdr")
        #expect(try scratch.spool.recoverCommits()?.completed == [id])
        #expect(scratch.states(of: id) == "D H log")
    }

    @Test(
        "A recovery that fails in the middle goes on later, and brings nothing back that was delivered meanwhile"
    )
    func interrupted() async throws {
        let scratch = try ScratchSpool(inMemory: true)
        var ids: [MessageID] = []
        do {
            let group = try await warmGroup(scratch)
            let stopping = scratch.stopping(at: .writeData)
            ids.append(try await accept("one", in: stopping, group))
            await group.finish()
        }
        do {
            // A second owner would recover; its records are made by hand, behind those of the first.
            let later = try #require(try scratch.leftRecords().first { $0.id == ids[0] })
            var other = later
            other.id = generator().next()
            try scratch.addRecord(other)
            ids.append(other.id)
        }
        // The second one cannot be restored: somebody else holds its name.
        try scratch.write("", to: "input/\(ids[1])-D")
        guard case .acquired(let lock) = try scratch.spool.lock(ids[1]) else { throw Unexpected() }
        #expect(throws: SpoolError.self) { try scratch.spool.recoverCommits() }
        #expect(scratch.states(of: ids[0]).hasPrefix("D H"))
        _ = try scratch.spool.remove(ids[0])
        _ = consume lock
        #expect(try scratch.spool.recoverCommits()?.restored == [ids[1]])
        #expect(!scratch.states(of: ids[0]).contains("H"))
        #expect(scratch.states(of: ids[1]).hasPrefix("D H"))
    }

    @Test(
        "A crash before the log is synchronised leaves nothing that was acknowledged",
        arguments: [
            SpoolStep.writeCommitLog, .syncCommitLog,
        ])
    func unacknowledged(stop: SpoolStep) async throws {
        let scratch = try ScratchSpool(inMemory: true)
        let group = try await warmGroup(scratch)
        // A log that cannot be written is given up, and the message takes the way without it.
        let id = try await accept("stopped", in: failing(scratch.spool, at: stop), group)
        #expect(scratch.states(of: id) == "D H log")
        // A while later it is tried again.
        try await warm(group, scratch)
        await group.finish()
        #expect(try #require(try scratch.spool.recoverCommits()).isEmpty)
    }

    private func lose(_ loss: Loss, of names: [String], _ scratch: ScratchSpool) throws {
        for name in names where scratch.files().contains(name) {
            let octets = try scratch.read(name)
            switch loss {
            case .nothing: break
            case .shortened: try scratch.write(ByteString(octets.prefix(octets.count / 2)), to: name)
            case .emptied: try scratch.write("", to: name)
            case .removed: try scratch.remove(name)
            }
        }
    }

    // MARK: Failures

    @Test(
        "An accepted message whose files cannot be made is told of, kept, and made when that works again",
        arguments: [
            SpoolStep.writeData, .writeHeader, .syncBatch, .markCommitLog, .renameHeader, .syncDirectory,
        ])
    func postponed(step: SpoolStep) async throws {
        let scratch = try ScratchSpool(inMemory: true)
        let notices = Notices()
        let group = try await warmGroup(scratch, notices: notices)
        let isFull = Flag()
        var spool = scratch.spool
        spool.beforeStep = { (present) throws(SpoolError) in
            // Another attempt is made alone, and must fail too.
            if present == step || present == .syncHeader, isFull.isUp {
                throw SpoolError("test", "", .system(errno: 28))
            }
        }
        var pending = try spool.newMessage(generator())
        try pending.append("late" + ByteString(repeating: 0x61, count: Self.bodySize) + "\n")
        let id = pending.id
        let queued = try await pending.commit(plainHeader(), logging: "line", in: group).release()
        while notices.unsettled(id) < 2 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(!scratch.states(of: id).contains("H") || step == .syncDirectory)
        // Meanwhile nobody else is accepted before its files are made.
        let counts = StepCounts()
        let other = try await accept("x", in: counts.watching(scratch.spool), group)
        #expect(counts[.writeCommitLog] == 0 && scratch.states(of: other) == "D H log")
        isFull.lower()
        await withCheckedContinuation { done in queued.whenDeliverable { done.resume() } }
        await group.finish()
        #expect(scratch.states(of: id) == "D H log")
        #expect(try scratch.read("input/\(id)-D").count > Self.bodySize)
    }

    private func failing(_ spool: Spool, at step: SpoolStep) -> Spool {
        var spool = spool
        spool.beforeStep = { (present) throws(SpoolError) in
            if present == step { throw SpoolError("test", "", .system(errno: 5)) }
        }
        return spool
    }

    private func findings(_ spool: Spool) throws -> [SpoolFinding] {
        var found: [SpoolFinding] = []
        try spool.check(olderThan: 0, now: SpoolTime.now().seconds + 10) { found.append($0) }
        return found
    }
}

extension ScratchSpool {
    /// The segments of the commit log that are in use.
    private func segments() throws -> [(name: String, octets: [UInt8], generation: UInt32)] {
        try ["bobbin-commit/1", "bobbin-commit/2"].compactMap { name in
            let octets = try read(name).bytes
            guard let head = CommitLogSegment.head(of: octets), head.isInUse else { return nil }
            return (name, octets, head.generation)
        }
    }

    /// The messages whose records are in the commit log.
    func leftRecords() throws -> [LoggedMessage] {
        try segments().flatMap { CommitLogSegment.messages(in: $0.octets, $0.generation).map(\.message) }
    }

    /// Adds a record behind those of the commit log.
    func addRecord(_ message: LoggedMessage) throws {
        guard let last = try segments().last else { throw Unexpected() }
        let (name, generation) = (last.name, last.generation)
        var octets = last.octets
        var record: [UInt8] = []
        let place = CommitLogPlace(
            segment: 0, generation: generation, index: CommitLogSegment.mostRecords - 1)
        CommitLogRecord.append(message, at: place, to: &record)
        let start = octets.count - CommitLogSegment.blockSize * 16
        octets.replaceSubrange(start..<(start + record.count), with: record)
        try write(ByteString(octets), to: name)
    }
}

/// What a group said behind the sessions' backs.
private final class Notices: Sendable {
    private let all = Mutex<[CommitGroup.Notice]>([])

    func add(_ notice: CommitGroup.Notice) { all.withLock { $0.append(notice) } }

    /// How often a message could not be settled.
    func unsettled(_ id: MessageID) -> Int {
        all.withLock { all in
            all.count { if case .unsettled(id, _) = $0 { true } else { false } }
        }
    }
}

/// Up, until it is lowered.
private final class Flag: Sendable {
    private let state = Atomic(true)
    var isUp: Bool { state.load(ordering: .sequentiallyConsistent) }
    func lower() { state.store(false, ordering: .sequentiallyConsistent) }
}
