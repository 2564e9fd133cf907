import NIOCore

/// Runs a session on the event loop of its connection.
///
/// What a client sends is then read, obeyed and answered without waking another thread. Whatever waits for the disk
/// for long (the commit) or for the network does so elsewhere, and comes back here.
final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        loop.execute { [self] in unsafe unowned.runSynchronously(on: asUnownedTaskExecutor()) }
    }

    func asUnownedTaskExecutor() -> UnownedTaskExecutor { unsafe UnownedTaskExecutor(ordinary: self) }
}
