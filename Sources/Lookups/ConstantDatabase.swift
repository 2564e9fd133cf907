import Bytes

/// `cdb`: Bernstein's constant database; every offset in it is checked against the file's size.
struct ConstantDatabase: LookupDriver {
    let files: FileCache

    var style: LookupStyle { .singleKey }

    func find(_ request: LookupRequest) async -> LookupOutcome {
        let file: FileContents
        do {
            file = try files.contents(of: request.file, purpose: "cdb lookup", lookup: "cdb")
        } catch {
            return .unusable(error.text)
        }
        guard file.bytes.count >= Self.headerSize else {
            return .unusable("\(request.file) too short for cdb lookup")
        }
        do {
            return try Self.search(file.bytes, request.key).map { .found($0) } ?? .notFound
        } catch {
            return .deferred("cdb: \(request.file): \(error.text)")
        }
    }

    /// 256 pairs of table offset and number of slots.
    private static let headerSize = 2048

    static func search(_ file: ByteString, _ key: ByteString) throws(LookupTrouble) -> ByteString? {
        let hash = key.reduce(5381) { ($0 &<< 5 &+ $0) ^ UInt32($1) }
        let entry = Int(hash & 255) * 8
        let table = try number(file, entry)
        let slots = try number(file, entry + 4)
        guard slots > 0 else { return nil }
        let first = Int(hash >> 8) % slots
        for step in 0..<slots {
            let slot = table + (first + step) % slots * 8
            let place = try number(file, slot + 4)
            if place == 0 { return nil }
            guard try number(file, slot) == Int(hash) else { continue }
            if let data = try record(file, place, key) { return data }
        }
        return nil
    }

    private static func record(
        _ file: ByteString, _ place: Int, _ key: ByteString
    ) throws(LookupTrouble) -> ByteString? {
        let keyLength = try number(file, place)
        let dataLength = try number(file, place + 4)
        let keyStart = place + 8
        let dataStart = keyStart + keyLength
        guard dataStart + dataLength <= file.count else {
            throw LookupTrouble("a record at \(place) passes the end of the file; build it again")
        }
        guard file[keyStart..<dataStart].elementsEqual(key) else { return nil }
        return ByteString(file[dataStart..<(dataStart + dataLength)])
    }

    private static func number(_ file: ByteString, _ place: Int) throws(LookupTrouble) -> Int {
        guard place + 4 <= file.count else {
            throw LookupTrouble("an offset of \(place) passes the end of the file; build it again")
        }
        return (0..<4).reduce(0) { $0 | Int(file[place + $1]) << ($1 * 8) }
    }
}
