package import Bytes

/// What every hints record begins with.
package struct HintsHeader: Sendable, Equatable {
    /// When the record was written, in seconds since 1970; every write sets it.
    package var written: Int64
    /// Whether the payload came from outside; stored only in the versioned layout.
    package var tainted: Bool

    /// Makes a header; a write sets the time.
    package init(written: Int64 = 0, tainted: Bool = false) {
        self.written = written
        self.tainted = tainted
    }
}

/// A record of a hints database: a pure value that knows its two encodings.
package protocol HintsRecord: Sendable, Equatable {
    /// The time of the write, and the taint.
    var header: HintsHeader { get set }

    /// Reads a record; every length and number in it is checked against the octets that are really there.
    init(decoding octets: ByteString, layout: HintsLayout) throws(HintsRecordError)

    /// The record's octets; octets that Exim leaves undefined are zero in new records, kept in decoded ones.
    func encode(layout: HintsLayout) -> ByteString
}

/// Why a record's octets are not that record.
package enum HintsRecordError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Fewer octets than the record needs.
    case truncated(have: Int, need: Int)
    /// Another length than this kind of record has.
    case length(Int)
    /// The version is not 2, or the taint flag is neither 0 nor 1: another layout, or damage.
    case layout
    /// A number out of its range; the name is the field's.
    case outOfRange(field: String)
    /// A text without its final NUL.
    case unterminatedText
    /// A message id with an octet that no id has, at this offset of the record.
    case messageID(offset: Int)

    /// The reason, for people.
    package var description: String {
        switch self {
        case .truncated(let have, let need): "record of \(have) octets, needs \(need)"
        case .length(let length): "record of \(length) octets, which no such record has"
        case .layout: "record in another layout, or damaged"
        case .outOfRange(let field): "field \(field) out of range"
        case .unterminatedText: "text without end"
        case .messageID(let offset): "bad message id at offset \(offset)"
        }
    }
}

/// Reads little-endian fields of a record by offset; nil beyond the end.
struct RecordFields {
    let octets: ByteString

    init(_ octets: ByteString) { self.octets = octets }

    private func number(at offset: Int, width: Int) -> UInt64? {
        guard offset >= 0, offset <= octets.count - width else { return nil }
        return (0..<width).reversed().reduce(0) { $0 << 8 | UInt64(octets[offset + $1]) }
    }

    func unsigned16(at offset: Int) -> UInt16? {
        number(at: offset, width: 2).map { UInt16(truncatingIfNeeded: $0) }
    }

    func unsigned32(at offset: Int) -> UInt32? {
        number(at: offset, width: 4).map { UInt32(truncatingIfNeeded: $0) }
    }

    func signed32(at offset: Int) -> Int32? { unsigned32(at: offset).map { Int32(bitPattern: $0) } }

    func signed64(at offset: Int) -> Int64? { number(at: offset, width: 8).map { Int64(bitPattern: $0) } }

    func double(at offset: Int) -> Double? { number(at: offset, width: 8).map { Double(bitPattern: $0) } }
}

/// Walks through a record from its header on, with every step checked.
struct RecordReader {
    private let fields: RecordFields
    private(set) var offset: Int
    let header: HintsHeader

    /// Reads the header, and checks that at least `needed` octets follow it.
    init(_ octets: ByteString, layout: HintsLayout, needed: Int) throws(HintsRecordError) {
        let need = layout.headerLength + needed
        guard octets.count >= need else { throw .truncated(have: octets.count, need: need) }
        guard octets.count <= HintsLimits.recordLength else { throw .length(octets.count) }
        fields = RecordFields(octets)
        offset = layout.headerLength
        var tainted = false
        if layout == .versioned {
            guard fields.unsigned32(at: 0) == 2, let taint = fields.unsigned32(at: 4), taint < 2
            else { throw .layout }
            tainted = taint == 1
        }
        let stamp = fields.signed64(at: offset - 8) ?? -1
        guard HintsLimits.times.contains(stamp) else { throw .outOfRange(field: "time stamp") }
        header = HintsHeader(written: stamp, tainted: tainted)
    }

    var rest: ByteString { ByteString(fields.octets[min(offset, fields.octets.count)..<fields.octets.count]) }
    var remaining: Int { fields.octets.count - offset }

    private var truncated: HintsRecordError { .truncated(have: fields.octets.count, need: offset) }

    mutating func unsigned16() throws(HintsRecordError) -> UInt16 {
        defer { offset += 2 }
        guard let value = fields.unsigned16(at: offset) else { throw truncated }
        return value
    }

    mutating func unsigned32() throws(HintsRecordError) -> UInt32 {
        defer { offset += 4 }
        guard let value = fields.unsigned32(at: offset) else { throw truncated }
        return value
    }

    mutating func signed32() throws(HintsRecordError) -> Int32 {
        Int32(bitPattern: try unsigned32())
    }

    mutating func signed64() throws(HintsRecordError) -> Int64 {
        defer { offset += 8 }
        guard let value = fields.signed64(at: offset) else { throw truncated }
        return value
    }

    mutating func double() throws(HintsRecordError) -> Double {
        Double(bitPattern: UInt64(bitPattern: try signed64()))
    }

    /// A time in seconds since 1970 within the limits.
    mutating func time(_ field: String) throws(HintsRecordError) -> Int64 {
        let value = try signed64()
        guard HintsLimits.times.contains(value) else { throw .outOfRange(field: field) }
        return value
    }

    mutating func octets(_ count: Int) throws(HintsRecordError) -> ByteString {
        guard count >= 0, count <= remaining else {
            throw .truncated(have: fields.octets.count, need: offset + max(count, 0))
        }
        defer { offset += count }
        return ByteString(fields.octets[offset..<(offset + count)])
    }
}

/// Builds a record's octets, header first.
struct RecordWriter {
    private(set) var octets = ByteString()

    init(_ header: HintsHeader, layout: HintsLayout) {
        if layout == .versioned {
            append(UInt32(2))
            append(UInt32(header.tainted ? 1 : 0))
        }
        append(header.written)
    }

    mutating func append(_ value: some FixedWidthInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) {
            octets.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    mutating func append(_ value: Double) { append(value.bitPattern) }

    mutating func append(octets more: some Sequence<UInt8>) { octets.append(contentsOf: more) }
}
