import Bytes
import Expansion
import OpenSSL

/// Why there is no TLS with a client: the words of the log.
struct TLSFailure: Error, Equatable {
    /// Such as `(SSL_accept): timed out`.
    let text: ByteString
    /// What the panic log has to say besides; nil for nothing.
    var panic: ByteString?

    /// What the library says, after the name of what was being done.
    init(_ operation: ByteString, _ reason: ByteString) { text = "(\(operation)): \(reason)" }

    /// An option that cannot be expanded.
    init(expanding option: ByteString, _ error: ExpansionError) {
        text = "Internal error"
        panic = "expansion of \(option) failed: \(error.text)"
    }
}

/// A client's line under TLS; another wire carries the records.
///
/// What has come in the clear never gets through: whatever is read here went through the library.
final class TLSWire: Wire {
    private let carrier: any Wire
    private var session: TLSSession
    /// Whether the program was told to stop while the handshake went on.
    private var isToStop = false
    /// Whether nothing more can be read.
    private var isOver = false
    /// What broke the line, until it is told.
    private var fault: TLSFailure?
    /// How long a client may be silent, in seconds.
    private var limit: Int64?
    /// How many octets came since the client last said something.
    private var silent = 0

    /// Begins on the server's side; `hear` comes next.
    init(over carrier: any Wire, _ bare: TLSContext) throws(OpenSSLError) {
        self.carrier = carrier
        session = try TLSSession(serverWith: bare)
    }

    // MARK: The handshake

    /// Waits for the client's first message.
    func hear(until deadline: ContinuousClock.Instant?) async throws(TLSFailure) -> TLSClientHello {
        guard let hello = try await advance(until: deadline) else {
            throw TLSFailure("SSL_accept", "the client said nothing first")
        }
        return hello
    }

    /// Answers that message, and goes on until the session stands.
    func serve(
        with context: TLSContext, _ verification: TLSVerification, protocols: [ByteString],
        until deadline: ContinuousClock.Instant?
    ) async throws(TLSFailure) -> TLSNegotiated {
        do throws(OpenSSLError) {
            try session.serve(with: context, verification, protocols: protocols)
        } catch {
            throw TLSFailure(error.operation, error.reason)
        }
        _ = try await advance(until: deadline)
        let found: TLSNegotiated
        do throws(OpenSSLError) { found = try session.negotiated() } catch {
            throw TLSFailure(error.operation, error.reason)
        }
        guard verification != .required || found.isVerified else {
            throw TLSFailure("SSL_accept", "no verified certificate")
        }
        return found
    }

    /// Goes on until the client's first message is there, or, with nil, until the session stands.
    private func advance(
        until deadline: ContinuousClock.Instant?
    ) async throws(TLSFailure) -> TLSClientHello? {
        while true {
            let progress: TLSSession.Progress
            do throws(OpenSSLError) { progress = try session.handshake() } catch {
                // The client hears why.
                _ = await send()
                throw failure(error)
            }
            guard await send() else { throw Self.gone }
            switch progress {
            case .done: return nil
            case .heardClient(let hello): return hello
            case .needsInput: try await receive(until: deadline)
            }
        }
    }

    private static let gone = TLSFailure("SSL_accept", "TCP connection closed by peer")

    private func failure(_ error: OpenSSLError) -> TLSFailure {
        if let why = session.verifyError { return TLSFailure("certificate verification failed", why) }
        return TLSFailure("SSL_accept", error.reason)
    }

    /// However few octets come at a time, the handshake as a whole has its time.
    private func receive(until deadline: ContinuousClock.Instant?) async throws(TLSFailure) {
        if let deadline {
            let left = deadline - .now
            guard left > .zero else { throw TLSFailure("SSL_accept", "timed out") }
            await carrier.setTimeout(seconds: left.components.seconds + 1)
        }
        switch await carrier.read() {
        case .octets(let octets): session.feed(octets)
        case .ended: throw Self.gone
        case .timedOut: throw TLSFailure("SSL_accept", "timed out")
        case .stopping: isToStop = true
        }
    }

    // MARK: The talk

    func read() async -> WireInput {
        if isToStop {
            isToStop = false
            return .stopping
        }
        let deadline = limit.map { ContinuousClock.now + .seconds($0) }
        while !isOver {
            if let input = await readOnce() { return input }
            // Records in which the client says nothing do not count as words.
            if let deadline, .now >= deadline { return .timedOut }
        }
        return .ended
    }

    /// What comes next; nil to look again.
    private func readOnce() async -> WireInput? {
        let reading: TLSSession.Reading
        do throws(OpenSSLError) { reading = try session.decrypt() } catch {
            _ = await send()
            return end(TLSFailure("SSL_read", error.reason))
        }
        switch reading {
        case .octets(let octets):
            silent = 0
            return .octets(octets[...])
        case .closed: return end(nil)
        case .needsInput:
            guard silent <= TLSSession.mostSilent else {
                return end(TLSFailure("SSL_read", "too many records in which the client says nothing"))
            }
            // The library may have something to say of its own.
            guard await send() else { return end(nil) }
            switch await carrier.read() {
            case .octets(let octets):
                silent += octets.count
                session.feed(octets)
                return nil
            case .ended: return end(TLSFailure("SSL_read", "the client closed without saying so in TLS"))
            case .timedOut: return .timedOut
            case .stopping: return .stopping
            }
        }
    }

    private func end(_ fault: TLSFailure?) -> WireInput {
        isOver = true
        self.fault = fault
        return .ended
    }

    /// What broke the line; told once.
    func takeFault() -> TLSFailure? {
        defer { fault = nil }
        return fault
    }

    func write(_ octets: ByteString) async -> Bool {
        do throws(OpenSSLError) { try session.encrypt(octets.bytes[...]) } catch { return false }
        return await send()
    }

    /// Under TLS nobody but the client can have sent what comes early.
    func ahead() async -> ArraySlice<UInt8>? { nil }

    func setTimeout(seconds: Int64?) async {
        limit = seconds
        await carrier.setTimeout(seconds: seconds)
    }

    /// Ends TLS as it should end.
    func close() async {
        session.close()
        _ = await send()
    }

    private func send() async -> Bool {
        let output = session.takeOutput()
        return output.isEmpty ? true : await carrier.write(ByteString(output))
    }
}
