package import Bytes

/// A success report: the sender asked for it with NOTIFY=SUCCESS (delivery.md 8.7).
package struct SuccessReport: Sendable, Hashable {
    /// How an address was delivered.
    package enum Relay: Sendable, Hashable {
        /// Sent to a host that knows no DSN.
        case toHost(name: ByteString)
        /// Delivered or redirected by a router that is no remote SMTP.
        case byRouter
        /// A router with `dsn_lasthop`.
        case lastHop
    }

    /// What all notifications share.
    package var frame: NotificationFrame
    /// The delivered addresses and how.
    package var delivered: [NotifiedAddress]
    /// The relay of each address, same order.
    package var relays: [Relay]

    /// Makes a report.
    package init(frame: NotificationFrame, delivered: [(NotifiedAddress, Relay)]) {
        self.frame = frame
        self.delivered = delivered.map(\.0)
        relays = delivered.map(\.1)
    }

    /// The message to submit.
    package func composed() -> ComposedNotification { ComposedNotification(head: "", tail: "") }
}
