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

extension ReceivedHeader {
    /// What Exim's default `received_header_text` expands to: no date, no final newline.
    package var expandedText: ByteString {
        var text: ByteString = "Received: "
        if let peer {
            text += "from \(peer)\n\t" as ByteString
        } else {
            if let ident { text += "from \(ident.quotedLocalPart) " as ByteString }
            if let helo { text += "(helo=\(helo))\n\t" as ByteString }
        }
        text += "by \(hostname) " as ByteString
        if let name = self.protocol { text += "with \(name) " as ByteString }
        if let tlsVersion { text += " (\(tlsVersion))" as ByteString }
        if let tlsCipher { text += " tls \(tlsCipher)\n\t" as ByteString }
        text += "(\(product))\n\t" as ByteString
        if !sender.isEmpty { text += "(envelope-from <\(sender)>)\n\t" as ByteString }
        text += "id \(id)" as ByteString
        if let recipient { text += "\n\tfor \(recipient)" as ByteString }
        return text
    }

    /// The whole header line with date and newline.
    package func line(date: ByteString) -> ByteString { Self.line(text: expandedText, date: date) }

    /// What Exim makes of the expanded `received_header_text` (its own or the postmaster's) and the date.
    package static func line(text: ByteString, date: ByteString) -> ByteString {
        "\(text.trimmedEnd());\n\t\(date)\n"
    }
}

extension UInt8 {
    /// Whether the octet may stand in an atom (RFC 5322, section 3.2.3).
    package var isAtomText: Bool {
        isASCIIAlphanumeric || "!#$%&'*+-/=?^_`{|}~".utf8.contains(self)
    }
}
