package import Bytes

/// A set of OpenSSL's switches (`openssl_options`).
package struct TLSOptions: Sendable, Hashable {
    /// OpenSSL's bits, for `SSL_CTX_set_options`.
    let bits: UInt64
    /// Those that were taken away, which the library may have set by itself.
    let taken: UInt64

    /// What holds before `openssl_options` adds and takes away: the manual's default for it.
    ///
    /// Protocols before TLS 1.0 are not built in, ephemeral keys are always fresh; so two switches are left.
    package static let usual = TLSOptions(bits: bit(14) | bit(25) | bit(30), taken: 0)

    /// `no_ticket`.
    static let noTicket = bit(14)

    /// An item that is no switch.
    package struct Mistake: Error, Sendable, Hashable {
        /// The item as it stands.
        package let item: ByteString
    }

    /// Applies a text such as `+no_tlsv1 -no_ticket` to the usual set (`openssl_options`).
    ///
    /// - Throws: the first item that has no sign before it, or a name that the manual does not have.
    package init(_ text: ByteString) throws(Mistake) {
        var (bits, taken) = (Self.usual.bits, UInt64(0))
        for item in text.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) {
            guard let switched = Self.switches[ByteString(item.dropFirst())] else {
                throw Mistake(item: ByteString(item))
            }
            switch item.first {
            case UInt8(ascii: "+"): (bits, taken) = (bits | switched, taken & ~switched)
            case UInt8(ascii: "-"): (bits, taken) = (bits & ~switched, taken | switched)
            default: throw Mistake(item: ByteString(item))
            }
        }
        self.bits = bits
        self.taken = taken
    }

    private init(bits: UInt64, taken: UInt64) {
        self.bits = bits
        self.taken = taken
    }

    private static func bit(_ number: UInt64) -> UInt64 { 1 << number }

    /// The manual's names with the bits of OpenSSL 3; a switch that it has given up has none.
    private static let switches: [ByteString: UInt64] = [
        "all": bit(4) | bit(6) | bit(11) | bit(31),
        "allow_unsafe_legacy_renegotiation": bit(18),
        "cipher_server_preference": bit(22),
        "cookie_exchange": bit(13),
        "cryptopro_tlsext_bug": bit(31),
        "dont_insert_empty_fragments": bit(11),
        "ephemeral_rsa": 0,
        "legacy_server_connect": bit(2),
        "microsoft_big_sslv3_buffer": 0,
        "microsoft_sess_id_bug": 0,
        "msie_sslv2_rsa_padding": 0,
        "netscape_challenge_bug": 0,
        "netscape_reuse_cipher_change_bug": 0,
        "no_compression": bit(17),
        "no_renegotiation": bit(30),
        "no_session_resumption_on_renegotiation": bit(16),
        "no_sslv2": 0,
        "no_sslv3": bit(25),
        "no_ticket": bit(14),
        "no_tlsv1": bit(26),
        "no_tlsv1_1": bit(28),
        "no_tlsv1_2": bit(27),
        "no_tlsv1_3": bit(29),
        "prioritize_chacha": bit(21),
        "safari_ecdhe_ecdsa_bug": bit(6),
        "single_dh_use": 0,
        "single_ecdh_use": 0,
        "ssleay_080_client_dh_bug": 0,
        "sslref2_reuse_cert_type_bug": 0,
        "tls_block_padding_bug": 0,
        "tls_d5_bug": 0,
        "tls_rollback_bug": bit(23),
    ]
}
