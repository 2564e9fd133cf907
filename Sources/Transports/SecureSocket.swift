import Bytes
import Expansion
import Glibc
import OpenSSL

/// A connection to a server: in clear text, and under TLS after `startTLS`.
struct SecureSocket: ~Copyable {
    /// Why no session came about.
    struct Failure: Error {
        /// In the form in which Exim shows it.
        var text: ByteString
    }

    /// How long the end of a session may take to be sent, in seconds.
    private static let closeTimeout: Int64 = 1

    private var socket: ClientSocket
    private var session: TLSSession?
    /// What the session was negotiated to; nil in clear text.
    private(set) var tls: TLSFacts?

    init(_ socket: consuming ClientSocket) { self.socket = socket }

    var local: (address: IPAddress, port: Int)? { socket.local }
    /// What events are told of the connection.
    var state: ConnectionState { ConnectionState(local: socket.local, tls: tls, proxy: socket.proxy) }

    // MARK: The handshake

    /// Begins a session, within so many seconds; after a failure the connection is of no use.
    mutating func startTLS(
        _ context: TLSContext, _ wishes: TLSClientWishes, timeout seconds: Int64
    ) async -> Result<TLSNegotiated, Failure> {
        let deadline = Deadline(seconds)
        do throws(OpenSSLError) {
            var new = try TLSSession(clientWith: context, wishes)
            if let failure = await shakeHands(&new, deadline) { return .failure(failure) }
            let found = try new.negotiated()
            if wishes.dane != nil, !found.isVerifiedByDANE {
                // Such as under a cipher for which a server shows no certificate.
                return .failure(Failure(text: "(SSL_connect): no TLSA record verifies the server"))
            }
            if let reason = wishes.obstacle(in: found.proof) {
                return .failure(Failure(text: "(SSL_connect) \(reason)"))
            }
            tls = TLSFacts(found, serverName: wishes.serverName)
            tls?.tlsaUsage = wishes.dane?.usages ?? 0
            session = consume new
            return .success(found)
        } catch {
            return .failure(Failure(text: "(\(error.operation)): \(error.reason)"))
        }
    }

    private mutating func shakeHands(_ new: inout TLSSession, _ deadline: Deadline) async -> Failure? {
        while true {
            var isDone = false
            var failure: Failure?
            do throws(OpenSSLError) {
                isDone = try new.handshake() == .done
            } catch {
                let why: ByteString = new.verifyError.map { " (\($0))" } ?? ""
                failure = Failure(text: "(SSL_connect): \(error.reason)\(why)")
            }
            // After a failure there may be an alert that tells the server why.
            if let trouble = await send(&new, deadline), failure == nil { return trouble }
            if failure != nil || isDone { return failure }
            if deadline.isOver { return Failure(text: "(SSL_connect): timed out") }
            switch await socket.read(timeout: deadline.left) {
            case .octets(let octets): new.feed(octets)
            case .timedOut: return Failure(text: "(SSL_connect): timed out")
            case .closed: return Failure(text: "(SSL_connect): the server closed the connection")
            case .failed(let number):
                return Failure(text: "(SSL_connect): \(SystemFailure(number: number).text)")
            }
        }
    }

    private mutating func send(_ new: inout TLSSession, _ deadline: Deadline) async -> Failure? {
        let output = new.takeOutput()
        var heard: [UInt8] = []
        do throws(SystemFailure) {
            try await socket.write(output[...], timeout: deadline.left) { heard += $0 }
        } catch {
            let isLate = error.number == ETIMEDOUT
            return Failure(text: "(SSL_connect): \(isLate ? "timed out" : error.text)")
        }
        new.feed(heard[...])
        return nil
    }

    // MARK: The talk

    /// Waits for octets of the talk; under TLS, for a whole record of it within the time.
    mutating func read(timeout seconds: Int64) async -> ClientSocket.Reading {
        guard tls != nil else { return await socket.read(timeout: seconds) }
        let deadline = Deadline(seconds)
        var silent = 0
        while true {
            if let reading = decrypted() { return reading }
            if silent > TLSSession.mostSilent { return .closed }
            if deadline.isOver { return .timedOut }
            switch await socket.read(timeout: deadline.left) {
            case .octets(let octets):
                silent += octets.count
                session?.feed(octets)
            case let end: return end
            }
        }
    }

    /// What is there already; nil when nothing is.
    mutating func readNow() -> ClientSocket.Reading? {
        guard tls != nil else { return socket.readNow() }
        var silent = 0
        while true {
            if let reading = decrypted() { return reading }
            if silent > TLSSession.mostSilent { return .closed }
            guard let reading = socket.readNow() else { return nil }
            guard case .octets(let octets) = reading else { return reading }
            silent += octets.count
            session?.feed(octets)
        }
    }

    /// What the session says next; a record that cannot be read is as good as a connection that is closed.
    private mutating func decrypted() -> ClientSocket.Reading? {
        if (session?.waiting ?? 0) > TLSSession.mostSilent { return .closed }
        do throws(OpenSSLError) {
            switch try session?.decrypt() {
            case .octets(let octets): return .octets(octets[...])
            case .closed: return .closed
            case .needsInput, nil: return nil
            }
        } catch {
            return .closed
        }
    }

    /// Sends octets of the talk; what the server says meanwhile goes to `hear`.
    ///
    /// Throws the errno, ETIMEDOUT at the time limit.
    mutating func write(
        _ octets: ArraySlice<UInt8>, timeout seconds: Int64, hear: (ArraySlice<UInt8>) -> Void
    ) async throws(SystemFailure) {
        guard tls != nil else { return try await socket.write(octets, timeout: seconds, hear: hear) }
        do throws(OpenSSLError) {
            try session?.encrypt(octets)
        } catch {
            throw SystemFailure(number: EPIPE)
        }
        try await flush(seconds, hear)
    }

    private mutating func flush(
        _ seconds: Int64, _ hear: (ArraySlice<UInt8>) -> Void
    ) async throws(SystemFailure) {
        let output = session?.takeOutput() ?? []
        var heard: [UInt8] = []
        var failure: SystemFailure?
        do throws(SystemFailure) {
            try await socket.write(output[...], timeout: seconds) { heard += $0 }
        } catch {
            failure = error
        }
        if !heard.isEmpty {
            session?.feed(heard[...])
            while case .octets(let octets)? = decrypted() { hear(octets) }
        }
        if let failure { throw failure }
    }

    /// Tells the server that the session ends, where there is one; a server that has gone need not hear it.
    mutating func close() async {
        guard tls != nil else { return }
        session?.close()
        do throws(SystemFailure) {
            try await flush(Self.closeTimeout) { _ in }
        } catch {
            return
        }
    }
}

extension TLSClientWishes {
    /// Why a session does not serve whose server has proved so much of its certificate; nil when it does.
    fileprivate func obstacle(in found: TLSProof) -> ByteString? {
        guard proof == .required else { return nil }
        return switch found {
        case .good: nil
        case .notRequested, .absent: "Required TLS certificate status not received"
        case .bad(let reason): reason
        }
    }
}

/// A moment by which something must be done.
struct Deadline {
    private let end: ContinuousClock.Instant

    init(_ seconds: Int64) { end = .now + .seconds(seconds) }

    var isOver: Bool { ContinuousClock.now >= end }
    /// The whole seconds that are left, rounded up.
    var left: Int64 { max(0, ContinuousClock.now.duration(to: end).components.seconds) + 1 }
}
