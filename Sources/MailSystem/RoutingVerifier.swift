package import ACL
package import Bytes
import EximLog
package import Expansion
import MailText
package import Routing
import Transports

/// Answers `verify = sender` and `verify = recipient` by routing the address.
///
/// A redirection to one other address is followed, as Exim does; to several it counts as verified.
package struct RoutingVerifier: AddressVerifier {
    private let router: @Sendable () throws(StartError) -> AddressRouter
    private let rewriter: @Sendable () -> Rewriter
    private let callouts: Callouts
    /// Where the connections of callouts are kept; nil keeps none.
    private var held: HeldCallout?
    /// How many redirections are followed.
    package static let maximumRedirections = 20

    /// Makes a verifier that routes with a mail system's routers.
    package init(_ system: MailSystem) {
        router = { system.router }
        rewriter = { system.rewriter }
        callouts = system.callouts
    }

    /// Makes a verifier of recipients whose callouts leave their connection behind.
    package init(_ system: MailSystem, keeping held: HeldCallout) {
        self.init(system)
        self.held = held
    }

    /// Makes a verifier that routes with these routers.
    package init(_ system: MailSystem, _ router: AddressRouter) {
        self.router = { router }
        rewriter = { system.rewriter }
        callouts = system.callouts
    }

    /// Makes a verifier whose router is made when it is first wanted.
    init(
        callouts: Callouts, rewriter: @escaping @Sendable () -> Rewriter,
        router: @escaping @Sendable () throws(StartError) -> AddressRouter
    ) {
        self.callouts = callouts
        self.rewriter = rewriter
        self.router = router
    }

    package func rewritten(
        _ address: ByteString, asSender: Bool, _ facts: Facts
    ) async -> (address: ByteString, lines: [ACLState.LogLine]) {
        let rewriter = rewriter()
        guard !rewriter.isEmpty else { return (address, []) }
        let (new, events) = await rewriter.rewriteEnvelope(
            EmailAddress(address), as: asSender ? .envelopeFrom : .envelopeTo, facts)
        return (new.text, events.map(Self.line))
    }

    private static func line(_ event: RewriteEvent) -> ACLState.LogLine {
        switch event {
        case .rewritten: ACLState.LogLine(text: event.text, targets: [.main], item: .addressRewrite)
        case .problem: ACLState.LogLine(text: event.text, targets: [.main, .panic])
        case .noAddress: ACLState.LogLine(text: event.text, targets: [.main])
        }
    }

    package func verify(
        _ address: ByteString, _ order: VerificationOrder, _ facts: Facts
    ) async -> AddressVerification {
        let router: AddressRouter
        do {
            router = try self.router()
        } catch {
            return .deferred(said: nil, logged: ByteString(error.description))
        }
        var facts = facts
        // A sender is verified as the recipient of a bounce, which has none (manual, generic router option "senders").
        if order.asSender { facts.message.sender = "" }
        var current = RoutingAddress(address)
        for _ in 0..<Self.maximumRedirections {
            let result = await router.route(
                current, facts, purpose: order.asSender ? .verifySender : .verifyRecipient)
            if let copy = result.unseenCopy {
                // A copy on the way says nothing of the address; but who gets the message alone has not all.
                held?.spoil()
                current = copy
                continue
            }
            switch result.verdict {
            case .discarded, .finished: return .accepted(addressData: result.address.addressData)
            case .deliver(let instruction):
                let answer = await callouts.ask(
                    result.address.address, order, instruction, facts, router.environment,
                    keeping: keeping(address, result.address, instruction, facts))
                guard case .accepted(var acceptance) = answer ?? .accepted(.init()) else {
                    return answer ?? .accepted(.init())
                }
                acceptance.addressData = result.address.addressData
                let full = await callouts.quotaFailure(
                    address, order, instruction, facts, router.environment.expander)
                return full ?? .accepted(acceptance)
            case .failed(let trouble):
                return .failed(said: trouble.userText, logged: trouble.text)
            case .deferred(let trouble): return .deferred(said: trouble.userText, logged: trouble.text)
            case .redirected where order.acceptsRedirection:
                return .accepted(addressData: result.address.addressData)
            case .redirected(let items):
                guard items.count == 1, case .address(let only) = items[0] else {
                    return .accepted(addressData: result.address.addressData)
                }
                current = only
            }
        }
        return .deferred(said: nil, logged: "too many redirections while verifying <\(address)>")
    }

    private func keeping(
        _ subject: ByteString, _ address: RoutingAddress, _ instruction: DeliveryInstruction, _ facts: Facts
    ) -> Callouts.Keeping? {
        guard let held else { return nil }
        let item = DeliveryItem(
            address: address, instruction: instruction, uniqueKey: address.address.lowercasedASCII())
        return Callouts.Keeping(
            held: held,
            question: .init(
                recipient: .init(subject: subject, item: item), sender: facts.message.sender ?? "",
                transport: instruction.transport))
    }
}
