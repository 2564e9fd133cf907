import CLinux
import Dispatch
import Glibc
import Synchronization

/// A thread that stays, and runs many deliveries by turns: those that have something to do, while the others wait for their
/// servers.
///
/// A task whose executor it is runs on it up to its next wait. A delivery that waited on a thread of its own cost two
/// switches of threads for each answer of a server.
package final class DeliveryLoop: TaskExecutor {
    /// What a wait for a socket came to.
    enum Readiness: Sendable { case ready, timedOut }

    /// What is waited for.
    enum Direction: Int32, Sendable {
        case reading = 1
        case writing = 2
    }

    private let core: LoopCore

    /// Starts the thread, which ends with this value.
    package init() {
        core = LoopCore()
        let core = core
        // Detached: it ends when the core is told to.
        Thread.start { core.run() }
    }

    deinit { core.end() }

    /// Runs a task's next part.
    package func enqueue(_ job: consuming ExecutorJob) {
        core.add(UnownedJob(job), asUnownedTaskExecutor())
    }

    /// The same as a reference for the runtime.
    package func asUnownedTaskExecutor() -> UnownedTaskExecutor { unsafe UnownedTaskExecutor(ordinary: self) }

    /// Whether the caller runs on this loop.
    var isCurrent: Bool { core.isCurrent }

    /// Watches a socket until `forget`.
    func watch(_ descriptor: CInt) throws(SystemFailure) { try core.watch(descriptor) }

    /// Watches a socket no longer; before it is closed.
    func forget(_ descriptor: CInt) { core.forget(descriptor) }

    /// Waits until a socket that is watched may be read or written, and has not been since the last wait.
    func wait(for descriptor: CInt, _ direction: Direction, seconds: Int64) async -> Readiness {
        await withCheckedContinuation { continuation in
            core.wait(for: descriptor, direction, seconds: seconds, continuation)
        }
    }
}

/// The loops of a process.
package final class DeliveryLoops: Sendable {
    /// How many loops there are: more than processors, for a file system that is busy makes its callers stand still.
    package static let standard = 8

    /// How much freed memory each heap keeps, in octets: each message takes some, and gives it back.
    private static let keptMemory: CInt = 8 << 20

    private let loops: [DeliveryLoop]
    private let turn = Atomic(0)

    /// Starts the loops.
    package init(_ count: Int = standard) {
        clinux_keep_memory(Self.keptMemory)
        loops = (0..<max(1, count)).map { _ in DeliveryLoop() }
    }

    /// The loops in turn: one for each new delivery.
    package func next() -> DeliveryLoop {
        let number = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return loops[Int(UInt(bitPattern: number) % UInt(loops.count))]
    }

    /// The loop that the caller runs on; any, where it runs elsewhere.
    var present: DeliveryLoop { loops.first(where: \.isCurrent) ?? loops[0] }
}

/// What a loop's thread works on.
private final class LoopCore: Sendable {
    private typealias Waiter = CheckedContinuation<DeliveryLoop.Readiness, Never>

    /// A socket that is watched.
    private struct Watch {
        /// What tells its events from those of an earlier socket with the same descriptor.
        var key: UInt
        /// What has become possible since the last wait.
        var ready: Int32 = 0
        var waiter: (direction: Int32, deadline: Int64, continuation: Waiter)?
    }

    private struct State {
        var jobs: [(job: UnownedJob, executor: UnownedTaskExecutor)] = []
        var watches: [CInt: Watch] = [:]
        /// The descriptors of the keys.
        var descriptors: [UInt: CInt] = [:]
        var lastKey: UInt = 0
        var waiting = 0
        /// Whether the thread sleeps, or is about to, and nobody has woken it.
        var isAsleep = false
        var isOver = false
        var thread: pthread_t?
    }

    private let set: CInt
    private let waker: CInt
    private let state = Mutex(State())

    init() {
        set = clinux_waiting_set()
        waker = clinux_waker()
        precondition(set >= 0 && waker >= 0, "a loop needs two descriptors: raise the limit of open files")
        _ = clinux_waiting_set_add(set, waker, 0)
    }

    deinit {
        close(set)
        close(waker)
    }

    var isCurrent: Bool {
        state.withLock { state in state.thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false }
    }

