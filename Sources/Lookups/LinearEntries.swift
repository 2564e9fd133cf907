import Bytes
import Synchronization

/// One entry of a linearly searched file: a key, and where its data stands.
struct LinearEntry: Sendable {
    var key: ByteString
    /// The first line, from its start to its end without the newline.
    var firstLine: Range<Int>
    /// Where the key ends, behind its quotes if it has some.
    var keyEnd: Int
    /// Where the data begins on the first line.
    var dataStart: Int
    /// The continuation lines, without newlines.
    var continuations: [Range<Int>] = []

    /// The data, each continuation line joined by one blank.
    func data(of file: ByteString) -> ByteString {
        joined(file, from: dataStart)
    }

    /// The whole entry (`ret=full`), its key without quotes.
    func line(of file: ByteString) -> ByteString {
        key + joined(file, from: keyEnd)
    }

    private func joined(_ file: ByteString, from start: Int) -> ByteString {
        var result = ByteString(file[start..<firstLine.upperBound].trimmedEnd())
        for line in continuations {
            result.append(.blank)
            result.append(contentsOf: file[line].trimmed())
        }
        return result
    }
}

/// The entries of a linearly searched file: found one after the other where patterns are tried, by an index where one
/// key is sought again and again.
///
/// A large file is not parted into values: the first search for a key runs through the octets, the second makes an index
/// of eight octets a place, and from then on a search looks at one or two lines however long the file is.
final class LinearEntries: Sendable {
    private struct Known {
        var all: [LinearEntry]?
        var index: LinearIndex?
        var hasSearched = false
    }

    private let file: ByteString
    private let known = Mutex(Known())

    /// Makes the entries of a file's octets; nothing is read yet.
    init(_ file: ByteString) { self.file = file }

    /// All of them in order; they are kept.
    var all: [LinearEntry] {
        known.withLock { known in
            if let all = known.all { return all }
            var (all, place) = ([LinearEntry](), 0)
            let octets = file.bytes
            while let start = LinearLine.nextEntry(in: octets.span, from: place) {
                let (entry, end) = entry(at: start)
                all.append(entry)
                place = end
            }
            known.all = all
            return all
        }
    }

    /// The first entry with that key, case not regarded.
    func first(withKey key: ByteString) -> LinearEntry? {
        let sought = SoughtKey(key)
        let place = known.withLock { known in
            if known.hasSearched {
                let index = known.index ?? LinearIndex(file)
                known.index = index
                return index.place(of: sought, in: file)
            }
            known.hasSearched = true
            return sought.place(in: file)
        }
        return place.map { entry(at: $0).entry }
    }

    /// The entry whose first line begins at a place, and where the next entry can begin.
    private func entry(at start: Int) -> (entry: LinearEntry, end: Int) {
        let octets = file.bytes
        let line = start..<LinearLine.end(of: start, in: octets.span)
        var place = line.lowerBound
        let key = LinearLine.key(file, &place, line.upperBound)
        let keyEnd = place
        place = afterBlanks(place, line.upperBound)
        if place < line.upperBound, file[place] == UInt8(ascii: ":") {
            place = afterBlanks(place + 1, line.upperBound)
        }
        var entry = LinearEntry(key: key, firstLine: line, keyEnd: keyEnd, dataStart: place)
        place = line.upperBound + 1
        while place < file.count, !LinearLine.beginsEntry(file[place]) {
            let end = LinearLine.end(of: place, in: octets.span)
            let isContinuation = file[place] != UInt8(ascii: "#") && !file[place..<end].trimmed().isEmpty
            if isContinuation { entry.continuations.append(place..<end) }
            place = end + 1
        }
        return (entry, place)
    }

    private func afterBlanks(_ place: Int, _ end: Int) -> Int {
        file[place..<end].firstIndex { !$0.isASCIISpace } ?? end
    }
}

/// How lines are told apart, and keys from what follows them.
enum LinearLine {
    /// Whether a line that begins so begins an entry; others are empty, comments or continuations.
    static func beginsEntry(_ octet: UInt8) -> Bool { octet != UInt8(ascii: "#") && !octet.isASCIISpace }

    /// The end of the line that a place is in: its newline, or the end of the file.
    static func end(of place: Int, in file: Span<UInt8>) -> Int {
        var end = place
        while end < file.count, file[end] != .newline { end += 1 }
        return end
    }

    /// Where the next entry begins at or after the start of a line.
    static func nextEntry(in file: Span<UInt8>, from start: Int) -> Int? {
        var place = start
        while place < file.count {
            if beginsEntry(file[place]) { return place }
            place = end(of: place, in: file) + 1
        }
        return nil
    }

    /// A key ends at white space or a colon, unless it is quoted; backslashes escape inside quotes.
    static func key(_ file: ByteString, _ place: inout Int, _ end: Int) -> ByteString {
        guard file[place] == UInt8(ascii: "\"") else {
            let stop = file[place..<end].firstIndex { endsKey($0) } ?? end
            defer { place = stop }
            return ByteString(file[place..<stop])
        }
        var key = ByteString()
        place += 1
        while place < end, file[place] != UInt8(ascii: "\"") {
            if file[place] == UInt8(ascii: "\\"), place + 1 < end {
                key.append(EscapeSequence.read(file, &place, end))
            } else {
                key.append(file[place])
                place += 1
            }
        }
        place = min(place + 1, end)
        return key
    }

