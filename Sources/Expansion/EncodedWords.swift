import Bytes

/// Encoded words in header lines (RFC 2047).
enum EncodedWords {
    /// The longest encoded word that is recognized when lengths are checked (RFC 2047, section 2).
    static let longestWord = 75
    /// A made word ends before the next character once it has more octets of text than this, as in Exim.
    static let fullWord = 67

    /// The text with encoded words decoded, and converted to the target character set unless that is nil.
    ///
    /// - Parameter keepsStrange: a word that cannot be converted is decoded only; otherwise it is an error.
    static func decode(
        _ text: ByteString, into target: ByteString?, checksLength: Bool = true, keepsStrange: Bool = false
    ) throws(ExpansionError) -> ByteString {
        guard text.contains(ByteString("=?")) else { return text }
        var result = ByteString()
        var place = 0
        var afterWord: Int?
        while let found = text.firstRange(of: ByteString("=?"), from: place) {
            guard let word = word(text, found.lowerBound, checksLength) else {
                result += text[place..<found.upperBound]
                (place, afterWord) = (found.upperBound, nil)
                continue
            }
            let between = text[place..<found.lowerBound]
            let isJoined = afterWord == place && between.allSatisfy(\.isASCIISpace)
            if !isJoined { result += between }
            var octets = ByteString(word.octets.map { $0 == 0 ? UInt8(ascii: "?") : $0 })
            if let target {
                do {
                    octets = try Charset.convert(octets, from: word.charset, to: target)
                } catch {
                    guard keepsStrange else { throw error }
                }
            }
            result += octets
            place = word.end
            afterWord = word.end
        }
        return result + text[place...]
    }

    private struct Word {
        var charset: ByteString
        var octets: ByteString
        var end: Int
    }

    private static func word(_ text: ByteString, _ start: Int, _ checksLength: Bool) -> Word? {
        guard let first = text[(start + 2)...].firstIndex(of: UInt8(ascii: "?")), first + 2 < text.count,
            text[first + 2] == UInt8(ascii: "?"),
            let end = text.firstRange(of: ByteString("?="), from: first + 3)
        else { return nil }
        if checksLength, end.upperBound - start > longestWord { return nil }
        let body = text[(first + 3)..<end.lowerBound]
        let charset = ByteString(text[(start + 2)..<first].prefix { $0 != UInt8(ascii: "*") })
        let octets: ByteString?
        switch text[first + 1].lowercasedASCII {
        case UInt8(ascii: "q"): octets = quotedPrintable(body)
        case UInt8(ascii: "b"): octets = Base64.decode(body)
        default: octets = nil
        }
        return octets.map { Word(charset: charset, octets: $0, end: end.upperBound) }
    }

    private static func quotedPrintable(_ body: ArraySlice<UInt8>) -> ByteString? {
        var result = ByteString()
        var rest = body
        while let octet = rest.popFirst() {
            switch octet {
            case UInt8(ascii: "_"): result.append(.blank)
            case UInt8(ascii: "="):
                guard let high = rest.popFirst()?.hexDigitValue, let low = rest.popFirst()?.hexDigitValue
                else { return nil }
                result.append(UInt8(high << 4 | low))
            case .blank, 0x09: return nil
            default: result.append(octet)
            }
        }
        return result
    }

    private static let special = ByteString("?=()<>@,;:\\\".[]_")

    /// The text as encoded words, or unchanged when nothing in it needs encoding.
    static func encode(_ text: ByteString, charset: ByteString) -> ByteString {
        let needsIt = text.contains { $0 > 126 || $0 < 32 || special.contains($0) }
        guard needsIt else { return text }
        let head: ByteString = "=?\(charset)?Q?"
        var result = head
        let isUTF8 = charset.equalsIgnoringCase(ByteString("UTF-8"))
        var length = 0
        for octet in text {
            let piece = encoded(octet)
            if length > fullWord, !(isUTF8 && octet & 0xC0 == 0x80) {
                result += ByteString("?= ") + head
                length = 0
            }
            result += piece
            length += piece.count
        }
        return result + ByteString("?=")
    }

    private static func encoded(_ octet: UInt8) -> ByteString {
        if octet == .blank { return "_" }
        guard octet > 126 || octet < 33 || special.contains(octet) else { return ByteString([octet]) }
        return "=\(Hex.encode([octet]).uppercasedASCII())"
    }
}
