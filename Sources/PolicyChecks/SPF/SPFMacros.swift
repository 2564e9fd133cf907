import Bytes

/// A text with macros in it: the domain of a mechanism, or an explanation (RFC 7208 chapter 7).
struct SPFMacros: Hashable, Sendable {
    /// What a text is for, which decides what may stand in it.
    enum Purpose {
        /// A name that is asked for.
        case domain
        /// The value of a modifier that nobody knows.
        case modifier
        /// A text for people. A percent sign that begins nothing stands for itself there, as in libspf2.
        case explanation
    }

    enum Part: Hashable, Sendable {
        case literal(ByteString)
        case macro(Macro)
    }

    /// `%{...}`.
    struct Macro: Hashable, Sendable {
        /// The letter, small.
        var letter: UInt8
        /// Whether a capital letter asked for the escapes of URLs.
        var isEscaped: Bool
        /// How many parts from the right are kept; nil for all.
        var kept: Int?
        /// Whether the parts are reversed first.
        var isReversed: Bool
        /// What separates parts; empty for dots.
        var delimiters: ByteString
    }

    private(set) var parts: [Part]

    /// Whether the last thing is an escape such as `%_`.
    private var endsInEscape = false

    /// A text that is known to be right.
    init(parts: [Part]) { self.parts = parts }

    init(_ text: some Collection<UInt8>, for purpose: Purpose) throws(SPFTrouble) {
        parts = []
        var rest = Array(text)[...]
        while let octet = rest.popFirst() {
            if octet == UInt8(ascii: "%") {
                try escape(&rest, purpose)
                continue
            }
            guard purpose == .explanation || (0x21...0x7E).contains(octet) else {
                throw .permanent("Invalid character found")
            }
            add(ByteString([octet]))
        }
        guard purpose != .domain || endsAsDomain else {
            throw .permanent("Hostname has a missing or invalid TLD")
        }
    }

    private mutating func add(_ text: ByteString) {
        guard case .literal(var before) = parts.last else { return parts.append(.literal(text)) }
        // Taken out first, so that it grows in its place.
        parts.removeLast()
        before += text
        parts.append(.literal(before))
    }

    /// Takes what follows a percent sign.
    private mutating func escape(
        _ rest: inout ArraySlice<UInt8>, _ purpose: Purpose
    ) throws(SPFTrouble) {
        let mark = rest.popFirst()
        switch mark {
        case UInt8(ascii: "%"): add("%")
        case UInt8(ascii: "_"): add(" ")
        case UInt8(ascii: "-"): add("%20")
        case UInt8(ascii: "{"): parts.append(.macro(try Self.macro(&rest, purpose)))
        default:
            guard purpose == .explanation else { throw .permanent("Invalid %-escape character") }
            add("%" + ByteString(mark.map { [$0] } ?? []))
        }
        endsInEscape = rest.isEmpty
    }

    private static let (lettersEverywhere, lettersInTexts) = (ByteString("slodipvh"), ByteString("crt"))
    private static let delimiters = ByteString(".-+,/_=")

    /// Reads the rest of `%{l3r-}`, behind its brace.
    private static func macro(_ rest: inout ArraySlice<UInt8>, _ purpose: Purpose) throws(SPFTrouble) -> Macro
    {
        guard let end = rest.firstIndex(of: UInt8(ascii: "}")) else { throw .permanent("Syntax error") }
        var inner = rest[..<end]
        rest = rest[(end + 1)...]
        guard let first = inner.popFirst() else { throw .permanent("Invalid macro variable") }
        let letter = first.lowercasedASCII
        let isKnown =
            lettersEverywhere.contains(letter) || (purpose != .domain && lettersInTexts.contains(letter))
        guard isKnown else { throw .permanent("Invalid macro variable") }
        let digits = inner.prefix(while: \.isASCIIDigit)
        inner = inner.dropFirst(digits.count)
        // More parts than any name has labels are all of them.
        let kept = digits.isEmpty ? nil : min(ByteString(digits).decimalInteger() ?? mostParts, mostParts)
        guard kept != 0 else { throw .permanent("Subdomain truncation depth too large") }
        let isReversed = inner.first?.lowercasedASCII == UInt8(ascii: "r")
        if isReversed { inner = inner.dropFirst() }
        guard inner.allSatisfy(delimiters.contains) else { throw .permanent("Invalid delimiter character") }
        return Macro(
            letter: letter, isEscaped: first != letter, kept: kept.map { Int($0) }, isReversed: isReversed,
            delimiters: ByteString(inner))
    }

    private static let mostParts: Int64 = 128

    /// A domain ends in a macro, or in a top label that is no number (RFC 7208 section 7.1, `domain-end`).
    private var endsAsDomain: Bool {
        guard case .literal(let text) = parts.last, !endsInEscape else { return !parts.isEmpty }
        let bare = text.last == UInt8(ascii: ".") ? ByteString(text.dropLast()) : text
        guard let top = bare.cutAtLast(UInt8(ascii: "."))?.after, let first = top.first, let last = top.last
        else { return false }
        return top.allSatisfy { $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "-") }
            && first.isASCIIAlphanumeric && last.isASCIIAlphanumeric && !top.allSatisfy(\.isASCIIDigit)
    }
}

extension SPFMacros.Macro {
    /// A whole value with the escapes of URLs.
    static func escaped(_ letter: Unicode.Scalar) -> Self {
        Self(letter: UInt8(ascii: letter), isEscaped: true, kept: nil, isReversed: false, delimiters: "")
    }

    /// The value cut into parts, turned, shortened and escaped as the macro says.
    func transformed(_ value: ByteString) -> ByteString {
        var result = value
        if kept != nil || isReversed || !delimiters.isEmpty {
            let separators = delimiters.isEmpty ? ByteString(".") : delimiters
            var parts = value.split(omittingEmptySubsequences: false, whereSeparator: separators.contains)
                .map { ByteString($0) }
            if isReversed { parts.reverse() }
            result = parts.suffix(kept ?? parts.count).joined(separator: ".")
        }
        return isEscaped ? Self.escaped(result) : result
    }

    /// What RFC 3986 does not call unreserved as `%xx`, in small letters as libspf2 writes it.
    private static func escaped(_ text: ByteString) -> ByteString {
        var result = ByteString()
        for octet in text {
            if octet.isASCIIAlphanumeric || "-._~".utf8.contains(octet) {
                result.append(octet)
            } else {
                result += "%\(Hex.encode([octet]))" as ByteString
            }
        }
        return result
    }
}
