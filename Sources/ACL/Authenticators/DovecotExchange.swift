import Bytes
import Expansion

/// A conversation with Dovecot's authentication server (its "Authentication Protocol", version 1.1; manual, chapter 37).
struct DovecotExchange: Sendable {
    /// What to do next.
    enum Step: Sendable {
        /// The client is to answer this, which is in base 64 already.
        case ask(ByteString)
        /// The server knows the client, as this user.
        case accepted(user: ByteString?)
        /// The server refuses.
        case refused(user: ByteString?)
        /// The server cannot be asked, and why.
        case deferred(ByteString)
    }

    /// The most lines of a server's greeting.
    static let mostGreetingLines = 200

    private let place: ByteString
    private let mechanism: ByteString
    private let expander: Expander
    private let facts: Facts
    private var connection: (any LineConnection)?
    private let request = "1" as ByteString

    init(_ place: ByteString, _ mechanism: ByteString, _ expander: Expander, _ facts: Facts) {
        self.place = place
        self.mechanism = mechanism
        self.expander = expander
        self.facts = facts
    }

    /// Connects, and hands on what came with the command.
    mutating func begin(_ initial: ByteString?) async -> Step {
        guard let open = expander.environment.openSocket else {
            return .deferred("authentication socket connection error")
        }
        let connection: any LineConnection
        switch await open(place) {
        case .success(let made): connection = made
        case .failure(let trouble):
            return .deferred("unable to connect to UNIX socket (\(place)): \(trouble.error)")
        }
        self.connection = connection
        if let trouble = await greet(connection) { return .deferred(trouble) }
        if let initial, Self.breaksLine(initial) { return .refused(user: nil) }
        var line: ByteString = "AUTH\t\(request)\t\(mechanism)\tservice=smtp\t\(conditions)"
        line += "rip=\(address(facts.connection.remoteAddress))\t" as ByteString
        line += "lip=\(address(facts.connection.interfaceAddress))\tnologin" as ByteString
        if let initial { line += "\tresp=\(initial)" as ByteString }
        let hello: ByteString = "VERSION\t1\t0\nCPID\t\(EximTime.processID)\n"
        return await converse(hello + line + ByteString("\n"))
    }

    /// Hands on the client's answer.
    mutating func take(_ answer: ByteString) async -> Step {
        if Self.breaksLine(answer) { return .refused(user: nil) }
        return await converse("CONT\t\(request)\t\(answer)\n")
    }

    private func address(_ address: IPAddress?) -> ByteString { address?.text ?? "" }

    private var conditions: ByteString {
        let connection = facts.connection
        let isOurs =
            connection.remoteAddress != nil && connection.remoteAddress == connection.interfaceAddress
        let isSecured = connection.tlsIn.cipher != nil || isOurs
        let verified = connection.tlsIn.certificateVerified ? "valid-client-cert\t" as ByteString : ""
        return isSecured ? "secured\t\(verified)" : verified
    }

    /// Whether a client's words would end a parameter or a line: they are the server's to judge otherwise.
    private static func breaksLine(_ text: ByteString) -> Bool {
        text.contains { $0 == UInt8(ascii: "\t") || $0 == .newline || $0 == 0 }
    }

    // MARK: Lines

    /// Reads the server's greeting; why it cannot be used, or nil.
    private func greet(_ connection: any LineConnection) async -> ByteString? {
        var hasMechanism = false
        for _ in 0..<Self.mostGreetingLines {
            guard let line = await connection.line() else {
                return "authentication socket read error or premature eof"
            }
            let words = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
            switch words.first.map({ ByteString($0) }) {
            case "VERSION":
                guard words.count > 1, ByteString(words[1]) == "1" else {
                    return "authentication socket protocol version mismatch"
                }
            case "MECH":
                guard words.count > 1 else { return "authentication socket protocol error" }
                if ByteString(words[1]).equalsIgnoringCase(mechanism) { hasMechanism = true }
            case "DONE":
                return hasMechanism
                    ? nil : "Dovecot did not advertise mechanism \"\(mechanism)\" to us"
            default: break
            }
        }
        return "authentication socket protocol error"
    }

    private func converse(_ octets: ByteString) async -> Step {
        guard let connection, await connection.send(octets) else {
            return .deferred("authentication socket connection error")
        }
        while let line = await connection.line() {
            let words = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
                .map { ByteString($0) }
            guard words.count > 1, words[1] == request else {
                return .deferred("authentication socket protocol error, unknown command: \(line)")
            }
            switch words[0] {
            case "CONT": return .ask(words.count > 2 ? words[2] : "")
            case "OK": return Self.user(words).map { .accepted(user: $0) } ?? .refused(user: nil)
            case "FAIL":
                return words.contains("temp")
                    ? .deferred("authentication server trouble")
                    : .refused(user: Self.user(words))
            default: return .deferred("authentication socket protocol error")
            }
        }
        return .deferred("authentication socket read error or premature eof")
    }

    private static func user(_ words: [ByteString]) -> ByteString? {
        words.first { $0.starts(with: ByteString("user=")) }.map { ByteString($0.dropFirst(5)) }
    }
}
