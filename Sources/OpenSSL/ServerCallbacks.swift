import Bytes
internal import COpenSSL
import Glibc

/// What libssl calls while a server shakes hands.
enum ServerCallbacks {
    /// Makes a context call them.
    static func install(in context: OpaquePointer) {
        unsafe SSL_CTX_set_client_hello_cb(
            context, { session, _, _ in unsafe ServerCallbacks.heard(session) }, nil)
        unsafe SSL_CTX_set_alpn_select_cb(
            context,
            { session, chosen, length, offered, count, _ in
                unsafe ServerCallbacks.choose(
                    session, chosen, length, UnsafeBufferPointer(start: offered, count: Int(count)))
            }, nil)
        unsafe shim_set_proof_callback(context) { session, _ in unsafe ServerCallbacks.staple(session) }
    }

    /// Gives a client that asks for it the proof of the certificate that it is shown; a client's own session has it go on.
    private static func staple(_ session: OpaquePointer?) -> CInt {
        guard let exchange = unsafe exchange(of: session) else { return 1 }
        exchange.proof = .absent
        guard let own = unsafe SSL_get_certificate(session) else { return SSL_TLSEXT_ERR_NOACK }
        let serial = unsafe OCSPBasic.text(X509_get0_serialNumber(own))
        let now = Int64(time(nil))
        guard let proof = exchange.proofs.first(where: { $0.covers(serial, now: now) }) else {
            return SSL_TLSEXT_ERR_NOACK
        }
        guard unsafe shim_staple(session, proof.octets, proof.octets.count) == 1 else {
            return SSL_TLSEXT_ERR_NOACK
        }
        exchange.proof = .good
        return SSL_TLSEXT_ERR_OK
    }

    private static func exchange(of session: OpaquePointer?) -> ServerExchange? {
        guard let pointer = unsafe SSL_get_ex_data(session, 0) else { return nil }
        return unsafe Unmanaged<ServerExchange>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Stops the handshake at the client's first message, until it is known what to serve it with.
    private static func heard(_ session: OpaquePointer?) -> CInt {
        guard let exchange = unsafe exchange(of: session), !exchange.isServed else {
            return SSL_CLIENT_HELLO_SUCCESS
        }
        var hello = TLSClientHello()
        hello.serverName = unsafe serverName(extensionOf(session, TLSEXT_TYPE_server_name))
        hello.protocols = unsafe protocols(
            extensionOf(session, TLSEXT_TYPE_application_layer_protocol_negotiation).dropFirst(2))
        exchange.hello = hello
        return SSL_CLIENT_HELLO_RETRY
    }

    /// The longest name of a host (RFC 1035, section 2.3.4).
    private static let longestName = 255

    private static func extensionOf(_ session: OpaquePointer?, _ kind: CInt) -> ArraySlice<UInt8> {
        var start: UnsafePointer<UInt8>?
        var count = 0
        guard unsafe SSL_client_hello_get0_ext(session, UInt32(kind), &start, &count) == 1 else { return [] }
        return unsafe Array(UnsafeBufferPointer(start: start, count: count))[...]
    }

    /// The first host name of a server name extension (RFC 6066, section 3); nil where it is none.
    ///
    /// What is no name of a host counts as none: the name may choose a file.
    static func serverName(_ octets: ArraySlice<UInt8>) -> ByteString? {
        // Length of the list, kind of name (0 is a host), length of the name.
        let header = Array(octets.prefix(5))
        guard header.count == 5, header[2] == 0 else { return nil }
        let length = Int(header[3]) << 8 | Int(header[4])
        let name = octets.dropFirst(5).prefix(length)
        guard (1...longestName).contains(length), name.count == length, name.first != UInt8(ascii: "."),
            name.allSatisfy({ $0.isASCIIAlphanumeric || ".-_".utf8.contains($0) })
        else { return nil }
        return ByteString(name)
    }

    /// The names of a list of protocols (RFC 7301, section 3.1), as far as it is well formed.
    static func protocols(_ octets: ArraySlice<UInt8>) -> [ByteString] {
        var rest = octets
        var names: [ByteString] = []
        while let length = rest.popFirst(), rest.count >= Int(length) {
            names.append(ByteString(rest.prefix(Int(length))))
            rest = rest.dropFirst(Int(length))
        }
        return names
    }

    /// Takes the client's protocol when it offers just one, and that is one of ours (manual, option `tls_alpn`).
    private static func choose(
        _ session: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
        _ length: UnsafeMutablePointer<UInt8>?, _ offered: UnsafeBufferPointer<UInt8>
    ) -> CInt {
        guard let exchange = unsafe exchange(of: session), !exchange.protocols.isEmpty else {
            return SSL_TLSEXT_ERR_NOACK
        }
        let names = unsafe protocols(Array(offered)[...])
        guard names.count == 1, exchange.protocols.contains(names[0]) else {
            return SSL_TLSEXT_ERR_ALERT_FATAL
        }
        unsafe chosen?.pointee = unsafe offered.baseAddress?.advanced(by: 1)
        unsafe length?.pointee = UInt8(clamping: names[0].count)
        return SSL_TLSEXT_ERR_OK
    }
}
