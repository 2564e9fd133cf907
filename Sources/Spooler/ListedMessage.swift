internal import Bytes

/// What a listing shows of a message, read with the fewest calls and without copies.
///
/// Only for messages whose `-H` is as today's Exim writes it, with nobody served yet and no journal; all others are read
/// by `Spool.read`, which takes and explains everything. Both give the same: a test compares them.
public struct ListedMessage: Sendable {
    /// The message.
    public private(set) var id: MessageID
    /// When the reception began, in seconds since 1970.
    public private(set) var receivedTime: Int64 = 0
    /// Whether the message is frozen.
    public private(set) var isFrozen = false
    /// Whether the sender was set by an untrusted user.
    public private(set) var senderSetUntrusted = false
    /// The size of headers, blank line and body; nil when there is no `-D`.
    public private(set) var size: Int?
    /// The octets of `-H`, at the beginning of a longer block.
    private let octets: [UInt8]
    private var loginPlace = 0..<0
    private var senderPlace = 0..<0
    private var recipientPlaces: Range<Int> = 0..<0
    private var announcedHeaders = 0

    /// The login name of the process that received the message.
    public var login: ArraySlice<UInt8> { octets[loginPlace] }
    /// The envelope sender, without brackets.
    public var sender: ArraySlice<UInt8> { octets[senderPlace] }

    /// Calls `use` with each recipient's address until it gives false.
    public func forEachRecipient(_ use: (ArraySlice<UInt8>) -> Bool) {
        var place = recipientPlaces.lowerBound
        while place < recipientPlaces.upperBound {
            let end = octets.newline(from: place, to: recipientPlaces.upperBound)
            guard use(octets[place..<end]) else { return }
            place = end + 1
        }
    }

    /// Looks through a header file; nil for what is to be read with more care.
    init?(_ octets: [UInt8], count: Int, named id: MessageID) {
        self.id = id
        self.octets = octets
        var scan = EnvelopeScan(octets: octets, end: count)
        guard scan.skipFirstLine(of: id), let login = scan.ownerLine(), let sender = scan.senderLine(),
            let received = scan.timeLine(), scan.skipVariables()
        else { return nil }
        (loginPlace, senderPlace, receivedTime) = (login, sender, received)
        (isFrozen, senderSetUntrusted) = (scan.isFrozen, scan.senderSetUntrusted)
        guard scan.skipEmptyTree(), let recipients = scan.recipientLines(), let headers = scan.headerLines()
        else { return nil }
        (recipientPlaces, announcedHeaders) = (recipients, headers)
    }

    /// Takes the size of `-D` in.
    mutating func add(bodySize: Int?) { size = bodySize.map { $0 + announcedHeaders + 1 } }
}

extension [UInt8] {
    /// The place of the next newline, or `end`.
    func newline(from start: Int, to end: Int) -> Int {
        var place = start
        while place < end, self[place] != .newline { place += 1 }
        return place
    }
}

/// Goes through a header file line by line; each step is false or nil for what is not quite ordinary.
private struct EnvelopeScan {
    let octets: [UInt8]
    let end: Int
    var place = 0
    var isFrozen = false
    var senderSetUntrusted = false

    init(octets: [UInt8], end: Int) {
        self.octets = octets
        self.end = end
    }

    /// The next line without its newline; nil at the end, and for lines that old readers could not take.
    private mutating func line() -> Range<Int>? {
        let stop = octets.newline(from: place, to: end)
        guard stop < end, stop - place < HeaderFile.maximumLineLength else { return nil }
        defer { place = stop + 1 }
        return place..<stop
    }

    mutating func skipFirstLine(of id: MessageID) -> Bool {
        guard let line = line(), line.count == id.format.length + 2,
            octets[line.upperBound - 2] == UInt8(ascii: "-"),
            octets[line.upperBound - 1] == UInt8(ascii: "H"),
            MessageID(octets[line.lowerBound..<(line.upperBound - 2)]) == id
        else { return false }
        return true
    }

    /// `login uid gid`: gives the place of the login, which has no blank.
    mutating func ownerLine() -> Range<Int>? {
        guard let line = line(), let login = word(line.lowerBound, line.upperBound), !login.isEmpty,
            let uid = digits(login.upperBound + 1, line.upperBound), uid < line.upperBound,
            octets[uid] == .blank, let gid = digits(uid + 1, line.upperBound), gid == line.upperBound
        else { return nil }
        return login
    }

    private func word(_ start: Int, _ stop: Int) -> Range<Int>? {
        var place = start
        while place < stop, octets[place] != .blank { place += 1 }
        return place < stop ? start..<place : nil
    }

    /// Where a number of 1 to 18 digits ends; nil when there is none.
    private func digits(_ start: Int, _ stop: Int) -> Int? {
        var place = start
        while place < stop, octets[place].isASCIIDigit { place += 1 }
        return place > start && place - start <= 18 ? place : nil
    }

