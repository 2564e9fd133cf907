import ACL
import Bytes
import Expansion
import Routing
import Transports

extension Callouts {
    /// Whether the mailbox that an address was routed to has room; nil where it has (manual, section 44.49).
    ///
    /// `subject` is the address that was asked about, under which the answer is remembered.
    func quotaFailure(
        _ subject: ByteString, _ order: VerificationOrder, _ instruction: DeliveryInstruction, _ facts: Facts,
        _ expander: Expander
    ) async -> AddressVerification? {
        guard let caching = order.quota else { return nil }
        let now = expander.environment.now().seconds
        let cache = caching.isOn ? cache : nil
        if let known = await cache?.hadRoom(subject, caching, now: now) {
            return known ? nil : Self.full("Previous (cached) quota verification failure")
        }
        let transport = transports[instruction.transport]
        let hasRoom =
            await transport?.hasRoom(for: Int64(facts.message.size), instruction, facts, expander) ?? true
        await cache?.keep(hasRoom, of: subject)
        return hasRoom ? nil : Self.full("Over quota")
    }

    private static func full(_ text: ByteString) -> AddressVerification {
        var failure = AddressVerification.Failure(said: nil, logged: text)
        failure.stage = .quota
        return .failed(failure)
    }
}
