internal import Bytes
internal import Dispatch
internal import Synchronization

/// The log in front of the spool's files: a message in it is accepted, before its files are durable.
///
/// Two segments of fixed size, written in place, are used in turn; messages that come at the same time share one
/// synchronisation. One process has the log at a time (a lock), and whoever has it next recovers what is in it.
/// The crash argument stands in spool-format/README.md, 6.9.
final class CommitLog: Sendable {
    /// The size of a segment, unless a test wants another.
    static let segmentSize = 8 << 20
    /// How much is written, and synchronised, at once.
    static let largestWrite = 1 << 20

    private let directory: CommitLogDirectory
    private let queue = DispatchQueue(label: "commit log")
    private let state: Mutex<State>
    /// Marks are written by several threads, whole blocks at a time.
    private let marks = Mutex(
        [[UInt8]](repeating: Array(repeating: 0, count: CommitLogSegment.mostRecords * 4), count: 2))
    private let failed: @Sendable (SpoolError) -> Void

    /// Opens the log of a spool, and recovers what is in it; nil when another process has it.
    ///
    /// - Parameter failed: is told when the log cannot be used for a while.
    init?(
        _ spool: Spool, _ limits: CommitGroup.Limits, isPatient: Bool = true,
        failed: @escaping @Sendable (SpoolError) -> Void, recovered: (CommitRecovery) -> Void
    ) throws(SpoolError) {
        guard let directory = try CommitLogDirectory(spool, creating: true, isPatient: isPatient) else {
            return nil
        }
        let generation = try directory.recover(recovered)
        self.directory = directory
        self.failed = failed
        state = Mutex(State(limits: limits, nextGeneration: generation))
    }

    // MARK: Entering

    /// A message that waits for its place to be written.
    struct Entry: Sendable {
        let place: CommitLogPlace
        let order: CommitOrder
        let done: @Sendable (_ isDurable: Bool) -> Void
    }

    /// A place for a message, if there is room; it ends with `finished` or `giveUp`.
    func reserve(_ order: CommitOrder) -> CommitLogPlace? {
        guard order.isWhole else { return nil }
        let size = CommitLogRecord.size(of: order)
        guard size <= CommitLogRecord.largest else { return nil }
        let (place, prepares) = state.withLock { state in
            let place = state.reserve(size)
            return (place, place == nil && state.beginPreparing(System.uptime))
        }
        if prepares { queue.async { [self] in prepare() } }
        return place
    }

    /// A message does not come after all.
    func giveUp(_ place: CommitLogPlace) { finished(place) }

    /// Writes a message to its place; `done` is told whether it is durable there now.
    func write(
        _ order: CommitOrder, at place: CommitLogPlace, done: @escaping @Sendable (_ isDurable: Bool) -> Void
    ) {
        let isFirst = state.withLock { state in
            state.pending.append(Entry(place: place, order: order, done: done))
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if isFirst { queue.async { [self] in writeAll() } }
    }

    /// Makes the segments, which is work enough not to do it for a receiver that is never busy; or, after a failure, has
    /// them say that nothing in them is needed.
    private func prepare() {
        let (files, generation, size) = state.withLock { ($0.files, $0.lastGeneration, $0.segmentSize) }
        do throws(SpoolError) {
            if files.isEmpty {
                let made = try directory.makeSegments(of: size)
                state.withLock { $0.isReady(made) }
            } else {
                for file in files { try file.write(head: .init(generation: generation, isInUse: false)) }
                state.withLock { $0.isReady(files) }
            }
        } catch {
            breakDown(error)
        }
    }

    /// Until it is ready again, every message is committed without the log.
    private func breakDown(_ error: SpoolError) {
        let isNews = state.withLock { $0.breakDown(System.uptime) }
        if isNews { failed(error) }
    }

    private func writeAll() {
        while true {
            let (entries, use, file) = state.withLock { $0.take(Self.largestWrite) }
            guard let first = entries.first, let file else { return }
            do throws(SpoolError) {
                let end = try write(entries, use, to: file)
                state.withLock { $0.wrote(upTo: end, in: first.place) }
                for entry in entries { entry.done(true) }
            } catch {
                breakDown(error)
                for entry in entries { entry.done(false) }
            }
        }
    }

    /// Writes entries behind what is there, and synchronises; gives the new end.
    private func write(_ entries: [Entry], _ use: SegmentUse, to file: SegmentFile) throws(SpoolError) -> Int
    {
        if !use.hasHead {
            // Before any record of this use: else a crash could leave the old head over new records.
            try file.write(head: .init(generation: use.generation, isInUse: true))
        }
        var octets: [UInt8] = []
        octets.reserveCapacity(entries.reduce(0) { $0 + CommitLogRecord.size(of: $1.order) })
        for entry in entries { CommitLogRecord.append(entry.order.logged, at: entry.place, to: &octets) }
        let spool = entries[0].order.spool
        try spool.step(.writeCommitLog)
        try file.write(octets, at: use.end)
        try spool.step(.syncCommitLog)
        try file.sync()
        return use.end + octets.count
    }

    // MARK: Leaving

    /// Notes durably that the files of these messages are durable; only then may they get the name `-H`.
    func mark(_ places: [CommitLogPlace]) throws(SpoolError) {
        guard !places.isEmpty else { return }
        do throws(SpoolError) {
            try writeMarks(places)
        } catch {
            breakDown(error)
            throw error
        }
    }

    private func writeMarks(_ places: [CommitLogPlace]) throws(SpoolError) {
        let files = state.withLock { $0.files }
        try marks.withLock { marks throws(SpoolError) in
            for segment in 0..<2 {
                let mine = places.filter { $0.segment == segment }
                guard let first = mine.map(\.index).min(), let last = mine.map(\.index).max() else {
                    continue
                }
                for place in mine { marks[segment].set(littleEndian: place.generation, at: place.index * 4) }
                let block = CommitLogSegment.blockSize
                let range = (first * 4 / block * block)..<(last * 4 / block * block + block)
                try files[segment].write(
                    Array(marks[segment][range]), at: CommitLogSegment.marksStart + range.lowerBound)
                try files[segment].sync()
            }
        }
    }

    /// A message needs its record no longer.
    func finished(_ place: CommitLogPlace) { state.withLock { $0.uses[place.segment].unsettled -= 1 } }

    /// Leaves the log to others, empty if nothing in it is needed any more.
    func close() throws(SpoolError) {
        defer { directory.unlock() }
        let (files, uses) = state.withLock { state in
            state.isClosed = true
            return (state.files, state.uses)
        }
        guard uses.allSatisfy({ $0.unsettled == 0 }) else { return }
        for (file, use) in zip(files, uses) where use.hasHead {
            try file.write(head: .init(generation: use.generation, isInUse: false))
        }
    }
}

/// One use of a segment.
struct SegmentUse: Sendable {
    var generation: UInt32 = 0
    /// Whether its head has been written.
    var hasHead = false
    /// Where the next write goes.
    var end = CommitLogSegment.recordsStart
    /// Up to where room is promised.
    var reserved = CommitLogSegment.recordsStart
    /// How many records have been promised a place.
    var count = 0
    /// How many of them are still needed.
    var unsettled = 0
}

private struct State {
    var files: [SegmentFile] = []
    var uses = [SegmentUse(), SegmentUse()]
    var active = 0
    var pending: [CommitLog.Entry] = []
    var isWriting = false
    var isClosed = false
    let segmentSize: Int
    private let mostUnsettled: Int
    private let shortestRest: UInt64
    private var rest: UInt64
    private var isBroken = false
    private var brokenSince: UInt64 = 0
    private var isPreparing = false
    private var nextGeneration: UInt32

