package import Bytes
import Lookups

/// What `${readsocket}` asks for (manual, section 11.5).
package struct SocketRequest: Sendable, Hashable {
    /// Where the server listens.
    package enum Place: Sendable, Hashable {
        /// A socket in the file system.
        case path(ByteString)
        /// A host's name or address, and a port's number or name.
        case internet(host: ByteString, port: ByteString)
    }
    /// Where the server listens.
    package var place: Place
    /// What is sent; nothing when it is empty.
    package var request: ByteString
    /// Seconds until the answer must be whole.
    package var timeout: Int
    /// Whether the sending side is shut when the request is out.
    package var shuts: Bool
}

/// A connection to a server that talks in lines; it is closed with its last reference.
package protocol LineConnection: AnyObject, Sendable {
    /// Sends octets; false when the server is gone, or takes them not in time.
    func send(_ octets: ByteString) async -> Bool
    /// The next line without its end; nil when there is none, or not in time.
    func line() async -> ByteString?
}

/// Why there is no connection, in Exim's words.
package struct SocketTrouble: Error, Sendable, Hashable {
    /// The text.
    package var text: ByteString
    /// The system's words alone; empty where there are none.
    package var error: ByteString

    /// Makes the value.
    package init(_ text: ByteString, error: ByteString) {
        self.text = text
        self.error = error
    }
}

/// What came of a `${readsocket}`.
package enum SocketAnswer: Sendable, Hashable {
    /// All that the server sent until it closed.
    case answer(ByteString)
    /// Why there is no answer, in Exim's words.
    case failed(ByteString)
}

extension Evaluation {
    /// The seconds that a server has when nothing else is said.
    static let usualSocketTimeout = 5

    /// The item `${readsocket{place}{request}{options}{eol}{fail}}`.
    mutating func readSocket(_ groups: [Group]) async throws(ExpansionError) -> TaintedBytes {
        guard !environment.forbidden.contains(.readsocket) else {
            throw .failed("socket insertions are not permitted")
        }
        var arguments: [TaintedBytes] = []
        for group in groups.prefix(4) { arguments.append(try await text(group.nodes)) }
        let request = try Self.socketRequest(arguments)
        guard let ask = environment.readSocket else { throw .failed("sockets cannot be read in this place") }
        switch await ask(request) {
        case .answer(let octets):
            guard arguments.count > 3 else { return TaintedBytes(octets, .tainted) }
            return TaintedBytes(
                octets.replacing(ByteString("\n"), with: arguments[3].bytes), .tainted)
        case .failed(let reason):
            guard groups.count > 4 else { throw .failed(reason) }
            return try await text(groups[4].nodes)
        }
    }

    private static func socketRequest(
        _ arguments: [TaintedBytes]
    ) throws(ExpansionError) -> SocketRequest {
        guard !arguments[0].taint.isTainted else {
            throw .failed("Tainted specification for socket: '\(arguments[0].bytes)'")
        }
        var request = SocketRequest(
            place: try place(arguments[0].bytes), request: arguments[1].bytes, timeout: usualSocketTimeout,
            shuts: true)
        guard arguments.count > 2 else { return request }
        for (index, option) in ListItems(arguments[2].bytes).enumerated() {
            if index == 0 {
                guard let seconds = EximTime.seconds(option) else {
                    throw .failed("bad time value \(option)")
                }
                request.timeout = seconds
            } else if let pair = option.cut(at: UInt8(ascii: "=")) {
                let isYes = ByteString(pair.after) == "yes"
                switch ByteString(pair.before) {
                case "shutdown": request.shuts = isYes
                case "tls" where isYes: throw .failed("readsocket: option tls=yes is not supported yet")
                default: break
                }
            }
        }
        return request
    }

    private static func place(_ text: ByteString) throws(ExpansionError) -> SocketRequest.Place {
        if text.starts(with: ByteString("inet:")) {
            guard let parts = text.dropFirst(5).cutAtLast(UInt8(ascii: ":")), !parts.before.isEmpty else {
                throw .failed("missing port for readsocket \(text.dropFirst(5))")
            }
            let bracketed = parts.before.first == UInt8(ascii: "[") && parts.before.last == UInt8(ascii: "]")
            let host = bracketed ? parts.before.dropFirst().dropLast() : parts.before
            return .internet(host: ByteString(host), port: ByteString(parts.after))
        }
        return .path(text)
    }
}
