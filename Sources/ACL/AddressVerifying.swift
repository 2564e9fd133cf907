package import Bytes
package import Expansion

/// How an address is verified.
package struct VerificationOrder: Sendable, Hashable {
    /// Whether it is a sender's, so that mail to it would be a bounce.
    package var asSender: Bool
    /// Whether any redirection is good enough (`success_on_redirect`).
    package var acceptsRedirection = false
    /// Whether hosts are asked (`callout`); nil asks none.
    package var callout: CalloutOrder?
    /// Whether a mailbox must have room (`quota`), and how long that is remembered; nil does not ask.
    package var quota: QuotaCaching?

    /// By routing alone.
    package init(asSender: Bool) { self.asSender = asSender }
}

/// What stage of a verification said no: `$sender_verify_failure` and `$recipient_verify_failure`.
package enum VerificationStage: ByteString, Sendable, Hashable {
    /// Routing.
    case route
    /// The host, up to MAIL.
    case mail
    /// The host, to RCPT.
    case recipient
    /// The host, to the postmaster's address.
    case postmaster
    /// The mailbox, which is full.
    case quota
}

/// Whether mail for an address could be delivered, as far as routing and perhaps a callout tell.
package enum AddressVerification: Sendable, Hashable {
    /// It is good.
    case accepted(Acceptance)
    /// It is not.
    case failed(Failure)
    /// It cannot be told now.
    case deferred(Deferral)

    /// Why an address is not good.
    package struct Failure: Sendable, Hashable {
        /// What the client may hear.
        package var said: ByteString?
        /// What the log says; nil where all is known that there is to tell.
        package var logged: ByteString?
        /// Who said it; nil for a host that would not even talk.
        package var stage: VerificationStage? = .route
        /// How the text for the client begins, before the sender's address.
        package var headline: ByteString = "Verification failed for"

        /// Makes the value.
        package init(said: ByteString?, logged: ByteString?) {
            self.said = said
            self.logged = logged
        }

        /// What there is to tell the client.
        package var words: ByteString { said ?? logged ?? "" }
    }

    /// Why it cannot be told.
    package struct Deferral: Sendable, Hashable {
        /// What the client may hear.
        package var said: ByteString?
        /// What the log says.
        package var logged: ByteString
        /// Whether it is hosts that could not be asked.
        package var isCallout = false
        /// What the last host answered, with its code in front; nil where none did.
        package var answer: ByteString?

        /// Makes the value.
        package init(said: ByteString?, logged: ByteString) {
            self.said = said
            self.logged = logged
        }
    }

    /// What is known of a good address.
    package struct Acceptance: Sendable, Hashable {
        /// What its router left (`$address_data`).
        package var addressData: TaintedBytes?
        /// Whether a random address was good too, so that this one proves little.
        package var byRandom = false

        /// Makes the value.
        package init(addressData: TaintedBytes? = nil) { self.addressData = addressData }
    }

    /// An address that routing refuses.
    package static func failed(said: ByteString?, logged: ByteString) -> AddressVerification {
        .failed(Failure(said: said, logged: logged))
    }

    /// An address that routing cannot tell of.
    package static func deferred(said: ByteString?, logged: ByteString) -> AddressVerification {
        .deferred(Deferral(said: said, logged: logged))
    }

    /// A good address with what its router left.
    package static func accepted(addressData: TaintedBytes?) -> AddressVerification {
        .accepted(Acceptance(addressData: addressData))
    }
}

/// Who answers `verify = sender` and `verify = recipient`; the composition root gives one that routes.
package protocol AddressVerifier: Sendable {
    /// Verifies an address without delivering anything.
    func verify(
        _ address: ByteString, _ order: VerificationOrder, _ facts: Facts
    ) async -> AddressVerification

    /// The address by the rewriting rules, which verification applies first, and what is to be logged of that.
    func rewritten(
        _ address: ByteString, asSender: Bool, _ facts: Facts
    ) async -> (address: ByteString, lines: [ACLState.LogLine])
}

extension AddressVerifier {
    /// Without rules.
    package func rewritten(
        _ address: ByteString, asSender: Bool, _ facts: Facts
    ) async -> (address: ByteString, lines: [ACLState.LogLine]) {
        (address, [])
    }

    /// Verifies by routing alone.
    package func verify(_ address: ByteString, asSender: Bool, _ facts: Facts) async -> AddressVerification {
        await verify(address, VerificationOrder(asSender: asSender), facts)
    }
}
