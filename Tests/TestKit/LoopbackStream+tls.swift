package import Bytes
package import OpenSSL
import Synchronization

// TLS on a stream of a test, at the side that a client talks to.
extension LoopbackStream {
    /// Whether a session stands.
    package var isSecure: Bool { session.withLock { $0 != nil } }

    /// Shakes hands as a server; gives what the client said at first, and what was agreed on.
    ///
    /// Throws what libssl says, or when the client closes meanwhile.
    package func serveTLS(
        _ settings: TLSSettings, _ verification: TLSVerification = .none, protocols: [ByteString] = []
    ) throws -> (hello: TLSClientHello?, found: TLSNegotiated) {
        let own = try TLSContext(settings)
        var server = try TLSSession(serverWith: try TLSContext(TLSSettings()))
        var heard: TLSClientHello?
        handshake: while true {
            let progress: TLSSession.Progress
            do { progress = try server.handshake() } catch {
                // The alert tells the client why.
                try writeRaw(ByteString(server.takeOutput()))
                throw error
            }
            try writeRaw(ByteString(server.takeOutput()))
            switch progress {
            case .done: break handshake
            case .heardClient(let hello):
                heard = hello
                try server.serve(with: own, verification, protocols: protocols)
            case .needsInput:
                guard let more = try readRaw() else {
                    throw Program.Failure(description: "the client has gone in the handshake")
                }
                server.feed(more.bytes[...])
            }
        }
        let found = try server.negotiated()
        var done: TLSSession? = consume server
        session.withLock { $0 = done.take() }
        return (heard, found)
    }

    /// Tells the peer that the session ends.
    package func endTLS() throws {
        let output = session.withLock { session -> [UInt8] in
            session?.close()
            return session?.takeOutput() ?? []
        }
        try writeRaw(ByteString(output))
    }
}
