import Bytes
import Hints
package import SMTP

// TLS in callouts: as at delivery, with `hosts_verify_avoid_tls` in the place of `hosts_avoid_tls`.
extension CalloutTalk {
    /// Connects and begins a conversation; in clear text after all where no TLS session comes about and that is allowed.
    package static func open(
        _ place: Place, connectTimeout: Int64, timeout: Int64, _ loops: DeliveryLoops
    ) async throws(CalloutTrouble) -> CalloutTalk {
        if let refusal = place.tls?.plan.refusal {
            await place.events?.failed(refusal.result)
            throw CalloutTrouble(command: "connect", reply: nil, text: refusal.text)
        }
        do throws(CalloutTrouble) {
            return try await openOnce(place, connectTimeout: connectTimeout, timeout: timeout, loops)
        } catch {
            await place.tellOfDANE(error)
            guard error.isTLSFailure, let offer = place.tls, await offer.mayGoClear(tell: place.tell) else {
                throw error
            }
            place.tell(
                TransportLogLine(
                    "\(error.text): callout unencrypted to \(place.shown) (not in hosts_require_tls)"))
            var clear = place
            clear.tls = nil
            return try await openOnce(clear, connectTimeout: connectTimeout, timeout: timeout, loops)
        }
    }

    /// Begins TLS before anything is said, where `protocol = smtps` wants it.
    mutating func secureAtOnce(_ place: Place) async throws(CalloutTrouble) {
        guard let offer = place.tls, offer.plan.isImmediate else { return }
        try await shakeHands(offer, "connect")
    }

    /// Begins TLS where it is wanted and the server offers it, and greets again.
    mutating func secure(_ place: Place) async throws(CalloutTrouble) {
        guard let offer = place.tls, socket.tls == nil else { return }
        let command: ByteString = "STARTTLS"
        guard extensions.startTLS, !offer.plan.isAvoided else {
            guard offer.plan.isRequired else { return }
            throw Self.missing(command, isOffered: extensions.startTLS)
        }
        let reply = try await say(command)
        guard reply.isPositive else {
            guard reply.isPermanent || offer.plan.triesClear else { throw Self.refusal(command, reply) }
            guard !offer.plan.isRequired else { throw Self.missing(command, isOffered: true) }
            return
        }
        // Clear text after the go-ahead would be taken as if it had come under TLS.
        guard !reader.hasPending else {
            throw CalloutTrouble(command: command, reply: nil, text: TLSTexts.unsynchronised)
        }
        try await shakeHands(offer, command)
        try await greet(place)
    }

    private static func missing(_ command: ByteString, isOffered: Bool) -> CalloutTrouble {
        var trouble = CalloutTrouble(
            command: command, reply: nil, text: TLSTexts.missing(isOffered: isOffered))
        trouble.isTLSMissing = true
        return trouble
    }

    private mutating func shakeHands(
        _ offer: TLSOffer, _ command: ByteString
    ) async throws(CalloutTrouble) {
        guard let trouble = await offer.secure(&socket, events, timeout: timeout) else { return }
        var found = CalloutTrouble(command: command, reply: nil, text: trouble.text)
        found.isTLSFailure = true
        throw found
    }
}

extension CalloutTalk.Place {
    /// A host that DANE knows could not be used; where TLS was the reason, that is told.
    fileprivate func tellOfDANE(_ trouble: CalloutTrouble) async {
        guard let plan = tls?.plan, plan.isAnnounced else { return }
        if trouble.isTLSFailure {
            tell(TransportLogLine(DANEResult.failureText(of: shown, trouble.text)))
            await events?.failed(.validationFailure, plan.factsOfFailure)
        } else if trouble.isTLSMissing {
            await events?.failed(.of(trouble.text))
        }
    }
}
