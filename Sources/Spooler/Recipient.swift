public import Bytes

/// When a sender wants to hear about a recipient (RFC 3461, NOTIFY), as Exim numbers it.
public struct DSNFlags: OptionSet, Sendable, Hashable {
    /// The sum of the flags.
    public let rawValue: UInt32
    /// Makes a set of flags; unknown ones are kept.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// The next host does not know DSN.
    public static let lastHop = DSNFlags(rawValue: 1)
    /// NOTIFY=NEVER.
    public static let never = DSNFlags(rawValue: 2)
    /// NOTIFY=SUCCESS.
    public static let success = DSNFlags(rawValue: 4)
    /// NOTIFY=FAILURE.
    public static let failure = DSNFlags(rawValue: 8)
    /// NOTIFY=DELAY.
    public static let delay = DSNFlags(rawValue: 16)
}

/// One line of the recipients list of `-H`.
public struct Recipient: Sendable, Equatable {
    /// The address, as it was given.
    public var address: ByteString { didSet { legacySpelling = nil } }
    /// NOTIFY.
    public var dsn: DSNFlags { didSet { legacySpelling = nil } }
    /// ORCPT, still in xtext and with its `rfc822;`; empty when there was none.
    public var orcpt: ByteString { didSet { legacySpelling = nil } }
    /// Where errors go instead of the sender, without brackets; empty for the sender.
    public var errorsTo: ByteString { didSet { legacySpelling = nil } }
    /// For an address made by a `one_time` redirection: the index of its parent in the list.
    public var parent: Int? { didSet { legacySpelling = nil } }
    /// How the line was spelled in the file, where that is not how it is written today.
    private(set) var legacySpelling: ByteString?

    /// Makes a recipient.
    public init(
        _ address: ByteString, dsn: DSNFlags = [], orcpt: ByteString = "", errorsTo: ByteString = "",
        parent: Int? = nil
    ) {
        self.address = address
        self.dsn = dsn
        self.orcpt = orcpt
        self.errorsTo = errorsTo
        self.parent = parent
    }

    /// Makes the line be written as it is today, whatever it was in the file that it came from.
    ///
    /// Exim 4.86 and later take the last octet off an address written in the form of 4.82, so a file that is
    /// rewritten must not keep that form.
    public mutating func modernize() { legacySpelling = nil }
}

// MARK: - Writing

extension Recipient {
    /// The line without its newline.
    var line: ByteString { legacySpelling ?? modernLine }

    /// The line as Exim since 4.86 writes it.
    ///
    /// Unlike Exim, an ORCPT without NOTIFY is kept: the long form carries it and every reader since 4.86
    /// takes it.
    private var modernLine: ByteString {
        if dsn.isEmpty && orcpt.isEmpty && errorsTo.isEmpty && parent == nil && !Self.isAmbiguous(address) {
            return address
        }
        return """
            \(address) \(orcpt) \(orcpt.count),\(dsn.rawValue) \(errorsTo) \(errorsTo.count),\(parent ?? -1)#3
            """
    }

    /// Whether a reader would take the end of a bare address for one of the longer forms.
    private static func isAmbiguous(_ address: ByteString) -> Bool {
        guard let last = address.last(where: { !$0.isASCIIDigit }) else { return false }
        return last == UInt8(ascii: ",") || last == .blank || last == UInt8(ascii: "#")
    }
}

// MARK: - Reading

extension Recipient {
    /// Takes a line (without its newline) apart, in every form that an Exim ever wrote.
    static func parse(_ line: ArraySlice<UInt8>) throws(SpoolFormatError.Reason) -> Recipient {
        guard !line.isEmpty, !line.contains(0) else { throw .badRecipient }
        var recipient = try parseForm(line)
        guard !recipient.address.isEmpty else { throw .badRecipient }
        if !recipient.modernLine.bytes.elementsEqual(line) { recipient.legacySpelling = ByteString(line) }
        return recipient
    }

    private static func parseForm(_ line: ArraySlice<UInt8>) throws(SpoolFormatError.Reason) -> Recipient {
        guard let mark = line.lastIndex(where: { !$0.isASCIIDigit }) else {
            return Recipient(ByteString(line))
        }
        switch line[mark] {
        case UInt8(ascii: "#"): return try parseFlagged(line[..<mark], flags: line[(mark + 1)...])
        case UInt8(ascii: ","): return try parseExim3(line)
        case .blank: return try parseEarlyExim4(line, blank: mark)
        default: return Recipient(ByteString(line))
        }
    }

    /// `<address> <number>`: the number is the parent.
    private static func parseEarlyExim4(
        _ line: ArraySlice<UInt8>, blank: Int
    ) throws(SpoolFormatError.Reason) -> Recipient {
        guard let parent = line[(blank + 1)...].decimalInteger() else { throw .badRecipient }
        return Recipient(ByteString(line[..<blank]), parent: try parentIndex(parent))
    }

    /// `<address> <number>,<parent>,<number>`, or an address that ends like that without the blank.
    private static func parseExim3(_ line: ArraySlice<UInt8>) throws(SpoolFormatError.Reason) -> Recipient {
        guard let cut = line.lastIndex(where: { !$0.isASCIIDigit && $0 != UInt8(ascii: ",") }),
            line[cut] == .blank
        else { return Recipient(ByteString(line)) }
        let numbers = line[(cut + 1)...].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard numbers.count >= 2, let parent = numbers[1].decimalInteger() else { throw .badRecipient }
        return Recipient(ByteString(line[..<cut]), parent: try parentIndex(parent))
    }

    /// The forms that end with `#flags`: bit 0 announces errors-to and parent, bit 1 ORCPT and NOTIFY.
    private static func parseFlagged(
        _ line: ArraySlice<UInt8>, flags: ArraySlice<UInt8>
    ) throws(SpoolFormatError.Reason) -> Recipient {
        guard let bits = flags.decimalInteger() else { throw .badRecipient }
        var rest = line
        var recipient = Recipient("")
        if bits & 1 != 0 {
            let (errorsTo, number) = try takeField(from: &rest)
            recipient.errorsTo = errorsTo
            recipient.parent = try parentIndex(number)
        }
        if bits & 2 != 0 {
            let (orcpt, number) = try takeField(from: &rest)
            guard let flags = UInt32(exactly: number) else { throw .badRecipient }
            recipient.orcpt = orcpt
            recipient.dsn = DSNFlags(rawValue: flags)
        }
        recipient.address = ByteString(rest)
        return recipient
    }

    /// Takes ` <text> <length>,<number>` off the end of the line.
    private static func takeField(
        from line: inout ArraySlice<UInt8>
    ) throws(SpoolFormatError.Reason) -> (text: ByteString, number: Int64) {
        guard let blank = line.lastIndex(of: .blank),
            let (length, number) = line[(blank + 1)...].cut(at: UInt8(ascii: ",")),
            let length = length.decimalInteger(), let number = number.decimalInteger(),
            length >= 0, length < blank - line.startIndex
        else { throw .badRecipient }
        let start = blank - Int(length)
        guard line[start - 1] == .blank else { throw .badRecipient }
        defer { line = line[..<(start - 1)] }
        return (ByteString(line[start..<blank]), number)
    }

    private static func parentIndex(_ number: Int64) throws(SpoolFormatError.Reason) -> Int? {
        guard number >= -1 else { throw .parentOutOfRange(number) }
        return number == -1 ? nil : Int(number)
    }
}
