import Bytes
import Glibc

/// The files of an automatic reply: who got it before, its text, its log.
struct ReplyFiles {
    /// The most octets of a text.
    private static let textLimit = 16 << 20

    let order: ReplyOrder

    func perform() -> LocalReport {
        do throws(TransportTrouble) {
            switch order.step {
            case .prepare: return LocalReport(try prepare())
            case .finish:
                try remember()
                return LocalReport(.delivered(confirmation: nil))
            }
        } catch {
            return LocalReport(.deferred(error))
        }
    }

    private func prepare() throws(TransportTrouble) -> ReplyFindings {
        var findings = ReplyFindings()
        if !order.once.isEmpty, let last = try RepliesSent(order).list().last(of: order.recipients) {
            findings.wasSentBefore = order.onceRepeat == 0 || order.now - last < Int64(order.onceRepeat)
        }
        if findings.wasSentBefore {
            log("  previously sent to \(order.recipients)\n")
        } else if !order.file.isEmpty {
            findings.fileText = try text()
        }
        return findings
    }

    private func text() throws(TransportTrouble) -> ByteString {
        do throws(SystemFailure) {
            let file = try System.open(order.file, O_RDONLY)
            return try System.contents(of: file.raw, atMost: Self.textLimit)
        } catch {
            if order.fileIsOptional { return "" }
            throw TransportTrouble(
                "Failed to open file \(order.file) when sending message from \(order.transport) transport: \(error.text)",
                errno: error.number)
        }
    }

    private func remember() throws(TransportTrouble) {
        if !order.logText.isEmpty { log(order.logText) }
        guard !order.once.isEmpty else { return }
        try RepliesSent(order).add()
    }

    /// Writes to the log, which is for people: when that cannot be done, nothing follows from it.
    private func log(_ text: ByteString) {
        guard !order.log.isEmpty,
            let file = try? System.open(order.log, O_WRONLY | O_APPEND | O_CREAT, order.mode)
        else { return }
        let record: ByteString = "\(order.stamp)\n\(text)"
        try? System.write(file.raw, record.bytes[...])
    }
}

/// Who got an automatic reply, and when: a file with one record after the other, the oldest first.
///
/// It has the form in which Exim keeps it with `once_file_size`: eight octets of time, the recipients, a zero octet.
/// Without a limit Exim has a DBM file under the name; ours lies beside it.
struct RepliesSent {
    /// The most octets that are read.
    private static let limit = 64 << 20
    private static let suffix: ByteString = ".list"

    private let order: ReplyOrder
    private let path: ByteString

    init(_ order: ReplyOrder) {
        self.order = order
        path = order.onceSize > 0 ? order.once : order.once + Self.suffix
    }

    /// The records.
    func list() throws(TransportTrouble) -> RecordList {
        do throws(SystemFailure) {
            let file = try System.open(path, O_RDWR | O_CREAT, order.mode)
            return RecordList(try System.contents(of: file.raw, atMost: Self.limit))
        } catch {
            throw trouble(error)
        }
    }

    /// Adds what was sent now; a limited file loses its oldest records for that.
    func add() throws(TransportTrouble) {
        do throws(SystemFailure) {
            let file = try System.open(path, O_RDWR | O_CREAT, order.mode)
            System.lockFlockWaiting(file.raw)
            var records = RecordList(try System.contents(of: file.raw, atMost: Self.limit))
            records.set(order.recipients, order.now)
            if order.onceSize > 0 { records.shorten(to: order.onceSize) }
            let octets = records.octets
            try System.overwrite(file.raw, octets)
        } catch {
            throw trouble(error)
        }
    }

    private func trouble(_ failure: SystemFailure) -> TransportTrouble {
        TransportTrouble(
            "Failed to open \"once\" file \(order.once) when sending message from \(order.transport) transport: \(failure.text)",
            errno: failure.number)
    }

    /// The records of the file.
    struct RecordList {
        private static let timeSize = 8
        private var records: [(key: ByteString, time: Int64)] = []

        init(_ octets: ByteString) {
            var rest = octets[...]
            while rest.count > Self.timeSize {
                let time = rest.prefix(Self.timeSize).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                rest = rest.dropFirst(Self.timeSize)
                guard let end = rest.firstIndex(of: 0) else { return }
                records.append((ByteString(rest[..<end]), Int64(bitPattern: time)))
                rest = rest[(end + 1)...]
            }
        }

        func last(of key: ByteString) -> Int64? { records.first { $0.key == key }?.time }

        mutating func set(_ key: ByteString, _ time: Int64) {
            if let place = records.firstIndex(where: { $0.key == key }) {
                records[place].time = time
            } else {
                records.append((key, time))
            }
        }

        mutating func shorten(to limit: Int) {
            while octets.count > limit, records.count > 1 { records.removeFirst() }
        }

        var octets: ByteString {
            var result = ByteString()
            for record in records {
                for shift in stride(from: 0, to: 64, by: 8) {
                    result.append(UInt8(truncatingIfNeeded: record.time >> shift))
                }
                result += record.key
                result.append(0)
            }
            return result
        }
    }
}
