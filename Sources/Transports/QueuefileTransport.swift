package import Bytes
import Expansion

/// The queuefile transport: the message goes to another program as a pair of spool files (spool.md 6).
///
/// Unlike Exim's, all its recipients of a message are handed over together, once, and named in the `-H` that the
/// other program gets. The files themselves are written by whoever holds the lock, through `HandOver`.
package struct HandOver: Sendable, Hashable {
    /// The directory, absolute.
    package var directory: ByteString
    /// The addresses that are handed over.
    package var recipients: [ByteString]
}

extension Transport {
    /// Where a queuefile transport puts the message; nil for other transports.
    package func handOver(
        _ message: OutgoingMessage, _ items: [DeliveryItem], _ environment: TransportEnvironment
    ) async throws(TransportTrouble) -> HandOver? {
        guard case .queuefile(let template) = driver else { return nil }
        let scene = try await DeliveryScene(self, message, items, environment)
        guard let directory = try await scene.expand(template, "directory") else {
            throw TransportTrouble("\(name) transport: failed to expand dirname option", errno: -27)
        }
        if directory.taint.isTainted {
            throw TransportTrouble(
                "Tainted '\(directory.bytes)' (directory for \(name) transport) not permitted", errno: -1)
        }
        guard directory.bytes.first == UInt8(ascii: "/") else {
            throw TransportTrouble(
                "\(name) transport directory: \(directory.bytes) is not absolute", errno: -1)
        }
        return HandOver(
            directory: directory.bytes, recipients: items.map { $0.recipient(includingAffixes: true) })
    }
}