    mutating func senderLine() -> Range<Int>? {
        guard let line = line(), line.count >= 2, octets[line.lowerBound] == UInt8(ascii: "<"),
            octets[line.upperBound - 1] == UInt8(ascii: ">")
        else { return nil }
        return (line.lowerBound + 1)..<(line.upperBound - 1)
    }

    mutating func timeLine() -> Int64? {
        guard let line = line(), let stop = digits(line.lowerBound, line.upperBound), stop < line.upperBound,
            octets[stop] == .blank, digits(stop + 1, line.upperBound) == line.upperBound
        else { return nil }
        return number(line.lowerBound, stop)
    }

    private func number(_ start: Int, _ stop: Int) -> Int64 {
        var value: Int64 = 0
        for place in start..<stop { value = value * 10 + Int64(octets[place] - 0x30) }
        return value
    }

    // MARK: Lines that begin with a hyphen

    mutating func skipVariables() -> Bool {
        while place < end, octets[place] == UInt8(ascii: "-") {
            guard let line = line(), isOrdinary(line) else { return false }
        }
        return true
    }

    private mutating func isOrdinary(_ line: Range<Int>) -> Bool {
        var start = line.lowerBound + 1
        if start < line.upperBound, octets[start] == UInt8(ascii: "-") { start += 1 }
        guard start < line.upperBound else { return false }
        switch octets[start] {
        case UInt8(ascii: "("): return false
        case UInt8(ascii: "a") where begins("acl", start, line.upperBound):
            return skipACLVariable(start, line)
        case UInt8(ascii: "f") where begins("frozen", start, line.upperBound):
            let number = start + 7
            isFrozen = true
            return octets[start - 2] == .newline && number < line.upperBound && octets[number - 1] == .blank
                && digits(number, line.upperBound) == line.upperBound
        case UInt8(ascii: "s") where begins("sender_set_untrusted", start, line.upperBound):
            senderSetUntrusted = true
            return octets[start - 2] == .newline && line.upperBound == start + 20
        default: return true
        }
    }

    private func begins(_ text: StaticString, _ start: Int, _ stop: Int) -> Bool {
        guard stop - start >= text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { unsafe octets[start..<(start + $0.count)].elementsEqual($0) }
    }

    /// `aclc name length` or `aclm name length`, and the value on lines of its own.
    private mutating func skipACLVariable(_ start: Int, _ line: Range<Int>) -> Bool {
        guard start + 5 < line.upperBound, octets[start + 4] == .blank,
            octets[start + 3] == UInt8(ascii: "c") || octets[start + 3] == UInt8(ascii: "m"),
            let name = word(start + 5, line.upperBound), !name.isEmpty,
            let stop = digits(name.upperBound + 1, line.upperBound), stop == line.upperBound
        else { return false }
        let length = number(name.upperBound + 1, stop)
        guard length < Int64(end - place) else { return false }
        place += Int(length)
        guard octets[place] == .newline else { return false }
        place += 1
        return true
    }

    // MARK: Tree, recipients, headers

    mutating func skipEmptyTree() -> Bool {
        guard let line = line() else { return false }
        return line.count == 2 && octets[line.lowerBound] == UInt8(ascii: "X")
            && octets[line.lowerBound + 1] == UInt8(ascii: "X")
    }

    /// The place of all recipients; each is a bare address.
    mutating func recipientLines() -> Range<Int>? {
        guard let line = line(), digits(line.lowerBound, line.upperBound) == line.upperBound else {
            return nil
        }
        let count = number(line.lowerBound, line.upperBound)
        guard count > 0, count <= HeaderFile.maximumRecipients else { return nil }
        let start = place
        for _ in 0..<count {
            guard let line = self.line(), let last = octets[line].last, !last.isASCIIDigit,
                last != UInt8(ascii: "#"), last != UInt8(ascii: ","), last != .blank
            else { return nil }
        }
        return start..<place
    }

    /// The sum of the lengths of the header lines that are not deleted.
    mutating func headerLines() -> Int? {
        guard place < end, octets[place] == .newline else { return nil }
        place += 1
        var sum = 0
        while place < end {
            guard let stop = digits(place, min(end, place + 9)), stop - place >= 3, stop + 2 < end,
                octets[stop] >= .blank, octets[stop + 1] == .blank, !octets[stop + 2].isASCIISpace
            else { return nil }
            let length = Int(number(place, stop))
            let type = octets[stop]
            guard length > 0, length <= end - stop - 2, octets[stop + 1 + length] == .newline else {
                return nil
            }
            place = stop + 2 + length
            if type != HeaderLine.deletedType { sum += length }
        }
        return sum
    }
}
