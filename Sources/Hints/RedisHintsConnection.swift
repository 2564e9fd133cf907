import Bytes
import Glibc
import Redis

/// One hints database in a Redis server: each record a value under `bobbin:hints:<database>:<key>`.
///
/// Records have the released layout, whatever `hints_layout` says, since no Exim reads them. A transaction watches
/// what it reads, and runs again when another machine changed that meanwhile: so nothing that others write is lost.
///
/// `@unchecked Sendable`: used on the database's serial queue only.
final class RedisHintsConnection: HintsConnection, @unchecked Sendable {
    private let name: ByteString
    private let server: RedisHints
    private let settings: HintsSettings
    private var connection: RedisConnection?

    init(_ server: RedisHints, name: ByteString, settings: HintsSettings) {
        self.server = server
        self.name = name
        self.settings = settings
    }

    private var path: ByteString { Self.path(server, name) }

    /// The database for people.
    static func path(_ server: RedisHints, _ name: ByteString) -> ByteString { "\(server.name) \(name)" }

    func close() { connection = nil }

    func vacuum() -> HintsOutcome<Void> { .done(()) }

    func read<Value: Sendable>(
        asked: ContinuousClock.Instant, _ body: (HintsReader) throws -> Value
    ) -> HintsOutcome<Value> {
        work { connection in
            let rows = RedisRows(connection, name: name, watches: false)
            return try body(HintsReader(rows: rows, scope: scope))
        }
    }

    func update(_ all: [HintsUpdate]) { settle(all, transact) }

    /// Runs the updates in one transaction, as often as others hinder it, but not for longer than the limit.
    private func transact(_ updates: [HintsUpdate]) -> HintsOutcome<[@Sendable () -> Void]> {
        let deadline = ContinuousClock.now + settings.busyLimit
        var pause: UInt32 = 500
        while true {
            switch work({ try attempt(updates, $0) }) {
            case .givenUp(let trouble): return .givenUp(trouble)
            case .done(let committed?): return .done(committed)
            case .done(nil): break
            }
            guard ContinuousClock.now < deadline else {
                return .givenUp(
                    HintsTrouble(.busy, path: path, reason: "changed by others again and again"))
            }
            // By chance, so that two machines do not hinder one another in step.
            usleep(UInt32.random(in: 0...pause))
            pause = min(pause * 2, Self.longestPause)
        }
    }

    /// In microseconds.
    private static let longestPause: UInt32 = 20_000

    /// Nil when others changed what was read.
    private func attempt(
        _ updates: [HintsUpdate], _ connection: RedisConnection
    ) throws -> [@Sendable () -> Void]? {
        let rows = RedisRows(connection, name: name, watches: true)
        let transaction = HintsTransaction(rows: rows, scope: scope)
        var committed: [@Sendable () -> Void] = []
        do {
            for update in updates { committed.append(try update.run(transaction)) }
        } catch let error as RedisError {
            throw error
        } catch {
            try rows.abandon()
            throw error
        }
        return try rows.commit() ? committed : nil
    }

    /// Works on the connection; a connection that the server has closed since the last time is made anew, once.
    private func work<Value: Sendable>(_ body: (RedisConnection) throws -> Value) -> HintsOutcome<Value> {
        do {
            let present = connection
            let used = try present ?? server.connect(settings.notice)
            connection = used
            do {
                return .done(try body(used))
            } catch let error as RedisError {
                connection = nil
                guard present != nil else { throw error }
                return once(body)
            }
        } catch {
            return .givenUp(trouble(error))
        }
    }

    private func once<Value: Sendable>(_ body: (RedisConnection) throws -> Value) -> HintsOutcome<Value> {
        do {
            let made = try server.connect(settings.notice)
            connection = made
            return .done(try body(made))
        } catch {
            return .givenUp(trouble(error))
        }
    }

    private var scope: HintsScope {
        HintsScope(path: path, layout: .released, now: settings.clock(), notice: settings.notice)
    }

    private func lost(_ error: RedisError) -> HintsTrouble {
        connection = nil
        return server.lost(error, settings.notice)
    }

    private func trouble(_ error: any Error) -> HintsTrouble {
        switch error {
        case let trouble as HintsTrouble: return trouble
        case let error as RedisError: return lost(error)
        case let loss as RedisCommitLost: return lost(loss.error)
        case let refusal as RedisRefusal:
            return HintsTrouble(.refused, path: path, reason: refusal.reason)
        default:
            return HintsTrouble(.refused, path: path, reason: ByteString(String(describing: error)))
        }
    }
}
