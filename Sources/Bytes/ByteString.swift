/// A string of octets: header text, addresses, paths, log lines; never repaired, compared octet by octet.
///
/// Mail is not text in a known encoding, so `String` (which repairs bad UTF-8 and compares by canonical
/// equivalence) is for people only: help and diagnostics.
public struct ByteString: Sendable, Hashable {
    /// The octets.
    public var bytes: [UInt8]

    /// Makes an empty string.
    @inlinable public init() { bytes = [] }

    /// Makes a string of the octets given.
    @inlinable public init(_ octets: [UInt8]) { bytes = octets }

    /// Makes a string of the octets given.
    @inlinable public init(_ octets: some Sequence<UInt8>) { bytes = Array(octets) }

    /// Makes a string of the text's UTF-8 octets.
    @inlinable public init(_ text: String) { bytes = Array(text.utf8) }

    /// Makes a string of the text's UTF-8 octets.
    @inlinable public init(_ text: Substring) { bytes = Array(text.utf8) }

    /// The octets as text for people; bad UTF-8 shows as replacement characters.
    public var string: String { String(decoding: bytes, as: UTF8.self) }
}

extension ByteString: RandomAccessCollection, MutableCollection, RangeReplaceableCollection {
    /// A stretch of the octets, sharing their storage.
    public typealias SubSequence = ArraySlice<UInt8>

    /// Zero.
    @inlinable public var startIndex: Int { 0 }
    /// The number of octets.
    @inlinable public var endIndex: Int { bytes.count }
    /// The number of octets.
    @inlinable public var count: Int { bytes.count }

    /// The octet at a place.
    @inlinable public subscript(index: Int) -> UInt8 {
        get { bytes[index] }
        set { bytes[index] = newValue }
    }

    /// A stretch of the octets.
    @inlinable public subscript(range: Range<Int>) -> ArraySlice<UInt8> {
        get { bytes[range] }
        set { bytes[range] = newValue }
    }

    /// Replaces a stretch of the octets.
    @inlinable public mutating func replaceSubrange(
        _ range: Range<Int>, with octets: some Collection<UInt8>
    ) {
        bytes.replaceSubrange(range, with: octets)
    }

    /// Appends one octet.
    @inlinable public mutating func append(_ octet: UInt8) { bytes.append(octet) }

    /// Appends octets.
    @inlinable public mutating func append(contentsOf octets: some Sequence<UInt8>) {
        bytes.append(contentsOf: octets)
    }

    /// Prepares for that many octets.
    @inlinable public mutating func reserveCapacity(_ capacity: Int) { bytes.reserveCapacity(capacity) }

    /// Lends the storage; for the standard library and wrappers of C.
    @inlinable public func withContiguousStorageIfAvailable<Result>(
        _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
    ) rethrows -> Result? {
        try unsafe bytes.withContiguousStorageIfAvailable(body)
    }
}

extension ByteString {
    /// Feeds the octets to a hasher, all at once: keys of dictionaries are mostly these.
    @inlinable public func hash(into hasher: inout Hasher) {
        unsafe bytes.withUnsafeBytes { octets in unsafe hasher.combine(bytes: octets) }
        hasher.combine(bytes.count)
    }
}

extension ByteString: Comparable {
    /// Octet order: what `strcmp` gives, and what Exim's trees are sorted by.
    @inlinable public static func < (one: ByteString, other: ByteString) -> Bool {
        one.bytes.lexicographicallyPrecedes(other.bytes)
    }
}

extension ByteString: ExpressibleByStringLiteral {
    /// Makes the octets of a literal.
    @inlinable public init(stringLiteral text: String) { bytes = Array(text.utf8) }
}

extension ByteString: CustomStringConvertible {
    /// The octets as text for people.
    public var description: String { string }
}

extension ByteString {
    /// The octets of both, in order.
    @inlinable public static func + (one: ByteString, other: some Sequence<UInt8>) -> ByteString {
        var sum = one
        sum.append(contentsOf: other)
        return sum
    }

    /// Appends octets.
    @inlinable public static func += (one: inout ByteString, other: some Sequence<UInt8>) {
        one.append(contentsOf: other)
    }
}

extension String {
    /// Makes text for people from octets; bad UTF-8 shows as replacement characters.
    public init(_ octets: ByteString) { self = octets.string }
}

extension ByteString {
    /// The octets in double quotes, `"` and `\` with a backslash before them.
    public func inDoubleQuotes() -> ByteString {
        var result: ByteString = "\""
        for octet in self {
            if octet == UInt8(ascii: "\"") || octet == UInt8(ascii: "\\") {
                result.append(UInt8(ascii: "\\"))
            }
            result.append(octet)
        }
        result.append(UInt8(ascii: "\""))
        return result
    }
}
