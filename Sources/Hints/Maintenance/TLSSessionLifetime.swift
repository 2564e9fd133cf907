package import Bytes

/// How long a stored TLS session may be resumed, from the session itself.
package enum TLSSessionLifetime {
    /// The longest lifetime that a ticket may have: 7 days (RFC 8446, section 4.6.1).
    package static let longest: Int64 = 604_800

    /// The lifetime hint of the ticket, in seconds; nil where the server gave none.
    ///
    /// Reads OpenSSL's form of a session: DER, a sequence with the hint under tag 9. Any other form gives nil.
    package static func seconds(of session: ByteString) -> Int64? {
        var outer = DERReader(session[...])
        guard let sequence = outer.next(), sequence.tag == 0x30 else { return nil }
        var fields = DERReader(sequence.content)
        while let field = fields.next() {
            guard field.tag == hintTag else { continue }
            var inner = DERReader(field.content)
            guard let number = inner.next(), number.tag == 0x02, (1...5).contains(number.content.count),
                number.content.first.map({ $0 < 0x80 }) == true
            else { return nil }
            let hint = number.content.reduce(Int64(0)) { $0 << 8 | Int64($1) }
            return hint > 0 ? min(hint, longest) : nil
        }
        return nil
    }

    private static let hintTag: UInt8 = 0xA9
}

/// Reads elements of DER one after the other: one octet of tag, a definite length of at most 4 octets.
private struct DERReader {
    private var rest: ArraySlice<UInt8>

    init(_ octets: ArraySlice<UInt8>) { rest = octets }

    /// The next element; nil at the end, and where there is none.
    mutating func next() -> (tag: UInt8, content: ArraySlice<UInt8>)? {
        guard let tag = rest.popFirst(), tag & 0x1F != 0x1F, let length = length(), length <= rest.count
        else { return nil }
        defer { rest = rest.dropFirst(length) }
        return (tag, rest.prefix(length))
    }

    private mutating func length() -> Int? {
        guard let first = rest.popFirst() else { return nil }
        if first < 0x80 { return Int(first) }
        let count = Int(first & 0x7F)
        guard (1...4).contains(count), count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
    }
}
