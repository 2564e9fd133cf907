import Bytes
import Configuration
import OpenSSL
import Transports

extension ClientTLS {
    /// What the main section says of TLS sessions with servers: `openssl_options`.
    init(_ configuration: Configuration) throws(StartError) {
        guard let text = configuration.main.text("openssl_options") else {
            self.init()
            return
        }
        do throws(TLSOptions.Mistake) {
            try self.init(options: text)
        } catch {
            throw StartError("openssl_options parse error: \(error.item)")
        }
    }
}
