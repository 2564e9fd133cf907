package import Bytes
import Configuration
package import EximLog
import Expansion
import Glibc
import Routing
package import SMTP
package import Spooler
import Transports

extension HeldCallout {
    /// What became of a message, while its client waits.
    package enum Outcome: Sendable {
        /// The host has not got it: it is to be delivered as others are.
        case notPassed
        /// The host has answered so, about these addresses, the last first.
        case answered(Reply, [Delivery])
        /// The host may have it or not.
        case doubtful
    }

    /// Passes a message on, when all that its client was told of holds for the connection too: the sender is the one who
    /// was named, and so are its recipients, all of them and nobody else.
    ///
    /// `data` is the file that has the body. Whatever comes of it, the connection is ended.
    package func pass(
        _ header: HeaderFile, bodySize: Int, in data: ByteString
    ) async -> Outcome {
        guard let kept = take() else { return .notPassed }
        let named = kept.recipients
        guard isWhole, kept.sender == header.sender,
            Set(named.map(\.subject)) == Set(header.recipients.map(\.address)),
            !isForOrdinaryDelivery(header), let transport = system.callouts.transports[kept.transport],
            let body = Self.body(header, bodySize, in: data)
        else {
            await kept.talk.quit()
            return .notPassed
        }
        var seen: Set<ByteString> = []
        var items: [DeliveryItem] = []
        for recipient in named where seen.insert(recipient.subject).inserted {
            // Recipients that became the same address are one delivery.
            if let same = items.firstIndex(where: { $0.uniqueKey == recipient.item.uniqueKey }) {
                items[same].alsoFor.append(recipient.item.address.top)
            } else {
                items.append(recipient.item)
            }
        }
        let message = OutgoingMessage(header, body, queue: "")
        let begun = ContinuousClock.now
        let host = kept.host
        switch await transport.pass(message, to: items, over: kept.talk, host, environment) {
        case .notPassed: return .notPassed
        case .doubtful: return .doubtful
        case .answered(let reply, let used):
            let duration = LogInterval(begun.duration(to: .now))
            return .answered(
                reply,
                items.reversed().filter { !reply.isPositive || !$0.instruction.disablesLogging }.map {
                    record(of: $0, message, used, reply, duration)
                })
        }
    }

    /// What only an ordinary delivery does or minds.
    private func isForOrdinaryDelivery(_ header: HeaderFile) -> Bool {
        let main = system.configuration.main
        let asksForReports =
            header.dsnReturn != nil || header.dsnEnvelopeID != nil
            || header.recipients.contains { !$0.dsn.isEmpty || !$0.orcpt.isEmpty }
        let options: [ByteString] = [
            "system_filter", "event_action", "hold_domains", "queue_domains", "queue_smtp_domains",
        ]
        let most = Int(main.number("received_headers_max") ?? 30)
        let received = header.headers.count { $0.type == UInt8(ascii: "P") }
        return asksForReports || header.isFrozen || header.dontDeliver || header.smtpUTF8
            || (most > 0 && received > most) || options.contains { main.template($0) != nil }
            || system.configuration.routers.contains(where: Self.isForOneOnly)
    }

    /// Whether a router takes part in deliveries only, or in verification only: then the two may go different ways.
    private static func isForOneOnly(_ router: OptionBlock) -> Bool {
        let verifies = router.flag("verify") ?? true
        return !verifies || router.flag("verify_recipient") == false || router.flag("verify_only") == true
    }

    private static func body(_ header: HeaderFile, _ size: Int, in data: ByteString) -> MessageBody? {
        do throws(TransportTrouble) {
            return try MessageBody(
                file: data, start: header.id.dataStartOffset, size: size, isWireFormat: header.isWireFormat)
        } catch { return nil }
    }

    private var environment: TransportEnvironment {
        let owner = system.settings.owner
        return TransportEnvironment(
            expander: system.expander, routing: system.router.environment,
            primaryHostName: system.settings.primaryHostName,
            mailUser: DeliveryUser(uid: owner?.uid ?? geteuid(), gid: owner?.gid ?? getegid()),
            hosts: HostBook(nil, dataExpire: 0),
            connections: ConnectionPool(loops: system.callouts.loops.present))
    }

    private func record(
        of item: DeliveryItem, _ message: OutgoingMessage, _ used: UsedHost, _ reply: Reply,
        _ duration: LogInterval
    ) -> Delivery {
        var path = DeliveryPath(
            address: LoggedAddress(item.address, by: item.instruction), sender: message.sender,
            router: item.instruction.router, transport: item.instruction.transport,
            host: LoggedHost(used))
        path.tls = used.tls.flatMap(LoggedTLS.init)
        path.deliverTime = duration
        var record = Delivery(.cutthrough, path, confirmation: reply.loggedText)
        record.size = message.size
        let now = system.expander.environment.now().seconds
        record.queueTime = LogInterval(seconds: Int(now - message.receivedTime))
        return record
    }
}
