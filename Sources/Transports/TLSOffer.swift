import Bytes
import Expansion
import Hints
import OpenSSL
import SMTP

/// What a connection to one host needs to begin a TLS session.
struct TLSOffer: Sendable {
    let plan: TLSPlan
    /// What is wrong with our side, so that none can begin.
    let fault: TLSFault?
    private let context: TLSContext?

    /// Prepares what the plan wants; files are read when they are new.
    init(_ plan: TLSPlan, _ tls: ClientTLS) async {
        self.plan = plan
        guard !plan.isAvoided, plan.fault == nil else {
            (fault, context) = (plan.fault, nil)
            return
        }
        switch await tls.context(for: plan.settings) {
        case .success(let made): (fault, context) = (nil, made)
        case .failure(let found): (fault, context) = (found, nil)
        }
    }

    /// Whether a host with which no session came about may be spoken to in clear text.
    ///
    /// Not where our own configuration is at fault: what was to be encrypted waits until it is mended.
    var mayGoClear: Bool { fault == nil && plan.mayGoClear }

    /// Begins a session; gives the trouble that keeps us from it, after which the connection is of no use.
    func secure(
        _ socket: inout SecureSocket, _ events: HostEvents?, timeout: Int64
    ) async -> ClientTrouble? {
        guard let context else { return Self.trouble(fault?.text ?? "Internal error") }
        switch await socket.startTLS(context, plan.wishes, timeout: timeout) {
        case .failure(let failure): return Self.trouble(failure.text)
        case .success(let found):
            if plan.needsProtocol, found.applicationProtocol == nil {
                return Self.trouble("(handshake): ALPN required but not negotiated")
            }
            guard await events?.certificates(found.chain, socket.state) ?? true else {
                return Self.trouble("(SSL_connect): the certificate was denied by event_action")
            }
            return nil
        }
    }

    private static func trouble(_ text: ByteString) -> ClientTrouble {
        ClientTrouble(
            scope: .host, isPermanent: false, errno: Int(EximErrno.tlsFailure), text: "TLS session: \(text)")
    }

    /// Whether a trouble is that no session came about after the server had agreed to one.
    static func isFailure(_ trouble: ClientTrouble) -> Bool { trouble.errno == Int(EximErrno.tlsFailure) }
}
