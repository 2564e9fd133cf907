package import Bytes

/// What a header line is to Exim: the letter that stands before it in `-H` (spool.md 3.8).
package enum HeaderKind: UInt8, Sendable, Hashable, CaseIterable {
    /// No special header, letter blank.
    case other = 0x20
    /// From: or Resent-From:.
    case from = 0x46
    /// To: or Resent-To:.
    case to = 0x54
    /// Cc: or Resent-Cc:.
    case cc = 0x43
    /// Bcc: or Resent-Bcc:.
    case bcc = 0x42
    /// Reply-To:.
    case replyTo = 0x52
    /// Sender: or Resent-Sender:.
    case sender = 0x53
    /// Received:.
    case received = 0x50
    /// The message's identity: the first Message-ID:, or the first Resent-Message-ID: if there are Resent-
    /// lines.
    case messageID = 0x49
    /// Removed or replaced; kept in the spool, never sent.
    case old = 0x2A
}

/// A header line with its continuation lines.
package struct Header: Sendable, Hashable {
    /// What it is to Exim.
    package var kind: HeaderKind
    /// The text from the name to the last newline, LF line ends.
    package var text: ByteString

    /// Makes a header line; the kind is told by the name unless given.
    package init(_ text: ByteString, kind: HeaderKind? = nil) {
        self.text = text
        self.kind = kind ?? HeaderKind(name: Header.name(of: text), hasResentLines: false)
    }

    /// The name, without the colon and without blanks before it.
    package var name: ByteString { ByteString(Self.name(of: text)) }

    /// What follows the colon, folded as it came, without the first white space and the last newline.
    package var value: ByteString {
        guard let parts = text.cut(at: UInt8(ascii: ":")) else { return ByteString() }
        return ByteString(parts.after.trimmedStart().trimmedEnd())
    }

    /// The value with line ends taken out (RFC 5322, section 2.2.3): each newline goes, the blank after it
    /// stays.
    package var unfoldedValue: ByteString {
        var value = value
        value.bytes.removeAll { $0 == .newline || $0 == .carriageReturn }
        return value
    }

    /// Whether the name is this one, ASCII case not regarded.
    package func isNamed(_ name: ByteString) -> Bool { Self.name(of: text).equalsIgnoringCase(name) }

    static func name(of text: ByteString) -> ArraySlice<UInt8> {
        text.cut(at: UInt8(ascii: ":"))?.before.trimmedEnd() ?? []
    }
}

extension HeaderKind {
    /// What a header line of this name is.
    ///
    /// `hasResentLines`: with them a plain Message-ID: is no identity. "Only the first" is up to the reader
    /// of the whole block.
    package init(name: ArraySlice<UInt8>, hasResentLines: Bool) {
        let resent = name.startsIgnoringCase(with: ByteString("resent-"))
        let plain = resent ? ByteString(name.dropFirst(7)) : ByteString(name)
        self =
            switch plain.lowercasedASCII() {
            case "from": .from
            case "to": .to
            case "cc": .cc
            case "bcc": .bcc
            case "sender": .sender
            case "reply-to" where !resent: .replyTo
            case "received" where !resent: .received
            case "message-id" where resent == hasResentLines: .messageID
            default: .other
            }
    }
}

extension Sequence<Header> {
    /// The header lines of that name that are not removed, in order.
    package func named(_ name: ByteString) -> [Header] {
        filter { $0.kind != .old && $0.isNamed(name) }
    }
}
