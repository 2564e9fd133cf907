import Bytes
import OpenSSL

/// Texts that the TLS library reads, looked at when the configuration is read.
enum TLSOptionCheck {
    /// The words that a priority string of GnuTLS begins with (GnuTLS manual, "Priority strings").
    private static let priorities: Set<ByteString> = [
        "EXPORT", "LEGACY", "NONE", "NORMAL", "PERFORMANCE", "PFS", "SECURE128", "SECURE192", "SECURE256",
        "SUITEB128", "SUITEB192", "SYSTEM",
    ]

    /// Refuses what is no setting for OpenSSL; what is expanded is looked at when it is used.
    static func run(_ main: OptionBlock) throws(ConfigurationError) {
        if let setting = main.values["openssl_options"] {
            do throws(TLSOptions.Mistake) { _ = try TLSOptions(setting.source) } catch {
                throw ConfigurationError(
                    "openssl_options parse error: \"\(error.item)\"", at: setting.place,
                    hint: "each item is a name that the manual has, with + or - before it")
            }
        }
        guard let setting = main.values["tls_require_ciphers"], !setting.source.isEmpty,
            !setting.source.contains(UInt8(ascii: "$"))
        else { return }
        if isPriorityString(setting.source) {
            throw ConfigurationError(
                "tls_require_ciphers: \"\(setting.source)\" is a priority string of GnuTLS",
                at: setting.place,
                hint: "TLS is OpenSSL's here: take a cipher list, such as ECDHE+AESGCM:ECDHE+CHACHA20")
        }
        var settings = TLSSettings()
        settings.ciphers = setting.source
        do throws(OpenSSLError) { _ = try TLSContext(settings) } catch {
            throw ConfigurationError(
                "tls_require_ciphers invalid: \"\(setting.source)\": \(error.reason)", at: setting.place,
                hint: "it is a list of ciphers as openssl ciphers takes it")
        }
    }

    private static func isPriorityString(_ text: ByteString) -> Bool {
        let first = ByteString(text.prefix { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: ",") })
        return priorities.contains(first)
            || first.first == UInt8(ascii: "@") && !first.starts(with: ByteString("@S"))
    }
}
