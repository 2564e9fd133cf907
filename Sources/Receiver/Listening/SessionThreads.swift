import NIOPosix

/// The threads on which sessions run.
///
/// A session waits for the disk when it commits. It does so here, on threads of its own, so that neither the
/// event loops nor Swift's cooperative pool ever stand still for a disk.
final class SessionThreads: TaskExecutor {
    /// How many sessions may wait for the disk at one moment.
    static let standardCount = 64

    private let pool: NIOThreadPool

    init(count: Int = SessionThreads.standardCount) {
        pool = NIOThreadPool(numberOfThreads: count)
        pool.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        let executor = unsafe asUnownedTaskExecutor()
        pool.submit { _ in unsafe unowned.runSynchronously(on: executor) }
    }

    func asUnownedTaskExecutor() -> UnownedTaskExecutor { unsafe UnownedTaskExecutor(ordinary: self) }
}
