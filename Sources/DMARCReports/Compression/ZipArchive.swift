import Bytes

/// Finds the members of a ZIP archive that is whole in memory (PKWARE's APPNOTE, 4.3); total.
///
/// Only stored and deflated members without encryption; no ZIP64, which reports never need.
struct ZipArchive {
    /// One member.
    struct Member {
        var name: ByteString
        var isDeflated: Bool
        var data: ArraySlice<UInt8>
    }

    /// The most members that are looked at.
    static let mostMembers = 1000
    private static let endMark: [UInt8] = [0x50, 0x4B, 0x05, 0x06]
    private static let entryMark: [UInt8] = [0x50, 0x4B, 0x01, 0x02]
    private static let localMark: [UInt8] = [0x50, 0x4B, 0x03, 0x04]

    /// Whether a file begins as archives do.
    static func isOne(_ octets: ByteString) -> Bool {
        octets.starts(with: localMark) || octets.starts(with: endMark)
    }

    /// The members in the order of the directory.
    static func members(of octets: ByteString) throws(DMARCError) -> [Member] {
        let reader = LittleEndianReader(octets: octets.bytes)
        guard let end = lastEndMark(octets), let count = reader.short(end + 10),
            let start = reader.long(end + 16)
        else { throw bad("has no directory") }
        guard count <= mostMembers else {
            throw bad("has \(count) members: more than \(mostMembers) are refused")
        }
        var members: [Member] = []
        var at = start
        for _ in 0..<count {
            guard let (member, next) = try member(at: at, reader) else {
                throw bad("has a damaged directory")
            }
            members.append(member)
            at = next
        }
        return members
    }

    private static func lastEndMark(_ octets: ByteString) -> Int? {
        var at = octets.count - 22
        let first = max(0, at - 0xFFFF)
        while at >= first {
            if octets.bytes[at...].starts(with: endMark) { return at }
            at -= 1
        }
        return nil
    }

    private static func member(at: Int, _ reader: LittleEndianReader) throws(DMARCError) -> (Member, Int)? {
        guard reader.has(entryMark, at: at), let flags = reader.short(at + 8),
            let method = reader.short(at + 10),
            let size = reader.long(at + 20), let nameLength = reader.short(at + 28),
            let extraLength = reader.short(at + 30), let commentLength = reader.short(at + 32),
            let local = reader.long(at + 42), let name = reader.slice(at + 46, nameLength),
            reader.has(localMark, at: local), let localName = reader.short(local + 26),
            let localExtra = reader.short(local + 28),
            let data = reader.slice(local + 30 + localName + localExtra, size)
        else { return nil }
        guard flags & 1 == 0 else { throw bad("is encrypted") }
        guard method == 0 || method == 8 else { throw bad("uses compression method \(method): want 0 or 8") }
        let member = Member(name: ByteString(name), isDeflated: method == 8, data: data)
        return (member, at + 46 + nameLength + extraLength + commentLength)
    }

    private static func bad(_ reason: ByteString) -> DMARCError {
        DMARCError(.data, at: "ZIP archive", reason)
    }
}

/// Numbers with the lowest octet first; nil outside of the octets.
private struct LittleEndianReader {
    let octets: [UInt8]

    func short(_ at: Int) -> Int? {
        guard let piece = slice(at, 2) else { return nil }
        return piece.reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    func long(_ at: Int) -> Int? {
        guard let piece = slice(at, 4) else { return nil }
        return piece.reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    func slice(_ at: Int, _ count: Int) -> ArraySlice<UInt8>? {
        // All values stem from 16 and 32 bits, so no sum can overflow.
        guard at >= 0, count >= 0, at + count <= octets.count else { return nil }
        return octets[at..<(at + count)]
    }

    func has(_ mark: [UInt8], at: Int) -> Bool { slice(at, mark.count)?.elementsEqual(mark) ?? false }
}
