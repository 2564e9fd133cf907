package import Bytes
package import OpenSSL

/// What all TLS sessions with servers share, in one process: contexts that are made once, and `openssl_options`.
package struct ClientTLS: Sendable {
    let contexts = TLSContexts()
    let options: TLSOptions

    /// Keeps no context yet.
    package init() { options = .usual }

    /// The same with the option `openssl_options` applied.
    ///
    /// - Throws: the first item that is no switch.
    package init(options text: ByteString) throws(TLSOptions.Mistake) { options = try TLSOptions(text) }

    /// A context for some settings; the reason why there is none, in Exim's words for what cannot be set up.
    func context(for settings: TLSSettings) async -> Result<TLSContext, TLSFault> {
        guard settings.namesFiles else { return known(settings) }
        // They may lie on a disk that is slow.
        return await Offload.run { known(settings) }
    }

    private func known(_ settings: TLSSettings) -> Result<TLSContext, TLSFault> {
        do throws(OpenSSLError) {
            return .success(try contexts.context(for: settings))
        } catch {
            return .failure(TLSFault(text: "(\(error.operation)): \(error.reason)"))
        }
    }
}

extension TLSSettings {
    fileprivate var namesFiles: Bool {
        if case .path = trust { return true }
        return !certificates.isEmpty || revocationList != nil
    }
}

/// What our own configuration has wrong, so that no TLS session can be begun.
struct TLSFault: Error, Sendable, Hashable {
    /// What `TLS session: ` stands before in the deferral's text.
    var text: ByteString
    /// The line for the logs; nil where the deferral's text says all.
    var line: ByteString?
}
