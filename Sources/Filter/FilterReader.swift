import Bytes

/// Parts a filter into words: blanks and lines part them, `#` begins a comment, and quotes keep them together
/// (filter manual, sections 3.1 and 3.2).
struct FilterReader {
    /// The most octets of a word.
    static let longestWord = 1024

    private let text: ByteString
    private var place = 0
    /// The line in which the next word stands.
    private(set) var line = 1

    init(_ text: ByteString) {
        self.text = text
        skip()
    }

    /// Whether nothing is left.
    var isAtEnd: Bool { place >= text.count }
    /// The next octet; nil at the end.
    var next: UInt8? { place < text.count ? text[place] : nil }

    /// Reads a word and what parts it from the next; an empty one at the end.
    ///
    /// In conditions round brackets are words by themselves.
    mutating func word(inCondition: Bool = false) throws(FilterError) -> FilterWord {
        defer { skip() }
        guard let first = next else { return FilterWord("") }
        if first == UInt8(ascii: "\"") { return FilterWord(try quoted(), isQuoted: true) }
        if inCondition, first.isFilterBracket {
            place += 1
            return FilterWord(ByteString([first]))
        }
        let start = place
        while let octet = next, !octet.isASCIISpace, !(inCondition && octet.isFilterBracket) { place += 1 }
        try checkLength(place - start)
        return FilterWord(ByteString(text[start..<place]))
    }

    /// Counts lines once more.
    mutating func countAgain(_ lines: Int) { line += lines }

    /// Counts the lines of a word that was looked at and not taken, as Exim does: it tells of them in errors.
    mutating func note(lookingAt ahead: FilterReader) { line = ahead.line }

    private mutating func skip() {
        while let octet = next {
            if octet == UInt8(ascii: "#") {
                while let rest = next, rest != .newline { place += 1 }
            } else if octet.isASCIISpace {
                if octet == .newline { line += 1 }
                place += 1
            } else {
                return
            }
        }
    }

    private mutating func quoted() throws(FilterError) -> ByteString {
        var result = ByteString()
        let first = line
        place += 1
        while let octet = next, octet != UInt8(ascii: "\"") {
            if octet == .newline { break }
            guard octet == UInt8(ascii: "\\") else {
                result.append(octet)
                place += 1
                continue
            }
            place += 1
            escape(&result)
        }
        guard next == UInt8(ascii: "\"") else {
            throw FilterError("quote missing at end of string in line \(first)")
        }
        place += 1
        try checkLength(result.count)
        return result
    }

    private mutating func escape(_ result: inout ByteString) {
        guard let mark = next else { return }
        place += 1
        switch mark {
        case UInt8(ascii: "n"): result.append(.newline)
        case UInt8(ascii: "r"): result.append(.carriageReturn)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "x"): result.append(number(of: 16, atMost: 2))
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            place -= 1
            result.append(number(of: 8, atMost: 3))
        case .newline:
            line += 1
            while let octet = next, octet == .blank || octet == 0x09 { place += 1 }
        default: result.append(mark)
        }
    }

    private mutating func number(of base: Int, atMost length: Int) -> UInt8 {
        var value = 0
        var count = 0
        while count < length, let octet = next, let digit = Character(UnicodeScalar(octet)).hexDigitValue,
            digit < base
        {
            value = value * base + digit
            place += 1
            count += 1
        }
        return UInt8(truncatingIfNeeded: value)
    }

    private func checkLength(_ length: Int) throws(FilterError) {
        guard length <= Self.longestWord else {
            throw FilterError(
                "word is too long in line \(line) of filter file (max = \(Self.longestWord) chars)")
        }
    }
}

extension UInt8 {
    /// A round bracket.
    fileprivate var isFilterBracket: Bool { self == UInt8(ascii: "(") || self == UInt8(ascii: ")") }
}
