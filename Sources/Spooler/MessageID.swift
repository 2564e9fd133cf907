public import Bytes

/// The name of a message in the spool, of either generation.
///
/// Exim up to 4.96 writes 16 octets (`tttttt-pppppp-ss`), later ones 23 (`tttttt-ppppppppppp-ssss`): time,
/// process and part of the second, in base 62. Both kinds may lie in one directory. Kept in three words, so
/// that a million ids are sorted without a million allocations.
public struct MessageID: Hashable, Sendable {
    /// The two generations of ids.
    public enum Format: Sendable, Hashable, CaseIterable {
        /// 6-6-2, 16 octets: Exim up to 4.96.
        case short
        /// 6-11-4, 23 octets: Exim from 4.97.
        case long

        /// How many octets an id has.
        public var length: Int { self == .short ? 16 : 23 }

        /// Where the second hyphen stands.
        var secondHyphen: Int { self == .short ? 13 : 18 }
    }

    /// Octets 0-7, 8-15 and 16-23, the first in the highest place; zero where the id has ended.
    private let words: (UInt64, UInt64, UInt64)

    /// Reads an id; nil unless it is exactly 16 or 23 octets of the right alphabet with hyphens in the
    /// right places.
    public init?(_ text: some Collection<UInt8>) {
        let format: Format
        switch text.count {
        case Format.short.length: format = .short
        case Format.long.length: format = .long
        default: return nil
        }
        var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
        var place = 0
        for octet in text {
            let isHyphen = place == 6 || place == format.secondHyphen
            guard isHyphen ? octet == UInt8(ascii: "-") : octet.isASCIIAlphanumeric else { return nil }
            let shifted = UInt64(octet) << UInt64(56 - 8 * (place & 7))
            switch place >> 3 {
            case 0: words.0 |= shifted
            case 1: words.1 |= shifted
            default: words.2 |= shifted
            }
            place += 1
        }
        self.words = words
    }

    /// The same of a span.
    init?(_ text: Span<UInt8>) {
        let format: Format
        switch text.count {
        case Format.short.length: format = .short
        case Format.long.length: format = .long
        default: return nil
        }
        var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
        for place in text.indices {
            let octet = text[place]
            let isHyphen = place == 6 || place == format.secondHyphen
            guard isHyphen ? octet == UInt8(ascii: "-") : octet.isASCIIAlphanumeric else { return nil }
            let shifted = UInt64(octet) << UInt64(56 - 8 * (place & 7))
            switch place >> 3 {
            case 0: words.0 |= shifted
            case 1: words.1 |= shifted
            default: words.2 |= shifted
            }
        }
        self.words = words
    }

    /// Makes an id of its three numbers, each cut to the low-order digits that its field holds.
    init(format: Format, seconds: UInt64, process: UInt64, fraction: UInt64) {
        var text = Base62.encode(seconds, width: 6)
        text.append(UInt8(ascii: "-"))
        text += Base62.encode(process, width: format.secondHyphen - 7)
        text.append(UInt8(ascii: "-"))
        text += Base62.encode(fraction, width: format.length - format.secondHyphen - 1)
        guard let id = MessageID(text) else { preconditionFailure("base 62 digits and hyphens make an id") }
        self = id
    }

    /// Whether both are the same octets.
    public static func == (one: MessageID, other: MessageID) -> Bool { one.words == other.words }

    /// Feeds the octets to a hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
    }

    /// Which generation the id is of.
    public var format: Format { words.2 == 0 ? .short : .long }

    /// The octet at a place, or zero behind the end.
    func octet(_ place: Int) -> UInt8 {
        let word = place < 8 ? words.0 : place < 16 ? words.1 : words.2
        return UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * (place & 7)))
    }

    /// The id as it stands in file names and logs.
    public var bytes: ByteString { ByteString((0..<format.length).map(octet)) }

    /// Appends the octets of the id.
    public func append(to text: inout ByteString) {
        for place in 0..<format.length { text.append(octet(place)) }
    }

    /// Where the body begins in `-D`: behind the line that holds the file's own name, at 19 or 26.
    public var dataStartOffset: Int { format.length + 3 }

    /// How many octets of `-D` are locked: exactly its first line.
    public var lockLength: Int { dataStartOffset }

    /// The directory that holds the message in a split spool: the sixth octet, of both kinds.
    public var subdirectory: UInt8 { octet(5) }

    /// The time field, in seconds since 1970.
    public var seconds: Int64 {
        Int64(truncatingIfNeeded: Base62.decode((0..<6).map(octet)) ?? 0)
    }
}

extension MessageID: Comparable, CustomStringConvertible {
    /// Octet order.
    public static func < (one: MessageID, other: MessageID) -> Bool { one.words < other.words }

    /// The order of `exim -bp`: by time, then by the part of the second; the process takes no part.
    ///
    /// Where Exim leaves the order open, octet order decides. (Manual, "The -bp option"; both generations
    /// in one second compare by digits of different meaning, as they do in Exim.)
    public static func precedesInQueue(_ one: MessageID, _ other: MessageID) -> Bool {
        let mine = one.queueKey
        let theirs = other.queueKey
        return mine != theirs ? mine < theirs : one < other
    }

    /// The six octets of the time, then the octets behind the second hyphen.
    private var queueKey: (UInt64, UInt64) {
        // An old id is followed by "-H" in Exim's comparison; `-` sorts before every digit, as the zero
        // here does.
        (words.0 >> 16, format == .short ? (words.1 & 0xFFFF) << 16 : words.2 >> 8 & 0xFFFF_FFFF)
    }

    /// The id as text.
    public var description: String { bytes.string }
}
