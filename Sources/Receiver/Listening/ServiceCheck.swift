import Bytes
import Expansion
import MailSystem
import OpenSSL

/// What a daemon says of its certificates when it starts, so that a mistake is not found out by the first client.
struct ServiceCheck {
    private let context: SessionContext
    private let log: SessionLog

    init(_ context: SessionContext, _ log: SessionLog) {
        self.context = context
        self.log = log
    }

    /// Tells where there is no certificate, in Exim's words.
    func warn() {
        let isOffered = !(context.settings.lists[.tlsAdvertise]?.source.isEmpty ?? true)
        guard isOffered, context.settings.tls.certificate?.source.isEmpty ?? true else { return }
        log.main(
            """
            Warning: No server certificate defined; will use a selfsigned one.
             Suggested action: either install a certificate or change tls_advertise_hosts option
            """)
    }

    /// Reads the files with the rights that sessions have, where they are the same for all clients; what cannot be used is
    /// told, and clients are answered 454.
    func run() async {
        guard context.settings.tls.isFixed else { return }
        let expansion = TLSExpansion(
            rules: context.settings.tls, expander: context.system.expander, facts: Facts())
        do throws(TLSFailure) {
            let made = try context.tls.service(with: try await expansion.settings())
            for fault in made.takeFaults() { log.main(fault.unusedProof) }
        } catch {
            log.panic("TLS is not available to clients: \(error.panic ?? error.text)")
        }
    }
}
