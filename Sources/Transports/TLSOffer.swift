import Bytes
import Expansion
import Hints
import OpenSSL
import SMTP

/// What a connection to one host needs to begin a TLS session.
struct TLSOffer: Sendable {
    let plan: TLSPlan
    private let tls: ClientTLS

    init(_ plan: TLSPlan, _ tls: ClientTLS) { (self.plan, self.tls) = (plan, tls) }

    /// What is wrong with our side, so that no session can begin.
    var fault: TLSFault? {
        get async { if case .failure(let fault) = await context { fault } else { nil } }
    }

    private var context: Result<TLSContext, TLSFault> {
        get async {
            if let fault = plan.fault { return .failure(fault) }
            return await tls.context(for: plan.settings)
        }
    }

    /// Whether a host with which no session came about may be spoken to in clear text.
    ///
    /// Not where our own configuration is at fault: what was to be encrypted waits until it is mended. Then `tell` is given
    /// what the logs are to have, if that is more than the deferral says.
    func mayGoClear(tell: (TransportLogLine) -> Void) async -> Bool {
        guard let fault = await fault else { return plan.mayGoClear }
        if let line = fault.line { tell(TransportLogLine(line, isPanic: true)) }
        return false
    }

    /// Begins a session; gives the trouble that keeps us from it, after which the connection is of no use.
    func secure(
        _ socket: inout SecureSocket, _ events: HostEvents?, timeout: Int64
    ) async -> ClientTrouble? {
        let context: TLSContext
        switch await self.context {
        case .success(let made): context = made
        case .failure(let fault): return Self.trouble(fault.text)
        }
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

    /// What stands before the reason.
    static let prefix: ByteString = "TLS session: "

    private static func trouble(_ text: ByteString) -> ClientTrouble {
        ClientTrouble(
            scope: .host, isPermanent: false, errno: Int(EximErrno.tlsFailure), text: prefix + text)
    }

    /// Whether a trouble is that no session came about after the server had agreed to one.
    static func isFailure(_ trouble: ClientTrouble) -> Bool { trouble.errno == Int(EximErrno.tlsFailure) }
}
