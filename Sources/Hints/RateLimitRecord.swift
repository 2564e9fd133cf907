package import Bytes

/// A measured rate (database `ratelimit`), with the filter of things already counted where a rule has `unique=`.
package struct RateLimitRecord: HintsRecord {
    /// A Bloom filter of what was counted since its beginning.
    package struct Filter: Sendable, Equatable {
        /// When the filter was begun, in seconds since 1970.
        package var epoch: Int64
        /// The filter's octets, at least one.
        package var octets: ByteString
        /// The octets after the filter, which Exim leaves undefined.
        fileprivate var tail: ByteString

        /// Makes a filter of that many zero octets, at least one.
        package init(epoch: Int64, size: Int) {
            self.epoch = epoch
            octets = ByteString(repeatElement(0, count: max(size, 1)))
            tail = ByteString([0, 0, 0, 0])
        }

        fileprivate init(epoch: Int64, octets: ByteString, tail: ByteString) {
            self.epoch = epoch
            self.octets = octets
            self.tail = tail
        }
    }

    package var header: HintsHeader
    /// The fraction of the second of the last event, in microseconds: 0 to 999999.
    package var microseconds: Int32
    /// Events in one period, finite.
    package var rate: Double
    /// The filter, or nil.
    package var filter: Filter?
    private var padding = ByteString([0, 0, 0, 0])

    /// Makes a record.
    package init(microseconds: Int32, rate: Double, filter: Filter? = nil) {
        header = HintsHeader()
        self.microseconds = microseconds
        self.rate = rate
        self.filter = filter
    }

    package init(decoding octets: ByteString, layout: HintsLayout) throws(HintsRecordError) {
        var reader = try RecordReader(octets, layout: layout, needed: 16)
        header = reader.header
        microseconds = try reader.signed32()
        guard (0..<1_000_000).contains(microseconds) else { throw .outOfRange(field: "microseconds") }
        padding = try reader.octets(4)
        rate = try reader.double()
        guard rate.isFinite, rate >= 0 else { throw .outOfRange(field: "rate") }
        filter = reader.remaining == 0 ? nil : try Self.filter(&reader)
    }

    /// The size in the record is not to be believed before it is compared with the octets that are there.
    private static func filter(_ reader: inout RecordReader) throws(HintsRecordError) -> Filter {
        let epoch = try reader.time("filter epoch")
        let size = Int(try reader.unsigned32())
        guard size >= 1, size <= reader.remaining else { throw .outOfRange(field: "filter size") }
        return Filter(epoch: epoch, octets: try reader.octets(size), tail: reader.rest)
    }

    package func encode(layout: HintsLayout) -> ByteString {
        var writer = RecordWriter(header, layout: layout)
        writer.append(microseconds)
        writer.append(octets: padding)
        writer.append(rate)
        if let filter {
            writer.append(filter.epoch)
            writer.append(UInt32(clamping: filter.octets.count))
            writer.append(octets: filter.octets)
            writer.append(octets: filter.tail)
        }
        return writer.octets
    }
}
