package import Bytes

/// The header lines that tell what a message is about, and so are signed (RFC 4871, section 5.5).
package enum SignedHeaders {
    /// Exim's list, in its order; also the macro `_DKIM_SIGN_HEADERS`.
    package static let names: [ByteString] = [
        "From", "Sender", "Reply-To", "Subject", "Date", "Message-ID", "To", "Cc", "MIME-Version",
        "Content-Type", "Content-Transfer-Encoding", "Content-ID", "Content-Description", "Resent-Date",
        "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc", "Resent-Message-ID", "In-Reply-To",
        "References", "List-Id", "List-Help", "List-Unsubscribe", "List-Subscribe", "List-Post", "List-Owner",
        "List-Archive",
    ]
}