    /// Whether an octet ends a key that is not quoted.
    static func endsKey(_ octet: UInt8) -> Bool { octet.isASCIISpace || octet == UInt8(ascii: ":") }
}

/// A key that is sought, ready to be compared with the octets of lines.
struct SoughtKey {
    /// In small letters.
    let key: ByteString
    /// Whether it can stand without quotes.
    private let standsBare: Bool

    init(_ key: ByteString) {
        self.key = key.lowercasedASCII()
        standsBare = !key.contains(where: LinearLine.endsKey) && key.first != UInt8(ascii: "\"")
    }

    /// Where the first entry with this key begins, line by line from the file's start.
    func place(in file: ByteString) -> Int? {
        let (octets, wanted) = (file.bytes.span, key.bytes.span)
        var place = 0
        while let start = LinearLine.nextEntry(in: octets, from: place) {
            if stands(at: start, in: file, octets, wanted) { return start }
            place = LinearLine.end(of: start, in: octets) + 1
        }
        return nil
    }

    /// Whether the entry that begins at a place has this key.
    func stands(at start: Int, in file: ByteString) -> Bool {
        stands(at: start, in: file, file.bytes.span, key.bytes.span)
    }

    private func stands(
        at start: Int, in file: ByteString, _ octets: Span<UInt8>, _ wanted: Span<UInt8>
    ) -> Bool {
        if octets[start] == UInt8(ascii: "\"") {
            var place = start
            let found = LinearLine.key(file, &place, LinearLine.end(of: start, in: octets))
            return found.lowercasedASCII() == key
        }
        let end = start + wanted.count
        guard standsBare, end <= octets.count, end == octets.count || LinearLine.endsKey(octets[end]) else {
            return false
        }
        for index in wanted.indices where octets[start + index].lowercasedASCII != wanted[index] {
            return false
        }
        return true
    }
}

/// Where the entries of a file begin, by the hash of their keys.
struct LinearIndex: Sendable {
    /// A place that is taken has the upper half of the hash, and one more than where the entry begins.
    private var places: [UInt64]
    private static let upperHalf: UInt64 = 0xFFFF_FFFF_0000_0000

    /// Makes the index; where a key stands twice, the first entry is the one.
    init(_ file: ByteString) {
        let octets = file.bytes.span
        var (count, place) = (0, 0)
        while let start = LinearLine.nextEntry(in: octets, from: place) {
            count += 1
            place = LinearLine.end(of: start, in: octets) + 1
        }
        var size = 16
        while size < count * 2 { size *= 2 }
        places = Array(repeating: 0, count: size)
        place = 0
        while let start = LinearLine.nextEntry(in: octets, from: place) {
            place = LinearLine.end(of: start, in: octets) + 1
            insert(start, place - 1, file, octets)
        }
    }

    /// Where the first entry with that key begins.
    func place(of key: SoughtKey, in file: ByteString) -> Int? {
        let hash = Self.hash(key.key.bytes.span, 0..<key.key.count)
        var slot = Int(truncatingIfNeeded: hash) & (places.count - 1)
        while places[slot] != 0 {
            let start = Int(places[slot] & ~Self.upperHalf) - 1
            if (places[slot] ^ hash) & Self.upperHalf == 0, key.stands(at: start, in: file) { return start }
            slot = (slot + 1) & (places.count - 1)
        }
        return nil
    }

    private mutating func insert(_ start: Int, _ end: Int, _ file: ByteString, _ octets: Span<UInt8>) {
        let hash: UInt64
        if octets[start] == UInt8(ascii: "\"") {
            var place = start
            let key = LinearLine.key(file, &place, end)
            hash = Self.hash(key.bytes.span, 0..<key.count)
        } else {
            var stop = start
            while stop < end, !LinearLine.endsKey(octets[stop]) { stop += 1 }
            hash = Self.hash(octets, start..<stop)
        }
        var slot = Int(truncatingIfNeeded: hash) & (places.count - 1)
        while places[slot] != 0 {
            let earlier = Int(places[slot] & ~Self.upperHalf) - 1
            if (places[slot] ^ hash) & Self.upperHalf == 0 {
                var (one, other) = (earlier, start)
                let key = LinearLine.key(file, &other, end)
                // The first entry with a key is the one.
                if LinearLine.key(file, &one, LinearLine.end(of: one, in: octets)).equalsIgnoringCase(key) {
                    return
                }
            }
            slot = (slot + 1) & (places.count - 1)
        }
        places[slot] = (hash & Self.upperHalf) | UInt64(start + 1)
    }

    /// FNV-1a over the octets in small letters, and its halves mixed, since its low bits alone choose the place.
    private static func hash(_ octets: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in range { hash = (hash ^ UInt64(octets[index].lowercasedASCII)) &* 0x100_0000_01B3 }
        return hash ^ (hash >> 29)
    }
}
