import Bytes
import Expansion
import MailSystem
import Routing
import Spooler
import Transports

// What `event_action` hears of recipients, and of the message when it leaves the queue (manual, chapter 61).
extension MessageDelivery {
    /// The action of a transport; nil when it has none.
    func eventAction(of transport: ByteString) -> EventAction? {
        runner.transports[transport]?.eventAction(runner.expander, tell: transportLog.write)
    }

    /// A recipient was served: it stays so, whatever comes of this.
    mutating func tellOfDelivery(
        _ node: Int, _ instruction: DeliveryInstruction, _ host: UsedHost?, _ said: ByteString?
    ) async {
        guard let action = eventAction(of: instruction.transport) else { return }
        await raise(MailEvent(.messageDelivery, data: said ?? ""), action) {
            $0.setDelivery(instruction, host)
        }
    }

    /// A recipient has failed for good, before it is logged.
    mutating func tell(of failure: FailedAddress) async {
        guard let instruction = failure.instruction, !instruction.transport.isEmpty else {
            return await tellOfFailureInside(failure)
        }
        guard let action = eventAction(of: instruction.transport) else { return }
        let isRemote = runner.transports[instruction.transport]?.isRemote ?? false
        let event = MailEvent(.failedDelivery, data: isRemote ? failure.text : "")
        await raise(event, action) { $0.setDelivery(instruction, failure.host) }
    }

    private mutating func tellOfFailureInside(_ failure: FailedAddress) async {
        guard let action = runner.system.eventAction(about: id.bytes) else { return }
        let parts = EmailParts(tree.nodes[failure.node].address.address)
        await raise(MailEvent(.failedInternally, data: failure.text), action) { facts in
            facts.address.localPart = TaintedBytes(parts.localPart, .tainted)
            facts.address.domain = TaintedBytes(parts.domain, .tainted)
            facts.address.routerName = failure.router ?? failure.instruction?.router
        }
    }

    /// The message has left the queue.
    func tellOfCompletion() async {
        guard let action = runner.system.eventAction(about: id.bytes) else { return }
        var facts = outgoing.facts
        await action.raise(MailEvent(.messageComplete), updating: &facts)
    }

    /// Variables that the action sets are there for the message's next events.
    private mutating func raise(
        _ event: MailEvent, _ action: EventAction, _ change: (inout Facts) -> Void
    ) async {
        var facts = outgoing.facts
        change(&facts)
        await action.raise(event, updating: &facts)
        outgoing.facts.keepACLVariables(of: facts)
    }
}

extension Facts {
    /// What is known of a recipient that was served or has failed.
    ///
    /// A pipe, file or reply stands where the local part would, as in Exim.
    fileprivate mutating func setDelivery(_ instruction: DeliveryInstruction, _ host: UsedHost?) {
        address = instruction.facts
        address.transportName = instruction.transport
        if let item = instruction.target.text { address.localPart = TaintedBytes(item, .tainted) }
        guard let host else { return }
        address.setHost(host)
        connection.tlsOut = host.tls ?? TLSFacts()
    }
}