    init(limits: CommitGroup.Limits, nextGeneration: UInt32) {
        segmentSize = limits.segmentSize
        mostUnsettled = limits.mostUnsettled
        shortestRest = limits.logRetry
        rest = limits.logRetry
        self.nextGeneration = nextGeneration
    }

    private var unsettled: Int { uses[0].unsettled + uses[1].unsettled }

    /// The last generation that was given to a use, or one before the first.
    var lastGeneration: UInt32 { nextGeneration &- 1 }

    /// Whether the segments are to be made now, or made ready again.
    ///
    /// After a failure not before every message has its files, and at ever longer intervals: what cannot be written
    /// now may be written when a disk has room again.
    mutating func beginPreparing(_ now: UInt64) -> Bool {
        guard !isPreparing, !isClosed, !isWriting, files.isEmpty || isBroken else { return false }
        if isBroken { guard unsettled == 0, now &- brokenSince >= rest else { return false } }
        isPreparing = true
        return true
    }

    mutating func isReady(_ files: [SegmentFile]) {
        self.files = files
        uses = [SegmentUse(), SegmentUse()]
        active = 0
        (isPreparing, isBroken) = (false, false)
    }

    /// Whether that is news.
    mutating func breakDown(_ now: UInt64) -> Bool {
        if isBroken, !isPreparing { return false }
        rest = isBroken ? min(rest * 2, Self.longestRest) : shortestRest
        (isBroken, isPreparing, brokenSince) = (true, false, now)
        return true
    }

    /// An hour.
    private static let longestRest: UInt64 = 3_600_000_000_000

    /// Promises a place; nil where there is no room now.
    mutating func reserve(_ size: Int) -> CommitLogPlace? {
        guard !files.isEmpty, !isBroken, !isClosed, unsettled < mostUnsettled else { return nil }
        // Each write begins on a block of its own, so that no acknowledged octet is ever written again.
        let need = size + CommitLogSegment.blockSize
        if !fits(need) {
            guard uses[1 - active].unsettled == 0 else { return nil }
            active = 1 - active
            uses[active] = SegmentUse(generation: nextGeneration)
            nextGeneration &+= 1
        } else if uses[active].generation == 0 {
            uses[active].generation = nextGeneration
            nextGeneration &+= 1
        }
        defer {
            uses[active].reserved += need
            uses[active].count += 1
            uses[active].unsettled += 1
        }
        return CommitLogPlace(segment: active, generation: uses[active].generation, index: uses[active].count)
    }

    private func fits(_ need: Int) -> Bool {
        uses[active].reserved + need <= segmentSize && uses[active].count < CommitLogSegment.mostRecords
    }

    /// The next entries to write, all for one segment; none ends the writing.
    mutating func take(_ most: Int) -> ([CommitLog.Entry], SegmentUse, SegmentFile?) {
        guard let segment = pending.first?.place.segment else {
            isWriting = false
            return ([], SegmentUse(), nil)
        }
        var size = 0
        let count = pending.prefix { entry in
            size += CommitLogRecord.size(of: entry.order)
            return entry.place.segment == segment && (size <= most || entry.place == pending[0].place)
        }.count
        let entries = Array(pending.prefix(count))
        pending.removeFirst(count)
        return (entries, uses[segment], files[segment])
    }

    mutating func wrote(upTo end: Int, in place: CommitLogPlace) {
        let block = CommitLogSegment.blockSize
        uses[place.segment].hasHead = true
        uses[place.segment].end = (end + block - 1) / block * block
        if !pending.contains(where: { $0.place.segment == place.segment }) {
            uses[place.segment].reserved = uses[place.segment].end
        }
    }
}
