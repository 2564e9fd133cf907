extension ByteString: ExpressibleByStringInterpolation {
    /// Builds the octets of an interpolated literal without going through `String` for byte strings.
    public struct StringInterpolation: StringInterpolationProtocol, Sendable {
        @usableFromInline var octets: [UInt8] = []

        /// Prepares for a literal.
        @inlinable public init(literalCapacity: Int, interpolationCount: Int) {
            octets.reserveCapacity(literalCapacity + interpolationCount * 16)
        }

        /// Appends a literal part's UTF-8 octets.
        @inlinable public mutating func appendLiteral(_ literal: String) {
            octets.append(contentsOf: literal.utf8)
        }

        /// Appends octets as they are.
        @inlinable public mutating func appendInterpolation(_ value: ByteString) {
            octets.append(contentsOf: value.bytes)
        }

        /// Appends octets as they are.
        @inlinable public mutating func appendInterpolation(_ value: ArraySlice<UInt8>) {
            octets.append(contentsOf: value)
        }

        /// Appends the text's UTF-8 octets.
        @inlinable public mutating func appendInterpolation(_ value: String) {
            octets.append(contentsOf: value.utf8)
        }

        /// Appends the number in decimal.
        @inlinable public mutating func appendInterpolation(_ value: some BinaryInteger) {
            guard let small = Int(exactly: value) else {
                return octets.append(contentsOf: String(value).utf8)
            }
            append(decimal: small)
        }

        /// Without a `String` in between, since every log line and header file is full of numbers.
        @usableFromInline mutating func append(decimal value: Int) {
            if value < 0 { octets.append(UInt8(ascii: "-")) }
            var (rest, more, width) = (value.magnitude, value.magnitude, 1)
            while more >= 10 {
                more /= 10
                width += 1
            }
            octets.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: width))
            var place = octets.count
            while rest > 0 {
                place -= 1
                octets[place] += UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
        }

        /// Appends the number in decimal, with zeros before it up to `width` digits.
        @inlinable public mutating func appendInterpolation(
            _ value: some BinaryInteger, zeroPadded width: Int
        ) {
            append(value, paddedWith: UInt8(ascii: "0"), to: width)
        }

        @inlinable mutating func append(_ value: some BinaryInteger, paddedWith octet: UInt8, to width: Int) {
            let start = octets.count
            appendInterpolation(value)
            pad(from: start, with: octet, to: width)
        }

        @usableFromInline mutating func pad(from start: Int, with octet: UInt8, to width: Int) {
            let missing = width - (octets.count - start)
            guard missing > 0 else { return }
            octets.insert(contentsOf: repeatElement(octet, count: missing), at: start)
        }

        /// Appends the number in decimal, with blanks before it up to `width` octets.
        @inlinable public mutating func appendInterpolation(_ value: some BinaryInteger, width: Int) {
            append(value, paddedWith: .blank, to: width)
        }
    }

    /// Makes the octets that the interpolation collected.
    @inlinable public init(stringInterpolation: StringInterpolation) {
        bytes = stringInterpolation.octets
    }
}
