internal import Bytes
internal import CZlib

/// Where a record of the commit log is: which use of which segment, and the how manieth record of it.
struct CommitLogPlace: Hashable, Sendable {
    /// 0 or 1.
    var segment: Int
    /// Counts the uses of segments; never repeated.
    var generation: UInt32
    /// Counts the records of one use, from 0.
    var index: Int
}

/// A message as the commit log keeps it: all that its files are made of (spool-format/README.md, 6.9).
struct LoggedMessage: Equatable, Sendable {
    var id: MessageID
    /// The named queue; empty for the default one.
    var queue: ByteString
    var place: Place
    /// What the message's own log begins with; nil for no line.
    var firstLogLine: ByteString?
    /// The octets of `-H`.
    var header: ByteString
    /// The octets of `-D`, its first line included.
    var data: ByteString
}

/// The octets of records.
///
/// A record is `BCR1`, generation, index, length of the payload, CRC-32 of these three and the payload (all 32 bits,
/// little-endian), then the payload: six fields (id, queue, place, first log line, `-H`, `-D`), each its length (32
/// bits) and its octets; then zeros up to a multiple of 8.
enum CommitLogRecord {
    static let magic: UInt32 = 0x3152_4342
    static let headSize = 20
    /// The most octets of a record: larger messages do not go through the log.
    static let largest = 256 << 10
    /// The length that says that a field is not there.
    private static let absent = UInt32.max

    /// How many octets a message's record has at most.
    static func size(of order: CommitOrder) -> Int {
        headSize + 6 * 4 + 64 + order.spool.queue.count + (order.firstLogLine?.count ?? 0)
            + order.header.count
            + order.data.count + 8
    }

    static func append(_ message: LoggedMessage, at place: CommitLogPlace, to octets: inout [UInt8]) {
        let start = octets.count
        octets.append(littleEndian: magic)
        octets.append(littleEndian: place.generation)
        octets.append(littleEndian: UInt32(truncatingIfNeeded: place.index))
        octets.append(littleEndian: 0)
        octets.append(littleEndian: 0)
        append(message.id.bytes, to: &octets)
        append(message.queue, to: &octets)
        append(message.place.subdirectory.map { ByteString([$0]) } ?? "", to: &octets)
        append(message.firstLogLine, to: &octets)
        append(message.header, to: &octets)
        append(message.data, to: &octets)
        octets.set(littleEndian: UInt32(octets.count - start - headSize), at: start + 12)
        octets.set(littleEndian: checksum(octets[start...]), at: start + 16)
        while !octets.count.isMultiple(of: 8) { octets.append(0) }
    }

    private static func append(_ field: ByteString?, to octets: inout [UInt8]) {
        octets.append(littleEndian: field.map { UInt32($0.count) } ?? absent)
        if let field { octets += field.bytes }
    }

    /// Reads the record that begins at an offset; nil where there is none of that generation, whole and undamaged.
    static func read(
        _ octets: [UInt8], at offset: Int, generation: UInt32
    ) -> (message: LoggedMessage, index: Int, end: Int)? {
        guard offset + headSize <= octets.count, octets.littleEndian(at: offset) == magic,
            octets.littleEndian(at: offset + 4) == generation
        else { return nil }
        let length = Int(octets.littleEndian(at: offset + 12))
        guard length <= largest, offset + headSize + length <= octets.count else { return nil }
        let end = offset + headSize + length
        guard octets.littleEndian(at: offset + 16) == checksum(octets[offset..<end]) else { return nil }
        var fields = FieldReader(octets: octets[(offset + headSize)..<end])
        guard let name = fields.next(), let id = MessageID(name), let queue = fields.next(),
            let place = fields.next(), place.count <= 1, let line = fields.optional(),
            let header = fields.next(), let data = fields.next()
        else { return nil }
        let message = LoggedMessage(
            id: id, queue: queue, place: Place(subdirectory: place.first), firstLogLine: line, header: header,
            data: data)
        return (message, Int(octets.littleEndian(at: offset + 8)), (end + 7) & ~7)
    }

    /// Over all but the checksum itself.
    private static func checksum(_ record: ArraySlice<UInt8>) -> UInt32 {
        let head = record.prefix(headSize - 4)
        let body = record.dropFirst(headSize)
        let first = unsafe head.withUnsafeBytes {
            unsafe crc32(0, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32($0.count))
        }
        return UInt32(
            truncatingIfNeeded: unsafe body.withUnsafeBytes {
                unsafe crc32(first, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32($0.count))
            })
    }

    private struct FieldReader {
        var octets: ArraySlice<UInt8>

        mutating func next() -> ByteString? { optional() ?? nil }

        /// Nil where there is no field, `.some(nil)` where it says that it is absent.
        mutating func optional() -> ByteString?? {
            guard octets.count >= 4 else { return nil }
            let length = Array(octets.prefix(4)).littleEndian(at: 0)
            octets = octets.dropFirst(4)
            if length == absent { return .some(nil) }
            guard Int(length) <= octets.count else { return nil }
            defer { octets = octets.dropFirst(Int(length)) }
            return ByteString(octets.prefix(Int(length)))
        }
    }
}

extension Array<UInt8> {
    mutating func append(littleEndian value: UInt32) {
        for shift in stride(from: 0, to: 32, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
        }
    }

    mutating func set(littleEndian value: UInt32, at offset: Int) {
        for place in 0..<4 { self[offset + place] = UInt8(truncatingIfNeeded: value >> UInt32(8 * place)) }
    }

    /// The number at an offset; the caller knows that four octets are there.
    func littleEndian(at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(self[offset + $1]) << UInt32(8 * $1) }
    }
}
