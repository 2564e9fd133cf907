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
    /// Whether a router with `dsn_lasthop` gave the address to its host, by address.
    package var lastHops: Set<ByteString> = []
    /// The relay of each address, same order.
    package var relays: [Relay]

    /// Makes a report.
    package init(frame: NotificationFrame, delivered: [(NotifiedAddress, Relay)]) {
        self.frame = frame
        self.delivered = delivered.map(\.0)
        relays = delivered.map(\.1)
    }

    /// The message to submit.
    package func composed() -> ComposedNotification {
        var writer = NotificationWriter(frame)
        writeHeader(&writer)
        writer.part("text/plain; charset=us-ascii")
        writeText(&writer)
        writer.part("message/delivery-status")
        writer.perMessageFields()
        for (address, relay) in zip(delivered, relays) {
            writer.raw(address.fields(action: "delivered", status: "2.0.0", diagnostic: relay.diagnostic))
        }
        writer.part("text/rfc822-headers")
        writer.originalHeaders()
        writer.line()
        return ComposedNotification(head: writer.text, tail: writer.closing)
    }

    private func writeHeader(_ writer: inout NotificationWriter) {
        writer.line("From: \(frame.from)")
        writer.line("Auto-Submitted: auto-generated")
        writer.line("To: \(frame.to)")
        writer.line("Subject: Delivery Status Notification")
        writer.references()
        writer.contentType()
        writer.line()
    }

    private func writeText(_ writer: inout NotificationWriter) {
        writer.line("This message was created automatically by mail delivery software.")
        writer.line(" ----- The following addresses had successful delivery notifications -----")
        for (address, relay) in zip(delivered, relays) {
            let isLast = lastHops.contains(address.address)
            writer.line(
                "<\(address.address)> (\(isLast ? SuccessReport.Relay.lastHop.reason : relay.reason))\n")
        }
    }
}

extension SuccessReport.Relay {
    fileprivate var reason: ByteString {
        switch self {
        case .toHost: "relayed to non-DSN-aware mailer"
        case .byRouter: "relayed via non \"Remote SMTP\" router"
        case .lastHop: "relayed via non DSN router"
        }
    }

    fileprivate var diagnostic: ByteString {
        switch self {
        case .toHost: "smtp; 250 Ok"
        case .byRouter: "X-Exim; relayed via non SMTP router"
        case .lastHop: "X-Exim; relayed via non DSN router"
        }
    }
}