    func add(_ job: UnownedJob, _ executor: UnownedTaskExecutor) {
        let mustWake = state.withLock { state in
            unsafe state.jobs.append((job, executor))
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if mustWake { clinux_wake(waker) }
    }

    func end() {
        state.withLock { $0.isOver = true }
        clinux_wake(waker)
    }

    // MARK: Sockets

    /// What is possible for ever: the other end has closed, which is told once and must be found by each read.
    private static let closed: Int32 = 4

    func watch(_ descriptor: CInt) throws(SystemFailure) {
        let key = state.withLock { state in
            state.lastKey += 1
            state.watches[descriptor] = Watch(key: state.lastKey)
            state.descriptors[state.lastKey] = descriptor
            return state.lastKey
        }
        let number = clinux_waiting_set_add(set, descriptor, key)
        guard number == 0 else {
            remove(descriptor)
            throw SystemFailure(number: number)
        }
    }

    func forget(_ descriptor: CInt) {
        _ = clinux_waiting_set_remove(set, descriptor)
        remove(descriptor)
    }

    private func remove(_ descriptor: CInt) {
        state.withLock { state in
            guard let watch = state.watches.removeValue(forKey: descriptor) else { return }
            state.descriptors[watch.key] = nil
        }
    }

    func wait(
        for descriptor: CInt, _ direction: DeliveryLoop.Direction, seconds: Int64,
        _ continuation: CheckedContinuation<DeliveryLoop.Readiness, Never>
    ) {
        let now = Self.uptime
        let (isReady, mustWake) = state.withLock { state in
            guard var watch = state.watches[descriptor] else { return (true, false) }
            defer { state.watches[descriptor] = watch }
            if watch.ready & (direction.rawValue | Self.closed) != 0 {
                watch.ready &= ~direction.rawValue
                return (true, false)
            }
            precondition(watch.waiter == nil, "one task at a time uses a connection")
            watch.waiter = (direction.rawValue, now + max(seconds, 1), continuation)
            state.waiting += 1
            // A thread that sleeps without end has to look at the time from now on.
            defer { if state.waiting == 1 { state.isAsleep = false } }
            return (false, state.isAsleep && state.waiting == 1)
        }
        if isReady { continuation.resume(returning: .ready) }
        if mustWake { clinux_wake(waker) }
    }

    // MARK: The thread

    /// How often the thread looks whose time is over, in milliseconds.
    private static let tick: CInt = 500
    /// How many rounds of jobs may pass before sockets are looked at again.
    private static let rounds = 16

    /// Seconds on a clock that never jumps.
    private static var uptime: Int64 {
        var moment = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &moment)
        return Int64(moment.tv_sec)
    }

    func run() {
        state.withLock { $0.thread = pthread_self() }
        var keys = [UInt](repeating: 0, count: 64)
        var ready = [CInt](repeating: 0, count: 64)
        var round = 0
        var lastTick = Self.uptime
        while true {
            let jobs = unsafe state.withLock { state in
                let jobs = unsafe state.jobs
                unsafe state.jobs.removeAll(keepingCapacity: true)
                return unsafe jobs
            }
            for unsafe(job, executor) in unsafe jobs { unsafe job.runSynchronously(on: executor) }
            round += 1
            let (mayWait, isOver) = state.withLock { state in
                state.isAsleep = unsafe state.jobs.isEmpty
                return (state.isAsleep, state.isOver)
            }
            if isOver, mayWait { return }
            guard mayWait || round >= Self.rounds else { continue }
            round = 0
            let pause = mayWait ? (isWatching ? Self.tick : -1) : 0
            let count = unsafe clinux_waiting_set_wait(set, &keys, &ready, 64, pause)
            state.withLock { $0.isAsleep = false }
            for index in 0..<Int(count) { wake(keys[index], ready[index]) }
            let now = Self.uptime
            if now != lastTick {
                lastTick = now
                endWaits(before: now)
            }
        }
    }

    private var isWatching: Bool { state.withLock { $0.waiting > 0 } }

    private func wake(_ key: UInt, _ ready: Int32) {
        if key == 0 { return clinux_awake(waker) }
        let waiter = state.withLock { state -> Waiter? in
            guard let descriptor = state.descriptors[key], var watch = state.watches[descriptor] else {
                return nil
            }
            defer { state.watches[descriptor] = watch }
            watch.ready |= ready
            guard let waiter = watch.waiter, watch.ready & waiter.direction != 0 else { return nil }
            watch.ready &= ~waiter.direction
            watch.waiter = nil
            state.waiting -= 1
            return waiter.continuation
        }
        waiter?.resume(returning: .ready)
    }

    private func endWaits(before now: Int64) {
        let late = state.withLock { state in
            var late: [Waiter] = []
            for (descriptor, watch) in state.watches {
                guard let waiter = watch.waiter, waiter.deadline <= now else { continue }
                late.append(waiter.continuation)
                state.watches[descriptor]?.waiter = nil
                state.waiting -= 1
            }
            return late
        }
        for waiter in late { waiter.resume(returning: .timedOut) }
    }
}

private enum Thread {
    /// Starts a thread that nobody waits for.
    static func start(_ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(ThreadBody(run: body))
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer = unsafe pointer else { return nil }
                unsafe Unmanaged<ThreadBody>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        precondition(code == 0, "a thread cannot be started")
        pthread_detach(thread)
    }

    private final class ThreadBody {
        let run: @Sendable () -> Void
        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
