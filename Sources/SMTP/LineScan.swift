import Bytes
import Glibc

// Fast search for single octets; wraps C's memchr, which is many times the speed of a loop.
enum LineScan {
    // The first place of an octet at or after `first`, before `end`.
    static func index(of octet: UInt8, in octets: [UInt8], from first: Int, to end: Int? = nil) -> Int? {
        let end = min(end ?? octets.count, octets.count)
        guard first >= 0, first < end else { return nil }
        return unsafe octets.withUnsafeBufferPointer { buffer in
            unsafe index(of: octet, in: buffer, first..<end)
        }
    }

    static func index(of octet: UInt8, in octets: ArraySlice<UInt8>, from first: Int, to end: Int? = nil)
        -> Int?
    {
        let end = min(end ?? octets.endIndex, octets.endIndex)
        guard first >= octets.startIndex, first < end else { return nil }
        let base = octets.startIndex
        let found = unsafe octets.withUnsafeBufferPointer { buffer in
            unsafe index(of: octet, in: buffer, (first - base)..<(end - base))
        }
        return found.map { $0 + base }
    }

    private static func index(
        of octet: UInt8, in buffer: UnsafeBufferPointer<UInt8>, _ range: Range<Int>
    ) -> Int? {
        guard let base = buffer.baseAddress else { return nil }
        let start = unsafe base + range.lowerBound
        guard let found = unsafe memchr(start, CInt(octet), range.count) else { return nil }
        return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }
}

// Remembers the next newline of a chunk, so that many CRs before it do not make the search quadratic.
struct NewlineSearch {
    private var found: Int?
    private var searchedFrom: Int?

    mutating func next(in chunk: ArraySlice<UInt8>, from place: Int) -> Int? {
        if let searchedFrom, searchedFrom <= place, found.map({ $0 >= place }) ?? true { return found }
        searchedFrom = place
        found = LineScan.index(of: .newline, in: chunk, from: place)
        return found
    }
}
