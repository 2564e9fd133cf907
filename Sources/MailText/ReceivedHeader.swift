package import Bytes

/// What Exim's default `received_header_text` needs to know (manual, chapter 14).
package struct ReceivedHeader: Sendable, Hashable {
    /// `$sender_rcvhost`, nil for local submission: see `PeerName`.
    package var peer: ByteString?
    /// `$sender_ident`: the login of a local submitter.
    package var ident: ByteString?
    /// `$sender_helo_name`, used when there is no peer.
    package var helo: ByteString?
    /// `$primary_hostname`.
    package var hostname: ByteString
    /// `$received_protocol`.
    package var `protocol`: ByteString?
    /// `$tls_in_ver`, such as `TLS1.3`.
    package var tlsVersion: ByteString?
    /// `$tls_in_cipher_std`, such as `TLS_AES_256_GCM_SHA384`.
    package var tlsCipher: ByteString?
    /// The program, such as `Exim 4.96` or `Bobbin 0.1`.
    package var product: ByteString
    /// The envelope sender; not shown when empty.
    package var sender: ByteString
    /// The message id.
    package var id: ByteString
    /// `$received_for`: the recipient, when there is just one.
    package var recipient: ByteString?

    /// Makes a value.
    package init(hostname: ByteString, product: ByteString, id: ByteString, sender: ByteString) {
        self.hostname = hostname
        self.product = product
        self.id = id
        self.sender = sender
    }
}
