package import Bytes
import Expansion
import Routing
package import SMTP

/// What became of a message that was to be passed on while its client waits (`control = cutthrough_delivery`).
package enum Passing: Sendable {
    /// The host has not got it, for certain, and why: it is to be delivered as others are.
    case notPassed(ByteString)
    /// The host has answered.
    case answered(Reply, UsedHost)
    /// The host may have it or not.
    case doubtful
}

extension Transport {
    /// The longest wait for the answer to a message, in seconds: the client waits too, and not for ever.
    package static let longestPassing: Int64 = 240

    /// Sends a message over a connection on which MAIL and RCPT have been said for exactly these addresses, and ends it.
    package func pass(
        _ message: OutgoingMessage, to items: [DeliveryItem], over talk: consuming CalloutTalk,
        _ host: (name: ByteString, address: IPAddress), _ environment: TransportEnvironment
    ) async -> Passing {
        guard case .smtp(let settings) = driver else {
            await talk.quit()
            return .notPassed("no smtp transport")
        }
        let prepared: WireMessage
        do throws(TransportTrouble) {
            prepared = try await wireMessage(
                message, items, settings, host,
                talk.tls == nil ? .clear(isOffered: talk.extensions.startTLS) : .on, environment)
        } catch {
            await talk.quit()
            return .notPassed(error.text)
        }
        var used = UsedHost(host: RouteHost(name: host.name, address: host.address), port: talk.port)
        used.note(talk.state)
        let times = CalloutTalk.MessageTimes(
            data: min(settings.dataTimeout, Self.longestPassing),
            final: min(settings.finalTimeout, Self.longestPassing))
        let taking = await talk.send(prepared, times)
        switch taking {
        case .notTaken:
            await talk.quit()
            return .notPassed("the host did not take it")
        case .doubtful: return .doubtful
        case .answered(let reply):
            await talk.quit()
            return .answered(reply, used)
        }
    }

    /// The octets for the host; throws why the message must go the ordinary way.
    private func wireMessage(
        _ message: OutgoingMessage, _ items: [DeliveryItem], _ settings: SMTPSettings,
        _ host: (name: ByteString, address: IPAddress), _ tls: CutthroughSettings.TLSState,
        _ environment: TransportEnvironment
    ) async throws(TransportTrouble) -> WireMessage {
        let scene = try await DeliveryScene(self, message, items, environment)
        let identity = HostIdentity(name: host.name, address: host.address)
        let obstacle = await settings.cutthrough.obstacle(settings, tls) { list in
            var facts = scene.facts
            return await environment.expander.matchHost(identity, in: list, &facts)
        }
        if let text = obstacle ?? plainObstacle(scene, settings) { throw TransportTrouble(text, errno: 0) }
        if let tooBig = try await scene.checkSize() { throw tooBig }
        let content = try await scene.content()
        return WireMessage(head: content.head, body: message.body, sendsBody: !generic.headersOnly)
    }

    /// What speaks against it in the options and the addresses.
    private func plainObstacle(_ scene: DeliveryScene, _ settings: SMTPSettings) -> ByteString? {
        let (items, message) = (scene.items, scene.message)
        if generic.filter != nil { return "there is a transport filter" }
        if generic.eventAction != nil { return "events are told" }
        if generic.maximumParallel != nil { return "runs of the transport are counted" }
        if settings.maximumRecipients > 0, items.count > settings.maximumRecipients {
            return "more recipients than max_rcpt"
        }
        if settings.lineLimit > 0, message.longestLine > settings.lineLimit { return "lines are too long" }
        if scene.returnPath != message.sender { return "the return path is another one" }
        guard let first = items.first?.address else { return "no recipients" }
        let areNamedAlike = items.allSatisfy {
            $0.recipient(includingAffixes: generic.includesAffixes) == $0.address.address
        }
        if !areNamedAlike { return "a delivery would name the recipient in another way" }
        let alike = items.map(\.address).allSatisfy {
            $0.errorsTo == first.errorsTo && $0.headersToAdd == first.headersToAdd
                && $0.headersToRemove == first.headersToRemove
        }
        if !alike { return "the recipients get different header lines" }
        if items.count > 1, settings.multiDomain != nil { return "multi_domain is set" }
        return nil
    }
}
