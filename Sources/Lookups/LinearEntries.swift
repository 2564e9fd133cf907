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

/// The entries of a linearly searched file, in order, and an index for exact keys.
struct LinearEntries: Sendable {
    private(set) var all: [LinearEntry] = []
    private var index: [ByteString: Int] = [:]

    /// The entries of a file; read once for each state of the file.
    static func of(_ file: FileContents) -> LinearEntries {
        file.entries.withLock { known in
            let entries = known ?? LinearEntries(file.bytes)
            known = entries
            return entries
        }
    }

    /// Reads the entries.
    init(_ file: ByteString) {
        var place = 0
        while place < file.count {
            let end = file[place...].firstIndex(of: .newline) ?? file.count
            take(place..<end, of: file)
            place = end + 1
        }
        for (number, entry) in all.enumerated() where index[entry.key.lowercasedASCII()] == nil {
            index[entry.key.lowercasedASCII()] = number
        }
    }

    /// The first entry with that key, case not regarded.
    func first(withKey key: ByteString) -> LinearEntry? {
        index[key.lowercasedASCII()].map { all[$0] }
    }

    private mutating func take(_ line: Range<Int>, of file: ByteString) {
        guard let first = file[line].first, first != UInt8(ascii: "#") else { return }
        if first.isASCIISpace {
            if !all.isEmpty, !file[line].trimmed().isEmpty { all[all.count - 1].continuations.append(line) }
            return
        }
        var place = line.lowerBound
        let key = Self.key(file, &place, line.upperBound)
        let keyEnd = place
        place = Self.afterBlanks(file, place, line.upperBound)
        if place < line.upperBound, file[place] == UInt8(ascii: ":") {
            place = Self.afterBlanks(file, place + 1, line.upperBound)
        }
        all.append(LinearEntry(key: key, firstLine: line, keyEnd: keyEnd, dataStart: place))
    }

    private static func afterBlanks(_ file: ByteString, _ place: Int, _ end: Int) -> Int {
        file[place..<end].firstIndex { !$0.isASCIISpace } ?? end
    }

    /// A key ends at white space or a colon, unless it is quoted; backslashes escape inside quotes.
    private static func key(_ file: ByteString, _ place: inout Int, _ end: Int) -> ByteString {
        guard file[place] == UInt8(ascii: "\"") else {
            let stop = file[place..<end].firstIndex { $0.isASCIISpace || $0 == UInt8(ascii: ":") } ?? end
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
}
