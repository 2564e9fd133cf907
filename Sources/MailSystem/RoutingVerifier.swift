package import ACL
package import Bytes
package import Expansion
import Routing

/// Answers `verify = sender` and `verify = recipient` by routing the address.
///
/// A redirection to one other address is followed, as Exim does; to several it counts as verified.
package struct RoutingVerifier: AddressVerifier {
    private let system: MailSystem
    /// How many redirections are followed.
    package static let maximumRedirections = 20

    /// Makes a verifier that routes with a mail system's routers.
    package init(_ system: MailSystem) { self.system = system }

    package func verify(_ address: ByteString, asSender: Bool, _ facts: Facts) async -> AddressVerification {
        var current = RoutingAddress(address)
        for _ in 0..<Self.maximumRedirections {
            let result = await system.router.route(
                current, facts, purpose: asSender ? .verifySender : .verifyRecipient)
            switch result.verdict {
            case .deliver, .discarded: return .accepted(addressData: result.address.addressData)
            case .failed(let trouble):
                return .failed(said: trouble.userText, logged: trouble.text)
            case .deferred(let trouble): return .deferred(said: trouble.userText, logged: trouble.text)
            case .redirected(let items):
                guard items.count == 1, case .address(let only) = items[0] else {
                    return .accepted(addressData: result.address.addressData)
                }
                current = only
            }
        }
        return .deferred(said: nil, logged: "too many redirections while verifying <\(address)>")
    }
}
