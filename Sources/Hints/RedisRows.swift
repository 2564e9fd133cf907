import Bytes
import Redis

/// The rows of a database in a Redis server, within one read or one transaction.
///
/// In a transaction every row that is read is watched first, and what is written is kept until the commit.
final class RedisRows: HintsRows {
    private let connection: RedisConnection
    private let prefix: ByteString
    private let watches: Bool
    private var found: [ByteString: ByteString?] = [:]
    private var written: [ByteString: ByteString?] = [:]

    init(_ connection: RedisConnection, name: ByteString, watches: Bool) {
        self.connection = connection
        prefix = "bobbin:hints:\(name):"
        self.watches = watches
    }

    /// How long a record stays that nobody writes again, as with exim_tidydb: 30 days.
    private static let secondsKept: ByteString = "2592000"
    /// How many keys the server is asked to look at in a step.
    private static let step: ByteString = "1000"

    func octets(_ key: ByteString) throws -> ByteString? {
        if let value = written[key] ?? found[key] { return value }
        let name = prefix + key
        let replies = try connection.run((watches ? [["WATCH", name]] : []) + [["GET", name]])
        for case .refused(let text) in replies { throw RedisRefusal(text) }
        var value: ByteString?
        if case .value(let octets)? = replies.last { value = octets }
        if watches { found[key] = .some(value) }
        return value
    }

    func keys() throws -> [ByteString] {
        var keys: Set<ByteString> = []
        var cursor: ByteString = "0"
        repeat {
            let replies = try connection.run([
                ["SCAN", cursor, "MATCH", prefix + "*".utf8, "COUNT", Self.step]
            ])
            guard case .list(let parts)? = replies.first, parts.count == 2, case .value(let next) = parts[0],
                case .list(let names) = parts[1]
            else {
                if case .refused(let text)? = replies.first { throw RedisRefusal(text) }
                throw RedisError("no answer to SCAN")
            }
            for case .value(let name) in names where name.starts(with: prefix) {
                keys.insert(ByteString(name.dropFirst(prefix.count)))
            }
            cursor = next
        } while cursor != "0"
        return keys.sorted()
    }

    func store(_ octets: ByteString, _ key: ByteString) throws { written[key] = .some(octets) }

    func delete(_ key: ByteString) throws { written[key] = .some(nil) }

    /// Writes all at once; false, and nothing is written, when others changed what was read.
    func commit() throws -> Bool {
        guard !written.isEmpty else {
            try abandon()
            return true
        }
        let changes = written.map { key, value -> [ByteString] in
            guard let value else { return ["DEL", prefix + key] }
            return ["SET", prefix + key, value, "EX", Self.secondsKept]
        }
        let replies: [RedisReply]
        do throws(RedisError) {
            replies = try connection.run([["MULTI"]] + changes + [["EXEC"]])
        } catch {
            // Whether it was carried out is unknown; what rests on nothing read may simply be done again.
            if found.isEmpty { throw error }
            throw RedisCommitLost(error: error)
        }
        for case .refused(let text) in replies { throw RedisRefusal(text) }
        guard case .list(let results)? = replies.last else { return false }
        for case .refused(let text) in results { throw RedisRefusal(text) }
        return true
    }

    /// Ends the watching.
    func abandon() throws {
        guard !found.isEmpty else { return }
        _ = try connection.run([["UNWATCH"]])
        found = [:]
    }
}

/// The server is there, and refused a command: no memory, read only, no permission.
struct RedisRefusal: Error {
    let reason: ByteString

    init(_ reason: ByteString) { self.reason = reason }
}

/// The server was lost while it committed, so nobody knows whether it did.
struct RedisCommitLost: Error {
    let error: RedisError
}
