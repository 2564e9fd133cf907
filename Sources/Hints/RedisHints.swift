package import Bytes
package import Redis
import Synchronization

/// A Redis server that holds hints, as all databases of a process see it: reached, or not.
///
/// While it is not reached, nobody waits for it: every piece of work is given up at once, until it is time to try
/// again. The change is told once.
package final class RedisHints: Sendable {
    private let server: RedisServer
    private let rest: Duration
    private let state = Mutex(State())

    private struct State {
        /// Until when nobody tries; nil while the server is reached.
        var restsUntil: ContinuousClock.Instant?
        var reason = ByteString()
    }

    /// How long to wait for a connection, and for each answer.
    static let timeLimit = Duration.seconds(1)

    /// Names a server; does not connect yet.
    ///
    /// - Parameter rest: how long it is left alone when it was not reached.
    package init(_ server: RedisServer, rest: Duration = .seconds(10)) {
        (self.server, self.rest) = (server, rest)
    }

    /// The server for people, without the password.
    package var name: ByteString { "redis:\(server.description)" }

    /// A new connection; tells when the server is reached again, or no longer.
    func connect(_ hear: (HintsNotice) -> Void) throws(HintsTrouble) -> RedisConnection {
        if let reason = state.withLock({ $0.restsUntil.map { $0 > .now } == true ? $0.reason : nil }) {
            throw HintsTrouble(.unreachable, path: name, reason: reason)
        }
        do throws(RedisError) {
            let connection = try RedisConnection(server, timeLimit: Self.timeLimit)
            let wasLost = state.withLock { state in
                defer { state.restsUntil = nil }
                return state.restsUntil != nil
            }
            if wasLost { hear(.reached(server: name)) }
            return connection
        } catch {
            throw lost(error, hear)
        }
    }

    /// Notes that the server is not reached; the first one to see it tells.
    func lost(_ error: RedisError, _ hear: (HintsNotice) -> Void) -> HintsTrouble {
        let isNew = state.withLock { state in
            defer { (state.restsUntil, state.reason) = (.now + rest, error.reason) }
            return state.restsUntil == nil
        }
        if isNew { hear(.unreachable(server: name, reason: error.reason)) }
        return HintsTrouble(.unreachable, path: name, reason: error.reason)
    }
}
