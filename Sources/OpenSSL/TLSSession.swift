package import Bytes
internal import COpenSSL

/// One end of a TLS session, apart from any socket: octets of the wire go in and out, and so do octets of the talk.
///
/// Whoever drives it feeds what the peer has sent, and sends what `takeOutput` gives after each call. Freed with the value.
/// `@unchecked`: the value is owned by one task at a time.
@safe package struct TLSSession: ~Copyable, @unchecked Sendable {
    /// How far a handshake has come.
    package enum Progress: Sendable, Hashable {
        /// Octets of the peer are needed (send the output first).
        case needsInput
        /// A client's first message is there: call `serve` with what it is to be served with, then `handshake` again.
        case heardClient(TLSClientHello)
        /// The session stands.
        case done
    }

    /// What came out of the peer's octets.
    package enum Reading: Sendable, Hashable {
        case octets([UInt8])
        /// Nothing more until the peer sends more.
        case needsInput
        /// The peer has ended the session (close_notify).
        case closed
    }

    /// The most octets of one record, as they are read.
    private static let recordSize = 1 << 14
    /// The most octets of a client's first message; more ends the session.
    package static let longestHello = 1 << 16
    /// The most octets of records in which the peer says nothing, and the most that wait for it meanwhile: keys may
    /// change, but whoever does nothing else is not listened to for ever.
    package static let mostSilent = 1 << 16

    private var ends: LibraryEnds
    /// What libssl's callbacks see of a server's session.
    private let exchange: ServerExchange?
    private var context: TLSContext
    private var verification = TLSVerification.none
    private var proof = TLSProofWish.none
    /// What a client has sent before it was known what it is to be served with.
    private var unserved: [UInt8]?

    /// The side that a client talks to; `handshake` stops at the client's first message.
    ///
    /// - Parameter context: one without certificates will do, it only reads that message.
    package init(serverWith context: TLSContext) throws(OpenSSLError) {
        self.context = context
        let exchange = ServerExchange()
        self.exchange = exchange
        ends = try LibraryEnds.serving(exchange, with: context)
        unserved = []
    }

    /// The side that talks to a server.
    package init(clientWith context: TLSContext, _ wishes: TLSClientWishes) throws(OpenSSLError) {
        self.context = context
        exchange = nil
        verification = wishes.dane == nil ? wishes.verification : .required
        proof = wishes.proof
        ends = try LibraryEnds.asking(wishes, with: context)
    }

    // MARK: Octets of the wire

    /// Takes what the peer has sent.
    package mutating func feed(_ octets: ArraySlice<UInt8>) {
        unserved?.append(contentsOf: octets)
        ends.feed(octets)
    }

    /// Gives what is to be sent to the peer; empty when there is nothing.
    package mutating func takeOutput() -> [UInt8] { ends.takeOutput() }

    /// How many octets for the peer wait to be taken: libssl answers some of the peer's records by itself.
    package var waiting: Int { ends.waiting }

    // MARK: The handshake

    /// Goes as far as the peer's octets reach.
    ///
    /// - Throws: what libssl says of a handshake that failed; an alert for the peer may be in the output. `verifyError` may
    ///   tell more.
    package mutating func handshake() throws(OpenSSLError) -> Progress {
        let (code, kind) = ends.handshake()
        if code == 1 { return .done }
        switch kind {
        case SSL_ERROR_WANT_READ:
            guard unserved?.count ?? 0 <= Self.longestHello else {
                throw OpenSSLError(operation: "handshake", reason: "the client's first message is too long")
            }
            return .needsInput
        case SSL_ERROR_WANT_CLIENT_HELLO_CB: return .heardClient(exchange?.hello ?? TLSClientHello())
        default: throw .drain(after: "handshake")
        }
    }

    /// Sets what a client is served with, after its first message was heard.
    ///
    /// - Parameter protocols: the application protocols that are agreed to; a client that offers another one or several is
    ///   turned away, one that offers none is served (manual, option `tls_alpn`). Where this is empty, all are served.
    package mutating func serve(
        with context: TLSContext, _ verification: TLSVerification, protocols: [ByteString]
    ) throws(OpenSSLError) {
        guard let exchange, let heard = unserved else { return }
        self.context = context
        self.verification = verification
        exchange.protocols = protocols
        exchange.proofs = context.proofs
        exchange.isServed = true
        // A session keeps much of the context that it began with, so it begins anew.
        ends = try LibraryEnds.serving(exchange, with: context)
        ends.verify(verification, asServer: true)
        ends.feed(heard[...])
        unserved = nil
    }

    /// What the handshake came to.
    ///
    /// - Throws: what libcrypto says of a certificate that cannot be read.
    package func negotiated() throws(OpenSSLError) -> TLSNegotiated {
        var found = ends.negotiated
        found.chain = try ends.peerChain()
        found.ourCertificate = exchange == nil && !ends.hasSentCertificate ? nil : context.ownCertificate
        let hasLooked = verification != .none && !found.chain.isEmpty
        found.verifyError = hasLooked ? verifyError : nil
        found.isVerified = hasLooked && found.verifyError == nil
        found.isVerifiedByDANE = exchange == nil && ends.isVerifiedByDANE
        found.proof = exchange?.proof ?? ends.proof(proof, isVerified: found.isVerified)
        return found
    }

    /// What is wrong with the peer's certificate; nil for nothing, also when there is none.
    package var verifyError: ByteString? { ends.verifyError }

    // MARK: The talk

    /// Puts octets of ours into the output.
    package mutating func encrypt(_ octets: ArraySlice<UInt8>) throws(OpenSSLError) {
        guard !octets.isEmpty else { return }
        guard ends.write(octets) else { throw .drain(after: "write") }
    }

    /// The peer's next octets, at most one record's.
    package mutating func decrypt() throws(OpenSSLError) -> Reading {
        let (octets, kind) = ends.read(atMost: Self.recordSize)
        if !octets.isEmpty { return .octets(octets) }
        switch kind {
        case SSL_ERROR_WANT_READ: return .needsInput
        case SSL_ERROR_ZERO_RETURN: return .closed
        default: throw .drain(after: "read")
        }
    }

    /// Puts the end of the session (close_notify) into the output.
    package mutating func close() { ends.close() }
}

/// What libssl's callbacks see of a server's session: what a client has said, and what it is answered with.
final class ServerExchange {
    var hello: TLSClientHello?
    var isServed = false
    var protocols: [ByteString] = []
    /// What proves the certificate that the client is shown, where it asks.
    var proofs: [OCSPProof] = []
    var proof = TLSProof.notRequested
}
