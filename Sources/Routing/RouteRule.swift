import Bytes

/// The data part of a routing rule (manual, sections 20.2 and 20.3): hosts and option words.
struct RouteRule: Sendable, Hashable {
    var hosts: ByteString
    var options: [ByteString]

    /// Cuts `pattern hosts options` at white space; parts may be quoted.
    static func words(_ text: ByteString, atMost limit: Int) -> (words: [ByteString], rest: ByteString) {
        var words: [ByteString] = []
        var rest = text[...].trimmedStart()
        while words.count < limit, !rest.isEmpty {
            words.append(word(&rest))
            rest = rest.trimmedStart()
        }
        return (words, ByteString(rest))
    }

    /// Reads the data part: the hosts, then the options.
    init(data: ByteString) {
        let (words, rest) = Self.words(data, atMost: 1)
        hosts = words.first ?? ByteString()
        options = rest.split(whereSeparator: \.isASCIISpace).map { ByteString($0) }
    }

    private static func word(_ rest: inout ArraySlice<UInt8>) -> ByteString {
        guard let quote = rest.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            let end = rest.firstIndex(where: \.isASCIISpace) ?? rest.endIndex
            defer { rest = rest[end...] }
            return ByteString(rest[..<end])
        }
        rest = rest.dropFirst()
        var word = ByteString()
        while let octet = rest.popFirst(), octet != quote {
            // A backslash protects a quote inside the word.
            if octet == UInt8(ascii: "\\"), quote == UInt8(ascii: "\""), let next = rest.popFirst() {
                word.append(next)
            } else {
                word.append(octet)
            }
        }
        return word
    }
}
