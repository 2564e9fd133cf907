package import ACL
package import Bytes
package import Expansion
import MailText
import Routing
import SMTP
import Synchronization
import Transports

/// The connection of a recipient's callout, kept for further recipients of the transaction and for its message
/// (callout option `hold`, `control = cutthrough_delivery`).
///
/// One task at a time uses it. The connection closes with the value at the latest; until then the host has had MAIL and
/// RCPT, and nothing of a message.
package final class HeldCallout: Sendable {
    /// Who has been named to the host.
    struct Recipient: Sendable {
        /// The address as the envelope will have it.
        var subject: ByteString
        /// What routing made of it.
        var item: DeliveryItem
    }

    /// A connection and what was said on it.
    struct Kept: ~Copyable, Sendable {
        var talk: CalloutTalk
        var transport: ByteString
        var host: (name: ByteString, address: IPAddress)
        var identity: CalloutTalk.Place.Identity
        var sender: ByteString
        var recipients: [Recipient]
    }

    let system: MailSystem
    private let kept = Mutex<Kept?>(nil)
    private let spoiled = Mutex(false)

    /// Keeps nothing yet.
    package init(_ system: MailSystem) { self.system = system }

    /// Whether nothing has happened for which the message has to go the ordinary way.
    package var isWhole: Bool { !spoiled.withLock(\.self) }

    /// Notes that the message has to go the ordinary way.
    package func spoil() { spoiled.withLock { $0 = true } }

    /// Ends the connection, if there is one.
    package func end() async {
        guard let old = take() else { return }
        await old.talk.quit()
    }

    /// The connection, which is kept no longer.
    func take() -> Kept? { kept.withLock { $0.take() } }

    private func put(_ new: consuming Kept) {
        var back: Kept? = consume new
        kept.withLock { $0 = back.take() }
    }

    // MARK: Recipients

    /// Who asks for what, when a recipient is named.
    struct Question: Sendable {
        var recipient: Recipient
        var sender: ByteString
        var transport: ByteString
    }

    /// Names a further recipient to the host, where it is one of its hosts; nil where a connection of its own is wanted.
    func ask(_ question: Question, _ hosts: [CalloutTalk.Place.Identity]) async -> CalloutAnswer? {
        guard var old = take() else { return nil }
        guard old.transport == question.transport, old.sender == question.sender,
            hosts.contains(old.identity)
        else {
            spoil()
            await old.talk.quit()
            return nil
        }
        // Whoever became the same address is named once: a host need not see that they are one.
        if old.recipients.contains(where: { $0.item.uniqueKey == question.recipient.item.uniqueKey }) {
            old.recipients.append(question.recipient)
            put(old)
            return .accepted
        }
        let command: ByteString = "RCPT TO:<\(question.recipient.item.address.address)>"
        do throws(CalloutTrouble) {
            let reply = try await old.talk.say(command)
            if reply.isPositive {
                old.recipients.append(question.recipient)
                put(old)
                return .accepted
            }
            spoil()
            await old.talk.quit()
            guard reply.isPermanent else { return nil }
            var trouble = CalloutTalk.refusal(command, reply)
            trouble.text = "response to \"\(command)\" was: \(reply.loggedText)"
            return .refused(CalloutRefusal(matter: .address, trouble: trouble))
        } catch {
            spoil()
            return nil
        }
    }

    /// Keeps a connection on which a first recipient was named.
    func keep(
        _ talk: consuming CalloutTalk, at host: (name: ByteString, address: IPAddress),
        _ identity: CalloutTalk.Place.Identity, _ question: Question
    ) {
        put(
            Kept(
                talk: talk, transport: question.transport, host: host, identity: identity,
                sender: question.sender, recipients: [question.recipient]))
    }

    /// Names an accepted recipient to the host that it goes to, unless that is done already; nil where it is, or need not
    /// be.
    package func name(_ address: ByteString, _ facts: Facts) async -> AddressVerification? {
        let verifier = RoutingVerifier(system, keeping: self)
        let (subject, _) = await verifier.rewritten(address, asSender: false, facts)
        guard !isNamed(subject) else { return nil }
        var order = VerificationOrder(asSender: false)
        order.callout = CalloutOrder()
        order.callout?.sender = .sender
        order.callout?.usesCache = false
        let answer = await verifier.verify(subject, order, facts)
        if !isNamed(subject) { spoil() }
        return answer
    }

    private func isNamed(_ subject: ByteString) -> Bool {
        kept.withLock { kept in
            switch kept {
            case .some(let kept): kept.recipients.contains { $0.subject == subject }
            case .none: false
            }
        }
    }
}
