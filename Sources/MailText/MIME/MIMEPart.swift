package import Bytes

/// What the header of a MIME part says, read as Exim reads it (manual, section 45.4).
///
/// Values are as the `$mime_...` variables have them: lower case, without comments and white space; parameters keep
/// their letters. All are empty where the header does not say.
package struct MIMEPart: Sendable, Hashable {
    /// `type/subtype`.
    package var contentType = ByteString()
    /// The encoding, such as `base64`.
    package var transferEncoding = ByteString()
    /// `inline`, `attachment`.
    package var disposition = ByteString()
    /// What Content-ID: says.
    package var contentID = ByteString()
    /// What Content-Description: says.
    package var contentDescription = ByteString()
    /// The separator of a multipart's parts.
    package var boundary = ByteString()
    /// The character set as it was written.
    package var charset = ByteString()
    /// The name of a file as the header proposes it, joined and decoded by RFC 2231; words by RFC 2047 are still encoded.
    package var filename = ByteString()
    /// Whether it belongs to what a reader sees first.
    package var isCoverLetter = true
    /// The place of the part among the parts, from 0.
    package var number = 0
    /// Where the body begins, in octets from the start of the message.
    package var bodyStart = 0
    /// The boundary of the multipart that it is in, which ends it; nil for the outermost.
    package var enclosing: ByteString?

    /// Knows nothing.
    package init() {}

    /// Whether it is a container of parts.
    package var isMultipart: Bool { contentType.starts(with: ByteString("multipart/")) }
    /// Whether it is a message by itself.
    package var isMessage: Bool { contentType == "message/rfc822" }

    /// Whether all parts of this multipart are as good as the first.
    var sharesCoverLetter: Bool {
        contentType == "multipart/alternative" || contentType == "multipart/related"
    }

    /// Takes one header line with its continuation lines; other header lines change nothing.
    mutating func take(field: ArraySlice<UInt8>) {
        guard let parts = field.cut(at: UInt8(ascii: ":")) else { return }
        let items = MIMEFieldText.items(parts.after)
        let value = items.first ?? ""
        switch ByteString(parts.before.trimmed()).lowercasedASCII() {
        case "content-type":
            contentType = value.lowercasedASCII()
            take(parameters: items.dropFirst())
        case "content-disposition":
            disposition = value.lowercasedASCII()
            take(parameters: items.dropFirst())
        case "content-transfer-encoding": transferEncoding = value.lowercasedASCII()
        case "content-id": contentID = value.lowercasedASCII()
        case "content-description": contentDescription = value.lowercasedASCII()
        default: break
        }
    }

    private mutating func take(parameters: ArraySlice<ByteString>) {
        var pieces = FilenamePieces()
        for parameter in parameters {
            guard let parts = parameter.cut(at: UInt8(ascii: "=")) else { continue }
            let value = ByteString(parts.after.filter { $0 != UInt8(ascii: "\"") })
            switch ByteString(parts.before).lowercasedASCII() {
            case "boundary": boundary = value
            case "charset": charset = value
            case "name", "filename": filename = value
            case "filename*": filename = FilenamePieces.decoded(value)
            case let name where name.starts(with: ByteString("filename*")): filename = pieces.take(value)
            default: break
            }
        }
    }
}

/// Cuts the text of a header line into its value and parameters.
enum MIMEFieldText {
    /// The items between semicolons: outside quotation marks white space and comments are left out.
    ///
    /// Quotation marks stay, so that who reads an item can tell what was quoted; one that is not closed lasts to the end.
    static func items(_ text: ArraySlice<UInt8>) -> [ByteString] {
        var items: [ByteString] = []
        var item = ByteString()
        var isQuoted = false
        var isParameter = false
        var hasEquals = false
        var depth = 0
        for octet in text where octet != 0 && octet != .newline && octet != .carriageReturn {
            // In a value that is not quoted, brackets and blanks inside are its own.
            let keeps = isQuoted || (isParameter && hasEquals)
            switch octet {
            case UInt8(ascii: "\"") where depth == 0 && isParameter:
                isQuoted.toggle()
                item.append(octet)
            case UInt8(ascii: "(") where !keeps: depth += 1
            case UInt8(ascii: ")") where !keeps && depth > 0: depth -= 1
            case _ where depth > 0: break
            case UInt8(ascii: ";") where !isQuoted:
                items.append(ByteString(item.trimmed()))
                item = ""
                (isParameter, hasEquals) = (true, false)
            case _ where octet.isASCIISpace && !isQuoted && !(keeps && item.last != UInt8(ascii: "=")): break
            case 0x09 where isQuoted: break
            default:
                if octet == UInt8(ascii: "=") { hasEquals = true }
                item.append(octet)
            }
        }
        // Exim ends each line with a semicolon, which falls into a quoted text that has no end.
        if isQuoted { item.append(UInt8(ascii: ";")) }
        items.append(ByteString(item.trimmed()))
        return items
    }
}

/// The parts `filename*0`, `filename*1*` and so on of a long name (RFC 2231, section 4.1), in the order in which they come.
private struct FilenamePieces {
    private var text = ByteString()
    private var hasCharset = false

    /// Takes a piece, and gives the name as far as it is known.
    mutating func take(_ value: ByteString) -> ByteString {
        var value = value[...]
        if !hasCharset, let parts = value.cut(at: UInt8(ascii: "'")), !parts.before.isEmpty {
            hasCharset = true
            value = parts.after
            if value.first == UInt8(ascii: "'") { value = value.dropFirst() }
        }
        text += value
        return hasCharset ? Self.percentDecoded(text[...]) : text
    }

    /// The value of `filename*`: a character set, a language, and octets with a percent sign.
    static func decoded(_ value: ByteString) -> ByteString {
        var text = value[...]
        if let parts = text.cut(at: UInt8(ascii: "'")) {
            text = parts.after
            if text.first == UInt8(ascii: "'") { text = text.dropFirst() }
        }
        return percentDecoded(text)
    }

    private static func percentDecoded(_ text: ArraySlice<UInt8>) -> ByteString {
        var result = ByteString()
        var rest = text
        while let octet = rest.popFirst() {
            if octet == UInt8(ascii: "%"), let value = HexPair.value(rest) {
                result.append(value)
                rest = rest.dropFirst(2)
            } else {
                result.append(octet)
            }
        }
        return result
    }
}

/// Two hexadecimal digits.
enum HexPair {
    /// The octet that the first two digits tell; nil where there are none.
    static func value(_ text: ArraySlice<UInt8>) -> UInt8? {
        guard text.count >= 2, let high = digit(text[text.startIndex]),
            let low = digit(text[text.startIndex + 1])
        else { return nil }
        return high << 4 | low
    }

    private static func digit(_ octet: UInt8) -> UInt8? {
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): octet - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): octet - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): octet - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
