package import Bytes
package import OpenSSL

/// What is known about the peer, and about the process that talks to it.
package struct ConnectionFacts: Sendable {
    /// The peer's address; nil for local submission (`$sender_host_address`).
    package var remoteAddress: IPAddress?
    /// What tells this connection from others (`$connection_id`); nil where there is none.
    package var connectionID: ByteString?
    /// The peer's port (`$sender_host_port`).
    package var remotePort: Int?
    /// Our end's address (`$received_ip_address`).
    package var interfaceAddress: IPAddress?
    /// Our end's port (`$received_port`).
    package var interfacePort: Int?
    /// The peer's verified name, once known (`$sender_host_name`); shared by copies, looked up when asked for.
    package var hostName = RemoteName()
    /// The argument of HELO or EHLO (`$sender_helo_name`).
    package var helo: ByteString?
    /// Whether the HELO name was verified.
    package var heloVerified = false
    /// What an ident server said (`$sender_ident`); the login name for local submission.
    package var ident: ByteString?
    /// `smtp`, `esmtp`, `esmtps`, `local` and so on (`$received_protocol`).
    package var receivedProtocol: ByteString?
    /// The authenticator's name (`$sender_host_authenticated`).
    package var authenticatorName: ByteString?
    /// The authenticator's public name.
    package var authenticatorPublicName: ByteString?
    /// The value of `$authenticated_id`.
    package var authenticatedID: ByteString?
    /// The value of `$authenticated_sender`.
    package var authenticatedSender: ByteString?
    /// The value of `$authenticated_fail_id`.
    package var authenticatedFailID: ByteString?
    /// The value of `$authentication_failed`.
    package var authenticationFailed = false
    /// `$auth1` and so on, while an authenticator runs.
    package var authenticationStrings: [ByteString] = []
    /// `$smtp_active_hostname`; nil reads as the primary host name.
    package var activeHostName: ByteString?
    /// `$acl_c...`, keyed without `acl_`: `c0`, `c_foo`.
    package var aclVariables: [ByteString: TaintedBytes] = [:]
    /// The whole SMTP command (`$smtp_command`).
    package var smtpCommand: ByteString?
    /// What follows the command's name (`$smtp_command_argument`).
    package var smtpCommandArgument: ByteString?
    /// The latest commands' names, oldest first (`$smtp_command_history`).
    package var smtpCommandHistory: [ByteString] = []
    /// The value of `$smtp_count_at_connection_start`.
    package var countAtConnectionStart = 0
    /// The value of `$smtp_notquit_reason`.
    package var notQuitReason: ByteString?
    /// `$sender_rate`, set by the last `ratelimit` condition.
    package var senderRate: ByteString?
    /// The value of `$sender_rate_limit`.
    package var senderRateLimit: ByteString?
    /// The value of `$sender_rate_period`.
    package var senderRatePeriod: ByteString?
    /// TLS with the client that sends to us (`$tls_in_...`).
    package var tlsIn = TLSFacts()
    /// TLS with the server that we send to (`$tls_out_...`).
    package var tlsOut = TLSFacts()
    /// The client end of an outgoing connection (`$sending_ip_address`).
    package var sendingAddress: IPAddress?
    /// The value of `$sending_port`.
    package var sendingPort: Int?
    /// The proxy that the connection goes through (`$proxy_...`); nil for a direct one.
    package var proxy: ProxyFacts?
    /// The process id of the caller's choice (`$pid`); nil reads as our own.
    package var processID: Int?

    /// Knows nothing.
    package init() {}
}

/// What a TLS session was negotiated to.
package struct TLSFacts: Sendable, Hashable {
    /// The cipher in the library's spelling (`$tls_in_cipher`); nil when there is no TLS.
    package var cipher: ByteString?
    /// The cipher's RFC name (`$tls_in_cipher_std`).
    package var standardCipher: ByteString?
    /// Such as `TLS1.3` (`$tls_in_ver`).
    package var version: ByteString?
    /// Key bits; 0 without TLS (`$tls_in_bits`).
    package var bits = 0
    /// The peer's distinguished name (`$tls_in_peerdn`).
    package var peerDN: ByteString?
    /// The server name asked for (`$tls_in_sni`).
    package var serverName: ByteString?
    /// Whether the peer's certificate was verified.
    package var certificateVerified = false
    /// 0 to 4, as the manual lists under `$tls_in_ocsp`.
    package var ocsp = 0
    /// The bit field of `$tls_in_resumption`.
    package var resumption = 0
    /// The peer's certificate.
    package var peerCertificate: Certificate?
    /// Our certificate.
    package var ourCertificate: Certificate?
    /// Whether DANE verified the server (`$tls_out_dane`); nil when DANE was not in use.
    package var dane: Bool?
    /// The bit field of `$tls_out_tlsa_usage`.
    package var tlsaUsage = 0

    /// No TLS.
    package init() {}

    /// What a handshake came to; `serverName` is the name that the client asked for.
    package init(_ negotiated: TLSNegotiated, serverName: ByteString?) {
        dane = negotiated.isVerifiedByDANE ? true : nil
        ocsp = negotiated.proof.code
        cipher = "\(negotiated.version):\(negotiated.cipher):\(negotiated.bits)"
        standardCipher = negotiated.standardCipher
        version = negotiated.version
        bits = negotiated.bits
        peerDN = negotiated.peerDN
        self.serverName = serverName
        certificateVerified = negotiated.isVerified
        peerCertificate = negotiated.chain.first
        ourCertificate = negotiated.ourCertificate
    }
}

/// The two ends of a proxy: what a PROXY header said, or a SOCKS proxy that we use.
package struct ProxyFacts: Sendable, Hashable {
    /// The proxy's address on our side (`$proxy_local_address`).
    package var localAddress: IPAddress?
    /// Its port; 0 where it is not known.
    package var localPort = 0
    /// The address on its other side (`$proxy_external_address`): where the client connected to, or where the proxy does from.
    package var externalAddress: IPAddress?
    /// Its port; 0 where it is not known.
    package var externalPort = 0
    /// Whether the peer must go by a proxy's protocol, or does (`$proxy_session`).
    package var isSession = true

    /// Knows nothing of the ends.
    package init() {}
}
