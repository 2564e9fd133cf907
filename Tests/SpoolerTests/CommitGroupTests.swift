import Bytes
import Testing

@testable import Spooler

/// Messages that are committed together (spool-format/README.md, 6.8), stopped and failing at each step.
@Suite("Commit groups")
struct CommitGroupTests {
    /// What became of the three messages of a batch.
    private struct Batch {
        var ids: [MessageID] = []
        var errors: [SpoolError] = []
    }

    /// Has three messages committed in one batch, each in the spool that is given for its number.
    private func batch(
        in scratch: ScratchSpool, _ spool: @escaping @Sendable (Int) -> Spool
    ) async throws -> Batch {
        // Nobody goes alone, so the batch begins when the third one has come.
        let limits = CommitGroup.Limits(lanes: 0, smallestBatch: 3)
        let group = CommitGroup(scratch.spool, .batched, limits)
        #expect(group.isShared)
        let ids = generator()
        return try await withThrowingTaskGroup(of: Result<MessageID, SpoolError>.self) { tasks in
            for number in 0..<3 {
                tasks.addTask {
                    do throws(SpoolError) {
                        return .success(try await accept("\(number)", in: spool(number), ids, group))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            var batch = Batch()
            for try await result in tasks {
                switch result {
                case .success(let id): batch.ids.append(id)
                case .failure(let error): batch.errors.append(error)
                }
            }
            return batch
        }
    }

    @concurrent private func accept(
        _ body: ByteString, in spool: Spool, _ ids: MessageIDGenerator, _ group: CommitGroup
    ) async throws(SpoolError) -> MessageID {
        var pending = try spool.newMessage(ids)
        try pending.append(body + "\n")
        return try await pending.commit(plainHeader(), logging: "line", in: group).id
    }

    private func plainHeader() -> HeaderFile {
        let id = generator().next()
        var header = HeaderFile(
            id: id, origin: ("mail", 8, 8), sender: "s@example.com", receivedTime: 1_795_244_867)
        header.recipients = [Recipient("a@example.org"), Recipient("b@example.org")]
        header.headers = [HeaderLine("Subject: test")]
        return header
    }

    @Test(
        "A batch that stops before a step leaves what the table says, and no message before its -H has its name",
        arguments: [
            (SpoolStep.createHeader, 1, ["D", "D", "D hdr"], 0),
            (.writeHeader, 1, ["D", "D hdr", "D hdr"], 0),
            (.syncBatch, 0, ["D hdr", "D hdr", "D hdr"], 0),
            (.renameHeader, 0, ["D hdr", "D hdr", "D hdr"], 0),
            (.renameHeader, 2, ["D H", "D H", "D hdr"], 2),
            (.syncDirectory, 0, ["D H", "D H", "D H"], 3),
        ])
    func stopped(stop: SpoolStep, after earlier: Int, states: [String], queued: Int) async throws {
        let scratch = try ScratchSpool()
        let stopping = scratch.stopping(at: stop, after: earlier)
        let batch = try await batch(in: scratch) { _ in stopping }
        #expect(batch.errors.map(\.cause) == [.stopped, .stopped, .stopped])
        let present = Set(scratch.files().compactMap(messageID))
        #expect(present.map { scratch.states(of: $0) }.sorted() == states.sorted())
        #expect(try scratch.spool.count() == queued)
        for finding in try findings(scratch.spool) {
            #expect(try scratch.spool.repair(finding) != .leftToPeople)
        }
        #expect(try findings(scratch.spool) == [])
        #expect(scratch.files().compactMap(messageID).count == 2 * queued)
    }

    @Test("A batch makes every message a whole one, under one synchronisation of the file system")
    func whole() async throws {
        let scratch = try ScratchSpool()
        let counts = StepCounts()
        let batch = try await batch(in: scratch) { _ in counts.watching(scratch.spool) }
        #expect(batch.errors == [])
        #expect(counts[.syncBatch] == 1 && counts[.syncDirectory] == 1 && counts[.syncData] == 0)
        for id in batch.ids {
            #expect(scratch.states(of: id) == "D H log")
            #expect(try scratch.spool.take(id).header.undelivered.count == 2)
        }
    }

    @Test("In a split spool all names of a batch become durable too")
    func split() async throws {
        let scratch = try ScratchSpool(isSplit: true)
        let batch = try await batch(in: scratch) { _ in scratch.spool }
        #expect(batch.errors == [] && batch.ids.count == 3)
    }

    @Test(
        "A synchronisation that fails refuses every message of the batch, and nothing of them remains",
        arguments: [SpoolStep.syncBatch, .syncDirectory])
    func refused(step: SpoolStep) async throws {
        let scratch = try ScratchSpool()
        let batch = try await batch(in: scratch) { _ in failing(scratch.spool, at: step) }
        #expect(batch.errors.map(\.errorNumber) == [5, 5, 5])
        #expect(scratch.files() == [])
    }

    @Test(
        "A failure that concerns one message is that message's only",
        arguments: [SpoolStep.createHeader, .writeHeader, .renameHeader])
    func alone(step: SpoolStep) async throws {
        let scratch = try ScratchSpool()
        let batch = try await batch(in: scratch) { number in
            number == 1 ? failing(scratch.spool, at: step) : scratch.spool
        }
        #expect(batch.errors.map(\.errorNumber) == [5])
        #expect(batch.ids.count == 2 && scratch.files().count == 6)
        #expect(batch.ids.allSatisfy { scratch.states(of: $0) == "D H log" })
    }

    @Test(
        "After a failed synchronisation, messages that were begun before it are synchronised each for itself")
    func afterFailure() async throws {
        let scratch = try ScratchSpool()
        let group = CommitGroup(scratch.spool, .batched)
        let ids = generator()
        var early = try scratch.spool.newMessage(ids)
        try early.append("early\n")
        group.noteFailure()
        let counts = StepCounts()
        #expect(group.standsApart(begunAt: early.begun))
        var late = try counts.watching(scratch.spool).newMessage(ids)
        try late.append("late\n")
        #expect(!group.standsApart(begunAt: late.begun))
        _ = try await early.commit(try sampleHeader(), in: group).id
        _ = try await late.commit(try sampleHeader(), in: group).id
        #expect(try scratch.spool.count() == 2)
    }

    @Test(
        "Many at once lose nothing",
        arguments: [(CommitSharing.batched, 2), (.batched, 16), (.eximOrder, 16)])
    func many(sharing: CommitSharing, smallest: Int) async throws {
        let scratch = try ScratchSpool()
        let group = CommitGroup(scratch.spool, sharing, CommitGroup.Limits(smallestBatch: smallest))
        let generator = generator()
        let ids = try await withThrowingTaskGroup(of: MessageID.self) { tasks in
            for number in 0..<60 {
                tasks.addTask { try await accept("\(number)", in: scratch.spool, generator, group) }
            }
            return try await tasks.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(ids.count == 60)
        #expect(try scratch.spool.count() == 60)
        #expect(try findings(scratch.spool) == [])
        for id in ids { #expect(scratch.states(of: id) == "D H log") }
    }

    private func failing(_ spool: Spool, at step: SpoolStep) -> Spool {
        var spool = spool
        spool.beforeStep = { (present) throws(SpoolError) in
            if present == step { throw SpoolError("test", "", .system(errno: 5)) }
        }
        return spool
    }

    private func messageID(_ file: String) -> MessageID? {
        guard file.hasPrefix("input/") else { return nil }
        let name = file.dropFirst(6)
        return MessageID(ByteString(name.hasPrefix("hdr.") ? name.dropFirst(4) : name.dropLast(2)))
    }

    private func findings(_ spool: Spool) throws -> [SpoolFinding] {
        var found: [SpoolFinding] = []
        try spool.check(olderThan: 0, now: SpoolTime.now().seconds + 10) { found.append($0) }
        return found
    }
}
