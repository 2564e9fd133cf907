package import Bytes
import Redis

/// `redis`: a command for a Redis server, whose answer is the data (manual, sections 9.22, 9.23 and 9.27).
///
/// A status such as `OK`, a value and a number are the data as they are; several values have newlines between them.
package final class RedisSearch: LookupDriver {
    private let list: ServerList
    private let connections = ServerConnections<RedisConnection>()

    /// How long a server may take to answer.
    private static let timeLimit = Duration.seconds(10)
    /// The most words of a command.
    private static let mostWords = 32

    /// Makes a driver.
    ///
    /// - Parameter servers: the main option `redis_servers`.
    package init(servers: ByteString) { list = ServerList("Redis", option: "redis_servers", list: servers) }

    package var style: LookupStyle { .query }

    /// A backslash before white space and backslashes.
    package func quote(_ text: ByteString) -> ByteString {
        var result = ByteString()
        for octet in text {
            if octet.isASCIISpace || octet == UInt8(ascii: "\\") { result.append(UInt8(ascii: "\\")) }
            result.append(octet)
        }
        return result
    }

    package func find(_ request: LookupRequest) async -> LookupOutcome {
        let plan: ServerList.Plan
        do throws(LookupTrouble) { plan = try list.plan(request) } catch { return .deferred(error.text) }
        let words = Self.words(plan.query)
        guard !words.isEmpty, words.count <= Self.mostWords else {
            return .deferred("REDIS: a command has 1 to \(Self.mostWords) words")
        }
        var trouble: ByteString = ""
        for server in plan.servers {
            switch await ask(server, words) {
            case .success(let reply): return Self.outcome(of: reply)
            case .failure(let error): trouble = error.text
            }
        }
        return .deferred(trouble)
    }

    private func ask(_ text: ByteString, _ words: [ByteString]) async -> Result<RedisReply, LookupTrouble> {
        let server: RedisServer
        do throws(RedisServerError) {
            server = try RedisServer(parsing: text)
        } catch {
            let place = ByteString(text.prefix { $0 != UInt8(ascii: "/") })
            return .failure(LookupTrouble("REDIS server \"\(place)\": \(ByteString(error.description))"))
        }
        let answer = await connections.use(
            text, open: { () throws(RedisError) in try RedisConnection(server, timeLimit: Self.timeLimit) },
            isStale: { $0 != .late }
        ) { (connection) throws(RedisError) in try connection.run([words]) }
        switch answer {
        case .success(let replies): return .success(replies.first ?? .none)
        case .failure(let error):
            return .failure(
                LookupTrouble("REDIS connection to \(ByteString(server.description)) failed: \(error.reason)")
            )
        }
    }

    /// The words of a command; a backslash takes the next octet as it is.
    static func words(_ command: ByteString) -> [ByteString] {
        var words: [ByteString] = []
        var rest = command.trimmedStart()
        while !rest.isEmpty {
            var word = ByteString()
            while let octet = rest.first, !octet.isASCIISpace {
                rest = rest.dropFirst()
                if octet == UInt8(ascii: "\\"), let next = rest.popFirst() {
                    word.append(next)
                } else {
                    word.append(octet)
                }
            }
            words.append(word)
            rest = rest.trimmedStart()
        }
        return words
    }

    private static func outcome(of reply: RedisReply) -> LookupOutcome {
        if case .refused(let text) = reply { return .deferred("REDIS: query failed: \(text)") }
        guard let text = text(of: reply) else { return .notFound }
        return .found(text)
    }

    /// Nil where there is nothing.
    private static func text(of reply: RedisReply) -> ByteString? {
        switch reply {
        case .status(let text), .value(let text): text
        case .integer(let number): "\(number)"
        case .none: nil
        case .refused(let text): text
        case .list(let replies):
            replies.isEmpty ? nil : replies.compactMap { Self.text(of: $0) }.joined(separator: "\n")
        }
    }
}
