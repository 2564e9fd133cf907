import Bytes
import OpenSSL
import TestKit

/// A client's line to a server, in the clear until `shakeHands`.
final class SecureStream {
    /// What a client brings into a handshake.
    struct Wishes: Sendable {
        /// Its certificate and key, in PEM.
        var identity: TestAuthority.Identity?
        var serverName: ByteString?
        var protocols: [ByteString] = []
        /// Whether TLS 1.3 is spoken; without it both programs have the same ciphers by the same names.
        var isNew = false
        /// The most octets that are sent at once.
        var piece = Int.max
    }

    /// A reply: the three digits, and the texts behind them, one for each line.
    struct Answer: Sendable, Equatable {
        let code: Int
        let lines: [ByteString]
    }

    /// The server closed within the handshake.
    struct Broken: Error {}

    private let stream: LoopbackStream
    private var session: TLSSession?
    private var unread = ByteString()
    private var piece = Int.max

    init(_ stream: LoopbackStream) { self.stream = stream }

    /// Begins with TLS; gives what it came to, and the server's name as its certificate has it.
    func shakeHands(_ wishes: Wishes) throws -> (version: ByteString, peer: ByteString) {
        var settings = TLSSettings()
        if let own = wishes.identity {
            (settings.certificates, settings.privateKeys) = ([own.certificate], [own.key])
        }
        if !wishes.isNew {
            settings.options = try TLSOptions("+no_tlsv1_3")
            settings.ciphers = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384"
        }
        var asked = TLSClientWishes()
        (asked.serverName, asked.protocols) = (wishes.serverName, wishes.protocols)
        piece = wishes.piece
        session = try TLSSession(clientWith: TLSContext(settings), asked)
        while true {
            let progress: TLSSession.Progress?
            do { progress = try session?.handshake() } catch {
                try? flush()
                throw error
            }
            try flush()
            guard progress != .done else { break }
            guard let octets = try stream.readSome() else {
                throw Broken()
            }
            session?.feed(octets.bytes[...])
        }
        guard let found = try session?.negotiated() else { return ("", "") }
        return (found.version, found.peerDN ?? "")
    }

    func write(_ octets: ByteString) throws {
        guard session != nil else { return try stream.write(octets) }
        try session?.encrypt(octets.bytes[...])
        try flush()
    }

    /// Sends octets that do not pass through TLS.
    func writeRaw(_ octets: ByteString) throws { try stream.write(octets) }

    private func flush() throws {
        var rest = (session?.takeOutput() ?? [])[...]
        while !rest.isEmpty {
            try stream.write(ByteString(rest.prefix(piece)))
            rest = rest.dropFirst(piece)
        }
    }

    /// Reads a line, and gives it without its CRLF or LF; nil when the server has closed.
    func readLine() throws -> ByteString? {
        guard session != nil else { return try stream.readLine() }
        while true {
            if let line = unread.takeLine() { return line }
            guard let more = try readSecure() else { return nil }
            unread += more
        }
    }

    private func readSecure() throws -> ByteString? {
        while true {
            switch try session?.decrypt() {
            case .octets(let octets): return ByteString(octets)
            case .closed, nil: return nil
            case .needsInput:
                try flush()
                guard let octets = try stream.readSome() else { return nil }
                session?.feed(octets.bytes[...])
            }
        }
    }

    /// Reads a reply; nil when the server has closed instead.
    func reply() throws -> Answer? {
        var lines: [ByteString] = []
        while let line = try readLine() {
            lines.append(ByteString(line.dropFirst(4)))
            if line.count < 4 || line[3] != UInt8(ascii: "-") {
                return Answer(code: Int(line.prefix(3).decimalInteger() ?? 0), lines: lines)
            }
        }
        return nil
    }

    /// Sends a line and reads the reply.
    @discardableResult
    func say(_ line: ByteString) throws -> Answer? {
        try write("\(line)\r\n")
        return try reply()
    }

    func shutDown() { stream.shutDown() }

    /// Says that nothing more will be written; under TLS in its own words too.
    func endWriting() {
        session?.close()
        try? flush()
        stream.endWriting()
    }
}
