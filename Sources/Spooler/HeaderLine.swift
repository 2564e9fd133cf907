public import Bytes

/// One header line of a message, as `-H` holds it.
public struct HeaderLine: Sendable, Equatable {
    /// Exim's type octet: `F`, `T`, `C`, `B`, `R`, `S`, `P`, `I`, `*` (deleted), a blank for all others.
    public var type: UInt8 { didSet { legacyPrefix = nil } }
    /// The line with its name, its continuation lines and the final newline.
    public var text: ByteString { didSet { legacyPrefix = nil } }
    /// Length, type and blanks as the file spelled them, where Exim would spell them otherwise.
    private(set) var legacyPrefix: ByteString?

    /// Makes a line; a newline is added at the end when there is none.
    public init(_ text: ByteString, type: UInt8 = .blank) {
        self.type = type
        self.text = text
        if text.last != .newline { self.text.append(.newline) }
    }

    /// Makes a line from the file.
    init(text: ByteString, type: UInt8, legacyPrefix: ByteString?) {
        self.type = type
        self.text = text
        self.legacyPrefix = legacyPrefix
    }

    /// The type of a deleted line: kept in the file, never sent, not counted.
    public static let deletedType = UInt8(ascii: "*")

    /// Whether the line was removed or replaced; setting it to false makes the type what the name says.
    public var isDeleted: Bool {
        get { type == Self.deletedType }
        set {
            guard newValue != isDeleted else { return }
            type = newValue ? Self.deletedType : Self.standardType(ofName: name ?? "")
        }
    }

    /// What stands before the colon, without blanks behind it; nil when there is no colon.
    public var name: ByteString? {
        text.cut(at: UInt8(ascii: ":")).map { ByteString($0.before.trimmedEnd()) }
    }

    /// What is written before the text.
    var prefix: ByteString {
        if let legacyPrefix { return legacyPrefix }
        var prefix: ByteString = "\(text.count, zeroPadded: 3)"
        prefix.append(type)
        prefix.append(.blank)
        return prefix
    }

    /// The type that Exim gives to a header of that name at reception.
    ///
    /// `Message-ID` gives `I` here; that only the first one keeps it (the first `Resent-Message-ID` when any
    /// `Resent-` line exists) is the receiver's to see to.
    public static func standardType(ofName name: some Collection<UInt8>) -> UInt8 {
        let plain =
            name.startsIgnoringCase(with: ByteString("resent-"))
            ? ByteString(name.dropFirst(7)) : ByteString(name)
        let isResent = plain.count != name.count
        switch plain.lowercasedASCII() {
        case "from": return UInt8(ascii: "F")
        case "to": return UInt8(ascii: "T")
        case "cc": return UInt8(ascii: "C")
        case "bcc": return UInt8(ascii: "B")
        case "sender": return UInt8(ascii: "S")
        case "message-id": return UInt8(ascii: "I")
        case "reply-to": return isResent ? .blank : UInt8(ascii: "R")
        case "received": return isResent ? .blank : UInt8(ascii: "P")
        default: return .blank
        }
    }
}
