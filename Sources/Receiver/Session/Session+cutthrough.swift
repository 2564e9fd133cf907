import ACL
import Bytes
import MailSystem

/// Recipients of a message that is passed on while its client waits (`control = cutthrough_delivery`).
extension Session {
    /// Lets callouts of the transaction leave their connection behind.
    mutating func holdCallouts() {
        guard held == nil, !context.isRehearsal, !context.isBatched else { return }
        let new = HeldCallout(system)
        held = new
        state.keepingVerifier = RoutingVerifier(system, keeping: new)
    }

    /// Names a recipient that the ACL accepts to the host that it goes to; what that refuses for good is refused here too.
    mutating func cutThrough(_ recipient: ByteString, _ verdict: ACLVerdict) async -> ACLVerdict {
        guard verdict.decision == .accept, let cutthrough = Cutthrough(state), let held, held.isWhole else {
            return verdict
        }
        let answer = await held.name(recipient, state.facts)
        if !held.isWhole { await held.end() }
        switch answer {
        case .accepted, nil: return verdict
        case .failed: return ACLVerdict(.deny)
        case .deferred(let deferral):
            return cutthrough.passesDeferral ? ACLVerdict(.defer, message: deferral.answer) : verdict
        }
    }
}

/// What an ACL has said of passing a message on at once.
struct Cutthrough {
    /// `defer=pass`: the client hears the host's temporary refusal, and keeps the message.
    let passesDeferral: Bool

    /// Nil where the message is not to be passed on, or another control says what is to become of it.
    init?(_ state: ACLState) {
        guard let control = state.controls.first(where: { $0.name == "cutthrough_delivery" }),
            !state.has("queue"), !state.has("queue_only"), !state.has("freeze"), state.queue == nil
        else { return nil }
        passesDeferral = control.options == "defer=pass"
    }
}
