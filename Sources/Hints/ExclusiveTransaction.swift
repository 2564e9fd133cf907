import GRDB
import Glibc

extension Database {
    /// Works in an exclusive transaction, tried again and again for as long as the limit says.
    ///
    /// SQLite takes the exclusive lock by way of the reserved one, and with a busy time-out it keeps that while it waits
    /// for readers to go. An Exim that has read, and now wants to write, then does not wait: its update is lost, without
    /// a word. So here no lock is held while we wait; the reserved one is there for some microseconds at each try.
    func exclusively(within limit: Duration, _ work: () throws -> Void) throws {
        try beginExclusively(until: .now + limit, milliseconds: Int(limit / .milliseconds(1)))
        do {
            try work()
            try commit()
        } catch {
            try rollback()
            throw error
        }
    }

    private func beginExclusively(until deadline: ContinuousClock.Instant, milliseconds: Int) throws {
        try execute(sql: "PRAGMA busy_timeout = 0")
        defer { restoreBusyTimeout(milliseconds) }
        var pause: UInt32 = 1000
        while true {
            do {
                return try beginTransaction(.exclusive)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                guard ContinuousClock.now < deadline else { throw error }
                usleep(UInt32.random(in: pause / 2...pause))
                pause = min(pause * 2, Self.longestPause)
            }
        }
    }

    /// In microseconds.
    private static var longestPause: UInt32 { 16_000 }

    /// A statement that touches no file; the next one would tell if it failed.
    private func restoreBusyTimeout(_ milliseconds: Int) {
        do { try execute(sql: "PRAGMA busy_timeout = \(milliseconds)") } catch {
            assertionFailure("a busy time-out can always be set")
        }
    }
}
