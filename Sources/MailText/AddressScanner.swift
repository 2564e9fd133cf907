import Bytes

// A cursor over the text of one address. Every method moves it forward or throws; none looks outside the
// text.
struct AddressScanner {
    let text: ByteString
    let rules: AddressRules
    private(set) var place: Int
    var isBracketed = false
    let start: Int
    let end: Int

    init(_ text: ByteString, in range: Range<Int>, rules: AddressRules) {
        self.text = text
        self.rules = rules
        place = range.lowerBound
        start = range.lowerBound
        end = range.upperBound
    }

    var next: UInt8? { place < end ? text[place] : nil }
    var isAtEnd: Bool { place >= end || text[place] == UInt8(ascii: ";") }

    mutating func advance() { place += 1 }

    mutating func take(_ octet: UInt8) -> Bool {
        guard next == octet else { return false }
        place += 1
        return true
    }

    func error(_ message: ByteString) -> AddressError {
        AddressError(message, in: ByteString(text[start..<end]))
    }

    /// `malformed address: <rest> may not follow <what was read>`.
    var trailingError: AddressError {
        error("malformed address: \(text[place..<end]) may not follow \(text[start..<place])")
    }

    // White space and nested comments; an unclosed comment reaches to the end.
    mutating func skipComments() {
        var depth = 0
        while let octet = next {
            switch octet {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")") where depth > 0: depth -= 1
            case UInt8(ascii: "\\") where depth > 0: advance()
            default: guard depth > 0 || octet.isASCIISpace else { return }
            }
            advance()
        }
        place = min(place, end)
    }
}

extension AddressScanner {
    // Words (atoms or quoted strings) joined by dots; empty words are accepted, as Exim does. Empty when
    // there is none.
    mutating func readLocalPart() throws(AddressError) -> ByteString {
        var result = ByteString()
        while true {
            result += try readWord()
            skipComments()
            guard take(UInt8(ascii: ".")) else { return result }
            result.append(UInt8(ascii: "."))
            skipComments()
        }
    }

    private mutating func readWord() throws(AddressError) -> ByteString {
        next == UInt8(ascii: "\"") ? try readQuoted() : readAtom()
    }

    private mutating func readQuoted() throws(AddressError) -> ByteString {
        let first = place
        advance()
        while let octet = next {
            advance()
            if octet == UInt8(ascii: "\"") { return ByteString(text[first..<place]) }
            if octet == UInt8(ascii: "\\"), place < end { advance() }
        }
        throw error("unmatched doublequote in local part")
    }

    private mutating func readAtom() -> ByteString {
        let first = place
        while let octet = next, !octet.isAddressSpecial {
            advance()
            if octet == UInt8(ascii: "\\"), place < end { advance() }
        }
        return ByteString(text[first..<place])
    }
}

extension AddressScanner {
    // A domain or a domain literal; comments and blanks around its dots are left out.
    mutating func readDomain() throws(AddressError) -> ByteString {
        skipComments()
        return next == UInt8(ascii: "[") ? try readLiteral() : try readDomainName()
    }

    private mutating func readLiteral() throws(AddressError) -> ByteString {
        let first = place
        advance()
        while let octet = next, octet.isASCIIAlphanumeric || ".:-".utf8.contains(octet) { advance() }
        guard take(UInt8(ascii: "]")) else { throw error("malformed domain literal") }
        // Exim looks at allow_domain_literals only between angle brackets.
        guard rules.allowsDomainLiterals || !isBracketed else { throw error("domain literals not allowed") }
        return ByteString(text[first..<place])
    }

    private mutating func readDomainName() throws(AddressError) -> ByteString {
        var result = ByteString()
        while true {
            let component = readDomainComponent()
            if component.isEmpty {
                guard rules.stripsTrailingDot, !result.isEmpty, mayEndDomain else {
                    throw error("domain missing or malformed")
                }
                result.bytes.removeLast()
                return result
            }
            result += component
            let after = place
            skipComments()
            guard take(UInt8(ascii: ".")) else {
                place = after
                return result
            }
            result.append(UInt8(ascii: "."))
            skipComments()
        }
    }

    private var mayEndDomain: Bool {
        guard let next else { return true }
        return next != UInt8(ascii: ".") && next < 128
    }

    private mutating func readDomainComponent() -> ByteString {
        let first = place
        guard let octet = next, isDomainOctet(octet) else { return ByteString() }
        while let octet = next, isDomainOctet(octet) || octet == UInt8(ascii: "-") {
            guard octet > 127 else {
                advance()
                continue
            }
            guard let length = scalarLength else { break }
            place += length
        }
        return ByteString(text[first..<place])
    }

    /// The octets of the character that begins here; nil where they are no good UTF-8.
    private var scalarLength: Int? {
        var octets = text[place..<end].makeIterator()
        var decoder = UTF8()
        guard case .scalarValue(let scalar) = decoder.decode(&octets) else { return nil }
        return UTF8.width(scalar)
    }

    private func isDomainOctet(_ octet: UInt8) -> Bool {
        octet.isASCIIAlphanumeric || (rules.allowsUTF8Domains && octet > 127)
    }
}

extension UInt8 {
    // What ends an atom: blanks, controls, the dot that parts words, and RFC 5322's specials but the
    // backslash.
    fileprivate var isAddressSpecial: Bool {
        self <= 0x20 || self == 0x7F || "()<>@,;:\"[].".utf8.contains(self)
    }
}
