package import Bytes

/// Which messages wait for a host (databases `wait-<transport>`).
package struct WaitRecord: HintsRecord {
    package var header: HintsHeader
    /// In a main record: how many continuation records were made.
    package var sequence: Int32
    /// The waiting messages, oldest first: at most `HintsLimits.waitIDs`, all of 23 octets or all of 16.
    package var ids: [ByteString]
    private var tail = ByteString(repeatElement(0, count: 8))

    /// Makes a record.
    package init(ids: [ByteString] = [], sequence: Int32 = 0) {
        header = HintsHeader()
        self.sequence = sequence
        self.ids = ids
    }

    package init(decoding octets: ByteString, layout: HintsLayout) throws(HintsRecordError) {
        var reader = try RecordReader(octets, layout: layout, needed: 8)
        header = reader.header
        let count = Int(try reader.signed32())
        guard (0...HintsLimits.waitIDs).contains(count) else { throw .outOfRange(field: "count") }
        sequence = try reader.signed32()
        guard (0...HintsLimits.waitContinuations).contains(sequence) else {
            throw .outOfRange(field: "sequence")
        }
        let length = try Self.idLength(count: count, available: reader.remaining)
        ids = []
        for _ in 0..<count {
            let start = reader.offset
            let id = try reader.octets(length)
            guard id.allSatisfy({ $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "-") }) else {
                throw .messageID(offset: start)
            }
            ids.append(id)
        }
        tail = reader.rest
    }

    /// The length of the ids: the record says only how many there are, so its own length decides.
    private static func idLength(count: Int, available: Int) throws(HintsRecordError) -> Int {
        if let exact = [23, 16].first(where: { available == count * $0 + 8 }) { return exact }
        if let fitting = [23, 16].first(where: { available >= count * $0 }) { return fitting }
        throw .truncated(have: available, need: count * 16)
    }

    package func encode(layout: HintsLayout) -> ByteString {
        var writer = RecordWriter(header, layout: layout)
        writer.append(Int32(clamping: ids.count))
        writer.append(sequence)
        for id in ids { writer.append(octets: id) }
        writer.append(octets: tail)
        return writer.octets
    }
}
