package import Bytes

/// What is kept of a message that bears signatures until its end, when they are checked.
package struct DKIMEvidence: Sendable {
    /// Why a message's signatures are not looked at.
    package enum Refusal: Sendable, Hashable {
        /// There are too many.
        case tooMany
        /// The body has a line that is too long.
        case longLine
        /// The header has too many lines.
        case tooManyHeaders

        /// Exim's word for it.
        package var word: ByteString {
            switch self {
            case .tooMany: "EXCESS_SIGS"
            case .longLine: "LONG_LINE"
            case .tooManyHeaders: "EXCESS_HEADERS"
            }
        }
    }

    /// The signatures, topmost first; none after a refusal.
    package let signatures: [DKIMSignature]
    /// The header lines, in order, with LF line ends.
    package let headers: [ByteString]
    /// The hashes of the body that signatures want.
    package let bodyHashes: [DKIMBodyRequest: ByteString]
    /// Which of them leave out a part of the body (`l=`).
    package let cutBodies: Set<DKIMBodyRequest>
    /// Why no signature is looked at; nil where they are.
    package let refusal: Refusal?
}

/// Computes what signatures need of a message as it arrives, line by line of the header and octet by octet of the body.
package final class DKIMHashing {
    private let signatures: [DKIMSignature]
    private let headers: [ByteString]
    private let hashes: DKIMBodyHashes
    private var refusal: DKIMEvidence.Refusal?
    private var lineLength = 0

    /// How many signatures are too many.
    package static let tooManySignatures = 20
    /// How many header lines a message may have; no signature of one with more is looked at.
    package static let mostHeaders = 512
    /// How long a line of the body may not be, with its CRLF.
    package static let tooLongLine = 1 << 14

    private static let name: ByteString = "dkim-signature"

    /// Whether a header line is a signature.
    package static func isSignature(_ line: ByteString) -> Bool {
        guard let first = line.first, first | 0x20 == UInt8(ascii: "d"), line.startsIgnoringCase(with: name)
        else { return false }
        return line.dropFirst(name.count).trimmedStart().first == UInt8(ascii: ":")
    }

    /// Begins the body of a message with this header; nil when there is nothing to check.
    package init?(_ lines: [ByteString]) {
        guard lines.contains(where: Self.isSignature) else { return nil }
        // What were left out here would be delivered without having been signed; `header_maxsize` bounds the whole.
        headers = lines
        let found = lines.filter(Self.isSignature)
        if lines.count > Self.mostHeaders {
            refusal = .tooManyHeaders
        } else {
            refusal = found.count >= Self.tooManySignatures ? .tooMany : nil
        }
        signatures = refusal == nil ? found.compactMap { DKIMSignature($0) } : []
        hashes = DKIMBodyHashes(signatures.filter { $0.fault == nil }.map(\.request))
    }

    /// Takes octets of the body, with LF line ends.
    package func take(_ octets: ArraySlice<UInt8>) {
        guard refusal == nil, !signatures.isEmpty else { return }
        measure(octets)
        if refusal == nil { hashes.take(octets) }
    }

    private func measure(_ octets: ArraySlice<UInt8>) {
        var rest = octets
        while let end = rest.firstIndex(of: .newline) {
            note(length: lineLength + end - rest.startIndex)
            lineLength = 0
            rest = rest[(end + 1)...]
        }
        lineLength += rest.count
        note(length: lineLength)
    }

    private func note(length: Int) {
        if length + 2 >= Self.tooLongLine { refusal = .longLine }
    }

    /// Ends the message.
    package func finish() -> DKIMEvidence {
        let bodies = hashes.finish()
        return DKIMEvidence(
            signatures: refusal == nil ? signatures : [], headers: headers, bodyHashes: bodies,
            cutBodies: hashes.cut, refusal: refusal)
    }
}
