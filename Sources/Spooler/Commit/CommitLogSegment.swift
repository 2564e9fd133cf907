internal import Bytes

/// The layout of a segment of the commit log, a file of fixed size (spool-format/README.md, 6.9).
///
/// Block 0 says which use of the segment it holds; eight blocks hold a mark for each record, 32 bits each; then come
/// the records. Everything is written in place, so that synchronising never concerns the file's own size.
enum CommitLogSegment {
    static let blockSize = 4096
    static let magic = Array("BOBBINC1".utf8)
    /// The most records of one use of a segment.
    static let mostRecords = 8192
    /// Where the marks begin, and the records.
    static let marksStart = blockSize
    static let recordsStart = blockSize + mostRecords * 4

    /// What block 0 says.
    struct Head: Equatable {
        var generation: UInt32
        /// Whether records of this generation may be there.
        var isInUse: Bool
    }

    static func octets(of head: Head) -> [UInt8] {
        var octets = magic
        octets.append(littleEndian: head.generation)
        octets.append(littleEndian: head.isInUse ? 1 : 0)
        octets.append(littleEndian: ~head.generation)
        return octets
    }

    /// Reads block 0; nil where it is none.
    static func head(of octets: [UInt8]) -> Head? {
        guard octets.count >= magic.count + 12, octets.starts(with: magic) else { return nil }
        let generation = octets.littleEndian(at: 8)
        guard octets.littleEndian(at: 16) == ~generation else { return nil }
        return Head(generation: generation, isInUse: octets.littleEndian(at: 12) != 0)
    }

    /// A mark: the record of that index and generation has its files made durable.
    static func markOffset(_ index: Int) -> Int { marksStart + index * 4 }

    /// A message of a segment in use.
    struct Found {
        var message: LoggedMessage
        /// Its record's number.
        var index: Int
        /// Whether its files had been made durable.
        var isDurable: Bool
    }

    /// The messages of a segment in use.
    ///
    /// What is damaged is passed over: a record that was not written to its end was never acknowledged.
    static func messages(in octets: [UInt8], _ generation: UInt32) -> [Found] {
        var found: [Found] = []
        var offset = recordsStart
        while offset < octets.count {
            guard let record = CommitLogRecord.read(octets, at: offset, generation: generation),
                record.index < mostRecords
            else {
                offset = (offset / blockSize + 1) * blockSize
                continue
            }
            let mark = octets.littleEndian(at: markOffset(record.index))
            found.append(
                Found(message: record.message, index: record.index, isDurable: mark == generation))
            offset = record.end
        }
        return found
    }
}
