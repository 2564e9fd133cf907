import Glibc

/// How a lock that somebody else has is waited for.
package struct LockPatience {
    /// After how many seconds a lock is asked for again.
    ///
    /// `lock_interval` says how long all of it takes at the most, not how coarsely: messages to one mailbox that are
    /// delivered at one time follow each other at once.
    static let pause = 0.1
    private static let pausesInSecond = 10

    private let wait: (Double) -> Void

    /// Makes a patience whose pauses are slept through, or filled otherwise.
    package init(_ wait: ((Double) -> Void)? = nil) {
        self.wait = wait ?? { System.pause(seconds: $0) }
    }

    /// Asks once and then for so many intervals of seconds, until it is granted; with an interval of 0, that often at once.
    func ask(
        retries: Int, interval: Int, _ isGranted: () throws(TransportTrouble) -> Bool
    ) throws(TransportTrouble) -> Bool {
        if try isGranted() { return true }
        let pauses = interval.multipliedReportingOverflow(by: Self.pausesInSecond)
        let each = interval <= 0 ? 1 : pauses.overflow ? Int.max : pauses.partialValue
        let all = max(retries, 0).multipliedReportingOverflow(by: each)
        for _ in 0..<(all.overflow ? Int.max : all.partialValue) {
            if interval > 0 { wait(Self.pause) }
            if try isGranted() { return true }
        }
        return false
    }
}
