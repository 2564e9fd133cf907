package import Bytes
package import Expansion
import MailText

/// `percent_hack_domains`: in these domains `user%elsewhere@here` means `user@elsewhere`.
package struct PercentHack: Sendable {
    private let domains: ListText
    private let expander: Expander

    /// Makes the rule for the domains of a list.
    package init(_ domains: ListText, _ expander: Expander) {
        self.domains = domains
        self.expander = expander
    }

    /// The address that is meant, the last percent sign being taken first; nil for one that means itself.
    ///
    /// Throws where the list cannot be looked through: an address must not be taken for a local one by mistake.
    package func meaning(
        of address: ByteString, _ facts: Facts
    ) async throws(RoutingTrouble) -> ByteString? {
        var meaning: ByteString?
        while true {
            let parts = AddressParts(meaning ?? address)
            guard let (local, domain) = parts.localPart.unquotedLocalPart.cutAtLast(UInt8(ascii: "%")) else {
                break
            }
            var facts = facts
            switch await expander.matchDomain(parts.domain.lowercasedASCII(), in: domains, &facts) {
            case .matched: break
            case .notMatched: return meaning
            case .deferred: throw RoutingTrouble("lookup defer for percent_hack_domains")
            }
            let isQuoted = parts.localPart.first == UInt8(ascii: "\"")
            meaning =
                "\(isQuoted ? ByteString(local).quotedLocalPart : ByteString(local))@\(domain)"
        }
        return meaning
    }
}
