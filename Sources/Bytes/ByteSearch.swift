extension RandomAccessCollection where Element == UInt8, Index == Int, SubSequence == ArraySlice<UInt8> {
    /// Whether the octets end with `suffix`.
    @inlinable public func ends(with suffix: some BidirectionalCollection<UInt8>) -> Bool {
        reversed().starts(with: suffix.reversed())
    }

    /// The first place at or after `start` where `needle` stands; an empty needle is found at once.
    @inlinable public func firstRange<Needle: RandomAccessCollection>(
        of needle: Needle, from start: Int? = nil, ignoringCase: Bool = false
    ) -> Range<Int>? where Needle.SubSequence == ArraySlice<UInt8> {
        let found = ByteSearch.first(needle[...], in: self[(start ?? startIndex)...], ignoringCase)
        return found.map { $0..<($0 + needle.count) }
    }

    /// Whether `needle` stands anywhere inside.
    @inlinable public func contains<Needle: RandomAccessCollection>(
        _ needle: Needle, ignoringCase: Bool = false
    ) -> Bool where Needle.SubSequence == ArraySlice<UInt8> {
        ByteSearch.first(needle[...], in: self[...], ignoringCase) != nil
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
    @inlinable public func replacing<Needle: RandomAccessCollection>(
        _ needle: Needle, with replacement: some Collection<UInt8>
    ) -> ByteString where Needle.SubSequence == ArraySlice<UInt8> {
        ByteSearch.replacing(needle[...], in: self[...], with: ByteString(replacement))
    }
}

/// Searches on plain slices: what is generic above is cut down to them at once, so that callers in other modules run
/// code for octets, not code for any collection.
@usableFromInline
enum ByteSearch {
    @usableFromInline
    static func first(
        _ needle: ArraySlice<UInt8>, in octets: ArraySlice<UInt8>, _ ignoresCase: Bool
    ) -> Int? {
        let (wanted, searched) = (needle.span, octets.span)
        guard !wanted.isEmpty else { return octets.startIndex }
        guard wanted.count <= searched.count else { return nil }
        let first = ignoresCase ? wanted[0].lowercasedASCII : wanted[0]
        for place in 0...(searched.count - wanted.count) {
            let octet = ignoresCase ? searched[place].lowercasedASCII : searched[place]
            if octet == first, stands(wanted, at: place, in: searched, ignoresCase) {
                return octets.startIndex + place
            }
        }
        return nil
    }

    private static func stands(
        _ wanted: Span<UInt8>, at place: Int, in searched: Span<UInt8>, _ ignoresCase: Bool
    ) -> Bool {
        for index in wanted.indices {
            let (one, other) = (searched[place + index], wanted[index])
            guard one == other || ignoresCase && one.lowercasedASCII == other.lowercasedASCII else {
                return false
            }
        }
        return true
    }

    @usableFromInline
    static func replacing(
        _ needle: ArraySlice<UInt8>, in octets: ArraySlice<UInt8>, with replacement: ByteString
    ) -> ByteString {
        var result = ByteString()
        var rest = octets
        while !needle.isEmpty, let found = first(needle, in: rest, false) {
            result.append(contentsOf: rest[..<found])
            result.append(contentsOf: replacement)
            rest = rest[(found + needle.count)...]
        }
        result.append(contentsOf: rest)
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
