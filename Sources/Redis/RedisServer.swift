package import Bytes

/// Where a Redis server is: `host:port/database/password`, as an item of Exim's `redis_servers`.
///
/// The host may be an IPv6 address in square brackets; a path in round brackets after it is a Unix socket, which is
/// used then. Port, database and password may be missing: 6379, 0 and none.
package struct RedisServer: Sendable, Hashable, CustomStringConvertible {
    /// How the server is reached.
    package enum Place: Sendable, Hashable {
        /// A name or an address, and a port.
        case host(ByteString, port: UInt16)
        /// The path of a Unix socket.
        case socket(ByteString)
    }

    /// How the server is reached.
    package var place: Place
    /// The number of the database.
    package var database: Int
    /// The password, or nil.
    package var password: ByteString?

    /// Makes a server.
    package init(_ place: Place, database: Int = 0, password: ByteString? = nil) {
        self.place = place
        self.database = database
        self.password = password
    }

    /// Reads the text.
    ///
    /// - Throws: what is wrong with it.
    package init(parsing text: ByteString) throws(RedisServerError) {
        let fields: ArraySlice<UInt8>
        if let path = text.cut(at: UInt8(ascii: "("))?.after {
            guard let (socket, rest) = ByteString(path).cut(at: UInt8(ascii: ")")),
                socket.first == UInt8(ascii: "/")
            else { throw RedisServerError("the round brackets hold no absolute path of a socket") }
            place = .socket(ByteString(socket))
            fields = rest
        } else {
            let host = text.prefix { $0 != UInt8(ascii: "/") }
            place = try Self.host(ByteString(host))
            fields = text.dropFirst(host.count)
        }
        var parts = fields.split(
            separator: UInt8(ascii: "/"), maxSplits: 2, omittingEmptySubsequences: false)[...]
        guard parts.popFirst()?.isEmpty ?? true else {
            throw RedisServerError("a slash is expected after the place of the server")
        }
        let number = parts.popFirst() ?? []
        guard let database = number.isEmpty ? 0 : ByteString(number).decimalInteger(),
            (0...Self.lastDatabase).contains(database)
        else { throw RedisServerError("\"\(ByteString(number))\" is no number of a database") }
        self.database = Int(database)
        password = parts.popFirst().flatMap { $0.isEmpty ? nil : ByteString($0) }
    }

    private static let lastDatabase: Int64 = 1_000_000
    private static let usualPort: UInt16 = 6379

    private static func host(_ text: ByteString) throws(RedisServerError) -> Place {
        var (name, rest) = (text, ByteString()[...])
        if text.first == UInt8(ascii: "[") {
            guard let (address, after) = ByteString(text.dropFirst()).cut(at: UInt8(ascii: "]")) else {
                throw RedisServerError("\"\(text)\" has no closing bracket")
            }
            (name, rest) = (ByteString(address), after)
        } else if let (before, _) = text.cut(at: UInt8(ascii: ":")) {
            (name, rest) = (ByteString(before), text.dropFirst(before.count))
        }
        guard !name.isEmpty else { throw RedisServerError("a host is expected") }
        guard let colon = rest.first else { return .host(name, port: usualPort) }
        guard colon == UInt8(ascii: ":"),
            let port = ByteString(rest.dropFirst()).decimalInteger().flatMap({ UInt16(exactly: $0) }),
            port > 0
        else { throw RedisServerError("\"\(text)\" has no port: an IPv6 address stands in square brackets") }
        return .host(name, port: port)
    }

    /// The server for people, without the password.
    package var description: String {
        switch place {
        case .host(let name, let port) where name.contains(UInt8(ascii: ":")): "[\(name)]:\(port)/\(database)"
        case .host(let name, let port): "\(name):\(port)/\(database)"
        case .socket(let path): "(\(path))/\(database)"
        }
    }
}

/// What is wrong with the text about a server.
package struct RedisServerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The reason in words.
    package let description: String

    init(_ description: String) { self.description = description }
}
