package import Bytes

/// Undoes a part's transfer encoding line by line (RFC 2045, chapter 6); what is wrong is passed over and told.
package struct TransferDecoding: Sendable {
    /// What was found wrong: `$mime_anomaly_level` and `$mime_anomaly_text`.
    package enum Anomaly: Int, Sendable, Hashable {
        /// An equals sign that begins nothing.
        case quotedPrintable = 1
        /// An octet that is no digit of base64.
        case base64 = 2

        /// Exim's words.
        package var text: ByteString {
            switch self {
            case .quotedPrintable: "Broken Quoted-Printable encoding detected"
            case .base64: "Broken BASE64 encoding detected"
            }
        }
    }

    private enum Kind { case identity, base64, quotedPrintable }

    private let kind: Kind
    /// The last thing that was found wrong.
    package private(set) var anomaly: Anomaly?
    /// The octet of base64 that is not whole yet, and how many digits of its group have come.
    private var pending: UInt8 = 0
    private var digits = 0

    /// For an encoding by its name in lower case; what is not known is left as it is.
    package init(_ encoding: ByteString) {
        switch encoding {
        case "base64": kind = .base64
        case "quoted-printable": kind = .quotedPrintable
        default: kind = .identity
        }
    }

    /// Decodes a line with its newline, or a piece of a long one.
    package mutating func take(_ line: ArraySlice<UInt8>, into output: inout [UInt8]) {
        switch kind {
        case .identity: output += line
        case .base64: takeBase64(line, &output)
        case .quotedPrintable: takeQuotedPrintable(line, &output)
        }
    }

    /// Gives what is left of a group that is not whole.
    package mutating func finish(into output: inout [UInt8]) {
        if digits != 0 { output.append(pending) }
        digits = 0
    }

    private mutating func takeBase64(_ line: ArraySlice<UInt8>, _ output: inout [UInt8]) {
        for octet in line {
            if octet == UInt8(ascii: "=") {
                digits = (digits + 1) % 4
                continue
            }
            guard let value = Self.value(of: octet) else {
                if !octet.isASCIISpace { anomaly = .base64 }
                continue
            }
            switch digits {
            case 0: pending = value << 2
            case 1: push(value >> 4, keeping: value << 4, &output)
            case 2: push(value >> 2, keeping: value << 6, &output)
            default: push(value, keeping: 0, &output)
            }
            digits = (digits + 1) % 4
        }
    }

    private mutating func push(_ bits: UInt8, keeping rest: UInt8, _ output: inout [UInt8]) {
        output.append(pending | bits)
        pending = rest
    }

    private static func value(of octet: UInt8) -> UInt8? {
        switch octet {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): octet - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): octet - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): octet - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }

    private mutating func takeQuotedPrintable(_ line: ArraySlice<UInt8>, _ output: inout [UInt8]) {
        var rest = line
        while let octet = rest.popFirst() {
            guard octet == UInt8(ascii: "=") else {
                output.append(octet)
                continue
            }
            if let value = HexPair.value(rest) {
                output.append(value)
                rest = rest.dropFirst(2)
            } else if rest.trimmedStart().isEmpty {
                // A soft end of a line, perhaps with white space before it.
                return
            } else {
                anomaly = .quotedPrintable
                output.append(octet)
            }
        }
    }
}
