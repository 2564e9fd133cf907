import Bytes

/// A text whose macros have been replaced.
struct ExpandedMacros: Hashable, Sendable {
    /// The text.
    var text: ByteString

    /// The text as a name: without the last dot, and with as many labels from the right as fit (RFC 7208 section 7.3).
    var name: ByteString {
        var name = text.last == UInt8(ascii: ".") ? text.dropLast() : text[...]
        while name.count > SPFEvaluation.longestName, let cut = name.cut(at: UInt8(ascii: ".")) {
            name = cut.after
        }
        return ByteString(name)
    }
}

extension SPFEvaluation {
    /// Replaces macros, for a record of `domain` (RFC 7208 chapter 7).
    mutating func expand(_ macros: SPFMacros, _ domain: ByteString) async -> ExpandedMacros {
        var result = ByteString()
        for part in macros.parts {
            switch part {
            case .literal(let text): result += text
            case .macro(let macro):
                // What lies farther left is cut off in the end, so a client's long words cost nothing.
                let value = await value(macro.letter, domain).suffix(Self.longestValue)
                result += macro.transformed(ByteString(value))
            }
        }
        return ExpandedMacros(text: result)
    }

    /// The most octets of one value, from its right end: no name has more.
    private static let longestValue = 255

    private mutating func value(_ letter: UInt8, _ domain: ByteString) async -> ByteString {
        switch letter {
        case UInt8(ascii: "s"): "\(question.localPart)@\(question.checkedDomain)"
        case UInt8(ascii: "l"): question.localPart
        case UInt8(ascii: "o"): question.checkedDomain
        case UInt8(ascii: "d"): domain
        case UInt8(ascii: "i"): dottedClient
        case UInt8(ascii: "p"): await clientName(domain)
        case UInt8(ascii: "v"): question.client.isV6 ? "ip6" : "in-addr"
        case UInt8(ascii: "h"): question.helo
        case UInt8(ascii: "c"): question.client.text
        case UInt8(ascii: "r"): question.receiver.isEmpty ? "unknown" : question.receiver
        default: "\(now)"
        }
    }

    /// The address with a dot between octets, or between the hexadecimal digits of IPv6.
    private var dottedClient: ByteString {
        guard question.client.isV6 else { return question.client.text }
        return Hex.encode(question.client.octets).map { ByteString([$0]) }.joined(separator: ".")
    }

    /// The client's name: the domain itself, else one below it, else any; `unknown` where there is none.
    private mutating func clientName(_ domain: ByteString) async -> ByteString {
        let names = await lookUpClient().validated
        return names.first { $0.equalsIgnoringCase(domain) } ?? names.first { Self.isBelow($0, domain) }
            ?? names.first ?? "unknown"
    }
}
