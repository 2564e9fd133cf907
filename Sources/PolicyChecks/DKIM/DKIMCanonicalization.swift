package import Bytes

/// What of a message may change without the signature's noticing (RFC 6376, section 3.4).
package enum DKIMCanonicalization: Sendable, Hashable, CaseIterable {
    /// Nothing.
    case simple
    /// White space, and the letter case of header names.
    case relaxed

    /// The word in `c=`.
    package var word: ByteString {
        switch self {
        case .simple: "simple"
        case .relaxed: "relaxed"
        }
    }

    /// The canonicalization of a word; nil for another.
    package init?(_ word: some Collection<UInt8>) {
        guard let form = Self.allCases.first(where: { $0.word.elementsEqual(word) }) else { return nil }
        self = form
    }

    /// A header line, whose lines end in LF, in canonical form with CRLF at its end.
    package func header(_ text: ByteString) -> ByteString {
        guard self == .relaxed, let (name, value) = text.cut(at: UInt8(ascii: ":")) else {
            return Self.withCRLF(text)
        }
        var result = ByteString(name.trimmedEnd()).lowercasedASCII()
        result.append(UInt8(ascii: ":"))
        var isBlank = false
        var isFirst = true
        for octet in value where octet != .newline {
            if octet == .blank || octet == 0x09 {
                isBlank = true
                continue
            }
            if isBlank, !isFirst { result.append(.blank) }
            (isBlank, isFirst) = (false, false)
            result.append(octet)
        }
        // A carriage return of a line's end is no part of the line.
        if result.last == .carriageReturn { result.bytes.removeLast() }
        return result + ByteString("\r\n")
    }

    private static func withCRLF(_ text: ByteString) -> ByteString {
        var result = ByteString()
        result.reserveCapacity(text.count + 8)
        for octet in text {
            if octet == .newline { result.append(.carriageReturn) }
            result.append(octet)
        }
        if result.last != .newline { result += ByteString("\r\n") }
        return result
    }
}

/// Brings a body into canonical form as its octets arrive (RFC 6376, sections 3.4.3 and 3.4.4).
///
/// Lines come with LF and leave with CRLF; what is kept between calls does not grow.
package struct DKIMBodyForm: Sendable {
    private let form: DKIMCanonicalization
    private var emptyLines = 0
    private var hasContent = false
    private var isBlank = false
    private var isEmpty = true

    /// How many octets are gathered before they are handed on.
    private static let block = 1 << 14

    /// Begins a body.
    package init(_ form: DKIMCanonicalization) { self.form = form }

    /// Takes octets, and hands on canonical ones, as often as it takes.
    package mutating func take(_ octets: ArraySlice<UInt8>, _ sink: ([UInt8]) -> Void) {
        var output: [UInt8] = []
        output.reserveCapacity(octets.count + octets.count / 16)
        for octet in octets {
            switch octet {
            case .newline: endLine(&output)
            case .blank where form == .relaxed, 0x09 where form == .relaxed: isBlank = true
            default:
                if !hasContent, emptyLines > 0 { writeEmptyLines(&output, sink) }
                if isBlank { output.append(.blank) }
                (hasContent, isBlank) = (true, false)
                output.append(octet)
            }
        }
        if !output.isEmpty { isEmpty = false }
        sink(output)
    }

    /// Ends the body: a last line without an end gets one, and a simple body has one line at least.
    package mutating func finish(_ sink: ([UInt8]) -> Void) {
        var output: [UInt8] = []
        if hasContent { endLine(&output) }
        if isEmpty, output.isEmpty, form == .simple { output = [.carriageReturn, .newline] }
        sink(output)
    }

    private mutating func endLine(_ output: inout [UInt8]) {
        if hasContent {
            output.append(.carriageReturn)
            output.append(.newline)
        } else {
            emptyLines += 1
        }
        (hasContent, isBlank) = (false, false)
    }

    /// Empty lines count only when something follows them.
    private mutating func writeEmptyLines(_ output: inout [UInt8], _ sink: ([UInt8]) -> Void) {
        isEmpty = false
        while emptyLines > 0 {
            output.append(.carriageReturn)
            output.append(.newline)
            emptyLines -= 1
            if output.count >= Self.block {
                sink(output)
                output.removeAll(keepingCapacity: true)
            }
        }
    }
}
