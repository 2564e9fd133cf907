extension RandomAccessCollection where Element == UInt8, Index == Int, SubSequence == ArraySlice<UInt8> {
    /// Whether the octets end with `suffix`.
    @inlinable public func ends(with suffix: some BidirectionalCollection<UInt8>) -> Bool {
        reversed().starts(with: suffix.reversed())
    }

    /// The first place at or after `start` where `needle` stands; an empty needle is found at once.
    public func firstRange(
        of needle: some RandomAccessCollection<UInt8>, from start: Int? = nil, ignoringCase: Bool = false
    ) -> Range<Int>? {
        let first = start ?? startIndex
        guard needle.count <= endIndex - first else { return nil }
        for candidate in first...(endIndex - needle.count) {
            let window = self[candidate..<(candidate + needle.count)]
            let same = ignoringCase ? window.equalsIgnoringCase(needle) : window.elementsEqual(needle)
            if same { return candidate..<(candidate + needle.count) }
        }
        return nil
    }

    /// Whether `needle` stands anywhere inside.
    public func contains(_ needle: some RandomAccessCollection<UInt8>, ignoringCase: Bool = false) -> Bool {
        firstRange(of: needle, ignoringCase: ignoringCase) != nil
    }

    /// The octets without white space at both ends.
    @inlinable public func trimmed() -> ArraySlice<UInt8> {
        trimmedStart().trimmedEnd()
    }

    /// The octets without white space at the start.
    @inlinable public func trimmedStart() -> ArraySlice<UInt8> {
        self[(firstIndex { !$0.isASCIISpace } ?? endIndex)..<endIndex]
    }

    /// The octets without white space at the end.
    @inlinable public func trimmedEnd() -> ArraySlice<UInt8> {
        self[startIndex..<((lastIndex { !$0.isASCIISpace }).map { $0 + 1 } ?? startIndex)]
    }

    /// The octets before and after the first `separator`, or nil when there is none.
    @inlinable public func cut(at separator: UInt8) -> (before: ArraySlice<UInt8>, after: ArraySlice<UInt8>)?
    {
        guard let place = firstIndex(of: separator) else { return nil }
        return (self[startIndex..<place], self[(place + 1)..<endIndex])
    }

    /// The octets before and after the last `separator`, or nil when there is none.
    @inlinable public func cutAtLast(
        _ separator: UInt8
    ) -> (before: ArraySlice<UInt8>, after: ArraySlice<UInt8>)? {
        guard let place = lastIndex(of: separator) else { return nil }
        return (self[startIndex..<place], self[(place + 1)..<endIndex])
    }

    /// The octets with each `needle` replaced.
    public func replacing(
        _ needle: some RandomAccessCollection<UInt8>, with replacement: some Collection<UInt8>
    ) -> ByteString {
        var result = ByteString()
        var place = startIndex
        while !needle.isEmpty, let found = firstRange(of: needle, from: place) {
            result.append(contentsOf: self[place..<found.lowerBound])
            result.append(contentsOf: replacement)
            place = found.upperBound
        }
        result.append(contentsOf: self[place..<endIndex])
        return result
    }
}

extension Sequence<ByteString> {
    /// The strings one after the other with `separator` between them.
    public func joined(separator: ByteString) -> ByteString {
        var result = ByteString()
        for (index, element) in enumerated() {
            if index > 0 { result.append(contentsOf: separator) }
            result.append(contentsOf: element)
        }
        return result
    }
}
