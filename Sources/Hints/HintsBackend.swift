package import Bytes
import Redis

/// Where hints lie that several machines may share (`hints_backend`).
package enum HintsBackend: Sendable {
    /// In Exim's SQLite files of this machine.
    case sqlite
    /// Those of `shared` in a Redis server; the others in files.
    case redis(RedisHints)

    /// The databases that a server may hold: what they tell is true for every machine behind one name.
    ///
    /// The others are about the messages, connections and processes of one machine.
    package static let shared: [ByteString] = ["retry", "ratelimit", "tls"]

    /// Reads the option's text: `sqlite`, or `redis:` and a server as in Exim's `redis_servers`.
    ///
    /// - Throws: what is wrong with it.
    package init(parsing text: ByteString) throws(HintsBackendError) {
        let scheme: ByteString = "redis:"
        if text == "sqlite" {
            self = .sqlite
        } else if text.starts(with: scheme) {
            do throws(RedisServerError) {
                let server = try RedisServer(parsing: ByteString(text.dropFirst(scheme.count)))
                self = .redis(RedisHints(server))
            } catch {
                throw HintsBackendError("\(error.description): expected redis:host:port/database/password")
            }
        } else {
            throw HintsBackendError("expected sqlite, or redis:host:port/database/password")
        }
    }

    /// The server that holds a database; nil for one in a file.
    package func server(of name: ByteString) -> RedisHints? {
        if case .redis(let server) = self, Self.shared.contains(name) { server } else { nil }
    }
}

/// What is wrong with `hints_backend`; never with a password in it.
package struct HintsBackendError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The reason in words.
    package let description: String

    init(_ description: String) { self.description = description }
}
