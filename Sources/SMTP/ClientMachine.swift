package import Bytes

/// How a client session goes; options of the smtp transport.
package struct ClientOptions: Sendable, Hashable {
    /// `helo_data`.
    package var helo: ByteString
    /// `protocol = lmtp`: LHLO, and a reply per recipient after the data.
    package var isLMTP = false
    /// Whether EHLO is tried; `hosts_avoid_esmtp`.
    package var usesESMTP = true
    /// Whether PIPELINING is used when offered; `hosts_avoid_pipelining`.
    package var usesPipelining = true
    /// Whether BDAT is used when offered; `hosts_try_chunking`.
    package var usesChunking = true
    /// Whether PRDR is used when offered; `hosts_try_prdr`.
    package var usesPRDR = true
    /// `size_addition`; negative sends no SIZE.
    package var sizeAddition = 1024
    /// `ignore_quota` (LMTP).
    package var ignoresQuota = false
    /// Whether STARTTLS is used when offered.
    package var usesTLS = true
    /// Whether a session in clear text is not allowed (`hosts_require_tls`, DANE).
    package var requiresTLS = false
    /// `tls_tempfail_tryclear`.
    package var clearAfterTemporaryTLSRefusal = true
    /// `max_rcpt`: the most recipients a transaction; 0 for no limit.
    package var maximumRecipients = 100

    /// Exim's defaults.
    package init(helo: ByteString) { self.helo = helo }
}

/// Which time limit is meant.
package enum ClientTimeout: Sendable, Hashable {
    /// `command_timeout`.
    case command
    /// `data_timeout`.
    case data
    /// `final_timeout`.
    case final
    /// One second for QUIT's reply.
    case quit
}

/// What the driver shall do.
package enum ClientAction: Sendable, Hashable {
    /// Send these octets.
    case send(ByteString)
    /// Read from the server, at most this long, and give what came to `received`, or tell `timedOut`/`closed`.
    case expectReply(ClientTimeout)
    /// The reply to a line of an AUTH exchange.
    case authReply(Reply)
    /// Start TLS now; then tell `tlsStarted` or close.
    case startTLS
    /// The session is greeted and ready: call `begin(_:)`, `authenticate`-style exchange by `sendLine`, or `quit`.
    case ready(ServerExtensions)
    /// Send the message by DATA (dot-stuffed, ended by `CRLF.CRLF`), then call `bodySent`.
    case sendDataBody
    /// Send the message as BDAT chunks; each made by `bdat(size:isLast:)`, then call `bodySent`.
    case sendChunks
    /// The transaction is over: an outcome for each recipient, same order; `isOpen` when another may follow.
    case finished([RecipientOutcome], isOpen: Bool)
    /// The session cannot go on: the trouble holds for all that was not finished.
    case failed(ClientTrouble)
    /// Close the connection.
    case close
}

/// One client connection from greeting to QUIT, without sockets: each method returns what the driver shall do next, in order.
///
/// Life: `connected` ... `.ready` -> any number of `begin` ... `.finished` -> `quit` ... `.close`.
package struct ClientMachine: Sendable {
    /// How the session goes.
    package let options: ClientOptions
    /// What the server offers; empty before EHLO and after HELO.
    package private(set) var extensions = ServerExtensions()
    /// The greeting, for `smtp:connect`.
    package private(set) var greeting: Reply?

    /// Makes a machine for a fresh connection.
    package init(options: ClientOptions) { self.options = options }

    /// The TCP connection (and TLS, for smtps) stands.
    package mutating func connected() -> [ClientAction] { [] }
    /// Octets came from the server.
    package mutating func received(_ octets: some Sequence<UInt8>) -> [ClientAction] { [] }
    /// The time limit of the last `expectReply` is over.
    package mutating func timedOut() -> [ClientAction] { [] }
    /// The server closed the connection.
    package mutating func closed() -> [ClientAction] { [] }
    /// Reading or writing failed: a system errno and the text, such as `smtp send to host [ip] failed: Broken pipe`.
    package mutating func ioFailed(errno: Int, text: ByteString) -> [ClientAction] { [] }
    /// TLS stands after `startTLS`: EHLO is sent again.
    package mutating func tlsStarted() -> [ClientAction] { [] }
    /// Sends a line of an AUTH exchange (no line end); its reply comes as `.authReply`.
    package mutating func sendLine(_ line: ByteString, logged: ByteString) -> [ClientAction] { [] }
    /// Starts a transaction on a ready session.
    package mutating func begin(_ transaction: Transaction) -> [ClientAction] { [] }
    /// The octets of BDAT for a chunk of that many octets on the wire.
    package func bdat(size: Int, isLast: Bool) -> ByteString { "" }
    /// The body is sent, terminating dot or last chunk included.
    package mutating func bodySent(octets: Int) -> [ClientAction] { [] }
    /// Ends the session.
    package mutating func quit() -> [ClientAction] { [] }
}
