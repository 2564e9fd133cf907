package import Bytes

/// What a client says to a SOCKS proxy of version 5 so that it connects to a server, and what the answers mean
/// (RFC 1928; RFC 1929 for user and password).
package struct SOCKSDialogue: Sendable {
    /// Who we are to a proxy.
    package struct Credentials: Sendable, Hashable {
        let name: ByteString
        let password: ByteString

        /// The most octets of each (RFC 1929, section 2).
        package static let longest = 255

        /// Nil for what is too long to be said.
        package init?(name: ByteString, password: ByteString) {
            guard max(name.count, password.count) <= Self.longest else { return nil }
            (self.name, self.password) = (name, password)
        }
    }

    /// Why the proxy does not connect us.
    package enum Failure: Error, Sendable, Hashable {
        /// It does not take our name and password.
        case notAuthenticated
        /// It wants another method of authentication; 255 is none of ours.
        case method(UInt8)
        /// It answers something else than it should.
        case malformed
        /// It cannot, or may not, and says why by the number of RFC 1928, section 6.
        case refused(UInt8)
    }

    /// What comes next.
    package enum Step: Sendable, Hashable {
        /// So many octets of an answer, at least, are missing.
        case wait(Int)
        /// Say this.
        case send(ByteString)
        /// The server is reached; at the proxy's other end are this address and port, where they are told.
        case connected(IPAddress?, port: Int)
    }

    private enum Phase { case method, credentials, reply }

    private static let version: UInt8 = 5
    private let address: IPAddress
    private let port: Int
    private let credentials: Credentials?
    private var phase = Phase.method
    private var buffer: [UInt8] = []

    /// Begins with a proxy that is to connect to an address and port; without credentials none are offered.
    package init(to address: IPAddress, port: Int, as credentials: Credentials?) {
        (self.address, self.port, self.credentials) = (address, port, credentials)
    }

    /// What is said first.
    package var opening: ByteString { ByteString([Self.version, 1, credentials == nil ? 0 : 2]) }

    /// How many octets the next answer has at least, and no more than that are to be taken from the connection: what follows
    /// the last answer is the server's.
    package var missing: Int {
        switch phase {
        case .method, .credentials: 2 - buffer.count
        case .reply: (replySize ?? 5) - buffer.count
        }
    }

    /// Takes octets, `missing` at most, and gives what comes next.
    package mutating func take(_ octets: some Collection<UInt8>) throws(Failure) -> Step {
        buffer += octets.prefix(missing)
        try checkVersion()
        guard missing <= 0 else { return .wait(missing) }
        defer { buffer = [] }
        switch phase {
        case .method: return try takeMethod()
        case .credentials:
            guard buffer[1] == 0 else { throw .notAuthenticated }
            return connecting()
        case .reply: return try takeReply()
        }
    }

    private func checkVersion() throws(Failure) {
        guard let first = buffer.first else { return }
        // The answer to user and password has a version of its own.
        guard first == (phase == .credentials ? 1 : Self.version) else {
            throw phase == .credentials ? .notAuthenticated : .malformed
        }
        // A refusal may be shorter than it should be.
        if phase == .reply, buffer.count > 1, buffer[1] != 0 { throw .refused(buffer[1]) }
        if phase == .reply, buffer.count > 3, ![1, 3, 4].contains(buffer[3]) { throw .malformed }
    }

    private mutating func takeMethod() throws(Failure) -> Step {
        switch (buffer[1], credentials) {
        case (0, _): return connecting()
        case (2, let credentials?):
            phase = .credentials
            return .send(
                ByteString([1, UInt8(credentials.name.count)]) + credentials.name
                    + ByteString([UInt8(credentials.password.count)]) + credentials.password)
        case (let other, _): throw .method(other)
        }
    }

    /// The server by its address: a proxy has no names to look up for us.
    private mutating func connecting() -> Step {
        phase = .reply
        let ports = [UInt8(truncatingIfNeeded: port >> 8), UInt8(truncatingIfNeeded: port)]
        return .send(
            ByteString([Self.version, 1, 0, address.isV6 ? 4 : 1]) + address.octets + ByteString(ports))
    }

    /// How long the reply to the last request is; nil until that can be told.
    private var replySize: Int? {
        guard buffer.count >= 5 else { return nil }
        return switch buffer[3] {
        case 1: 10
        case 4: 22
        default: 7 + Int(buffer[4])
        }
    }

    private func takeReply() throws(Failure) -> Step {
        guard let size = replySize, buffer.count == size else { throw .malformed }
        let bound = buffer[3] == 3 ? nil : IPAddress(octets: buffer[4..<(size - 2)])
        return .connected(bound, port: Int(buffer[size - 2]) << 8 | Int(buffer[size - 1]))
    }
}
