package import Bytes
package import DNS
package import Expansion
package import Filter

/// Why an address is routed; some routers are only for some purposes.
package enum RoutingPurpose: Sendable, Hashable {
    /// To deliver it.
    case delivery
    /// `exim -bt`.
    case addressTest
    /// To verify a recipient.
    case verifyRecipient
    /// To verify a sender.
    case verifySender
    /// EXPN.
    case expand
}

/// What routers may ask of the world, and settings of the main section that bear on them.
package struct RoutingEnvironment: Sendable {
    /// Expands and matches.
    package var expander: Expander
    /// Answers DNS questions.
    package var resolver: any NameResolver
    /// Transports by name, and whether each is remote (smtp).
    package var transportIsRemote: [ByteString: Bool]
    /// Rewrites addresses that redirect routers make; nil where there are no rules.
    package var rewriter: Rewriter?
    /// `primary_hostname`.
    package var primaryHostName: ByteString = "localhost"
    /// `qualify_recipient`.
    package var qualifyRecipient: ByteString = "localhost"
    /// `hosts_treat_as_local`.
    package var hostsTreatedAsLocal: ListText?
    /// `disable_ipv6`.
    package var disablesIPv6 = false
    /// `allow_mx_to_ip`.
    package var allowsMXToIP = false
    /// `allow_domain_literals`.
    package var allowsDomainLiterals = false
    /// Accounts of the system.
    package var users = SystemUsers()
    /// `percent_hack_domains`; nil where it is not set.
    package var percentHack: PercentHack?
    /// How domains that are not whole are completed (`qualify_single`, `search_parents`).
    package var domainSearch = DomainSearch(domains: [])
    /// Addresses of a name by the system's own means (`/etc/hosts` and so on), as `byname` wants them.
    package var addressesByName: @Sendable (ByteString) async -> AddressLookup = SystemHosts.addresses
    /// Random numbers for the order of equals.
    package var random: @Sendable () -> any RandomNumberGenerator & Sendable = {
        SystemRandomNumberGenerator()
    }

    /// Hears what routers do with an address, one line each; nil where nobody wants to know.
    package var trace: (@Sendable (ByteString) -> Void)?
    /// Gets what `debug_print` of a router says, a whole line; nil where nobody debugs.
    package var debugPrint: (@Sendable (ByteString) -> Void)?
    /// Asks a command for a queryprogram router.
    package var ask: @Sendable (QueryCommand) async -> QueryAnswer = { _ in
        .failed("no commands are run here")
    }
    /// Writes a line of a filter to its log file as a user, and tells what went wrong.
    package var writeFilterLog: @Sendable (FilterLogLine, DeliveryUser) async -> ByteString? = { _, _ in nil }

    /// Makes an environment; settings are set afterwards.
    package init(
        expander: Expander, resolver: any NameResolver, transportIsRemote: [ByteString: Bool]
    ) {
        self.expander = expander
        self.resolver = resolver
        self.transportIsRemote = transportIsRemote
    }
}

/// A router that cannot be used as it is configured.
package struct RoutingConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The router.
    package var router: ByteString
    /// A sentence: what is wrong and what was expected.
    package var problem: ByteString

    /// The error in one line for people.
    package var description: String { "router \(router): \(problem)" }
}
