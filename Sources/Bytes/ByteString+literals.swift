// A literal is compared where it stands in the program. Without these, each `case "word"` and each `== "word"` would
// make an array of the word first, and configuration words are compared for each message.

/// Whether octets are those of a literal, for `switch`.
@inlinable
public func ~= (literal: StaticString, octets: ByteString) -> Bool { octets.equals(literal) }

extension ByteString {
    /// Whether the octets are those of a literal.
    @inlinable
    public static func == (octets: ByteString, literal: StaticString) -> Bool { octets.equals(literal) }

    /// Whether the octets are not those of a literal.
    @inlinable
    public static func != (octets: ByteString, literal: StaticString) -> Bool { !octets.equals(literal) }

    /// Whether both have the same octets.
    @_disfavoredOverload
    @inlinable
    public static func == (one: ByteString, other: ByteString) -> Bool { one.bytes == other.bytes }

    @usableFromInline
    func equals(_ literal: StaticString) -> Bool {
        guard literal.hasPointerRepresentation else { return bytes == Array("\(literal)".utf8) }
        guard bytes.count == literal.utf8CodeUnitCount else { return false }
        return unsafe bytes.withUnsafeBufferPointer { octets in
            let start = unsafe literal.utf8Start
            for index in octets.indices where unsafe octets[index] != start[index] { return false }
            return true
        }
    }
}
