import Bytes
import Glibc

/// The lock file `<mailbox>.lock`, made by linking a hitching post; removed with the value (manual, section 26.3).
struct LockFile: ~Copyable {
    private let path: ByteString

    /// Makes the lock file; throws when it cannot be had.
    init(for order: LocalOrder, _ patience: LockPatience) throws(TransportTrouble) {
        let path: ByteString = "\(order.path).lock"
        let now = System.moment().seconds
        let time = Hex.encode(Self.octets(UInt32(truncatingIfNeeded: now)))
        let process = Hex.encode(Self.octets(UInt32(bitPattern: System.processID)))
        let post: ByteString =
            "\(path).\(order.hostName).\(time).\(process).\(UInt32.random(in: 0...UInt32.max))"
        let isHad = try patience.ask(
            retries: order.lockRetries, interval: order.lockInterval
        ) { () throws(TransportTrouble) in
            if try Self.attempt(post, path, order) { return true }
            Self.removeStale(path, olderThan: order.lockFileTimeout)
            return false
        }
        guard isHad else {
            throw TransportTrouble("failed to lock mailbox \(order.path) (lock file)", errno: -9)
        }
        // Not before: a value that has its path removes the file when it goes, even if this throws.
        self.path = path
    }

    deinit { System.unlink(path) }

    private static func attempt(
        _ post: ByteString, _ path: ByteString, _ order: LocalOrder
    ) throws(TransportTrouble) -> Bool {
        do {
            _ = try System.open(post, O_WRONLY | O_CREAT | O_EXCL, order.lockFileMode)
        } catch {
            let who: ByteString = "(euid=\(System.effectiveUser) egid=\(System.effectiveGroup))"
            throw TransportTrouble(
                "creating lock file hitching post \(post) \(who)", errno: error.number)
        }
        let linked = System.link(post, path)
        let links = (try? System.status(post, following: false))?.links
        System.unlink(post)
        return linked || links == 2
    }

    private static func removeStale(_ path: ByteString, olderThan seconds: Int) {
        guard seconds > 0, let facts = try? System.status(path, following: false) else { return }
        if System.moment().seconds - facts.modified > Int64(seconds) { System.unlink(path) }
    }

    private static func octets(_ number: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }
}
