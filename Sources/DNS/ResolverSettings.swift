package import Bytes

/// How the resolver asks, and whom it believes.
package struct ResolverSettings: Sendable {
    /// Where validation begins.
    package enum Anchors: Sendable, Equatable {
        /// The root's keys as Debian's package dns-root-data ships them, where the servers pass on what proves them;
        /// servers that do not know DNSSEC are asked without validation.
        case rootWherePossible
        /// The root's keys as Debian's package dns-root-data ships them; what cannot be validated is no answer.
        case root
        /// A file of DS or DNSKEY records in zone format.
        case file(ByteString)
        /// DS or DNSKEY records in zone format, one each.
        case records([ByteString])
        /// No validation: no answer is secure.
        case none
    }

    /// Who is asked.
    package enum Servers: Sendable, Equatable {
        /// The servers that a file in the format of resolv.conf(5) names.
        case resolvConf(ByteString)
        /// These, each `address` or `address@port`.
        case forward([ByteString])
        /// The authoritative servers, from the root down.
        case recurse
    }

    /// Where validation begins.
    package var anchors: Anchors = .rootWherePossible
    /// Hears once in a while that nothing is validated, and why.
    package var noteUnvalidated: @Sendable (ByteString) -> Void = { _ in }
    /// Who is asked.
    package var servers: Servers = .resolvConf("/etc/resolv.conf")
    /// A file of hosts (`/etc/hosts`) to answer from first, never securely; nil for none.
    package var hostsFile: ByteString?
    /// Whether to ask over TCP only.
    package var tcp = false
    /// After how long a question is answered with `.tryAgain`.
    package var timeLimit: Duration = .seconds(30)
    /// Which names may be asked for (`dns_check_names_pattern`); the others do not exist.
    ///
    /// Like Exim, names of TXT and PTR records are not checked. The default is what Exim's built-in pattern
    /// matches, which allows underscores although its manual shows a pattern that does not.
    package var mayAsk: @Sendable (ByteString) -> Bool = DNSName.isUsual
    /// How many octets each of libunbound's two caches may take.
    package var cacheSize = 8 << 20

    /// Domains, with all below them, that are not validated: a site's own names that the root knows nothing of.
    package var insecureDomains = privateDomains

    /// Names that the root will never delegate, and that sites use for themselves (RFC 6762, appendix G; RFC 8375;
    /// ICANN's resolution 2024.07.29 on `internal`).
    package static let privateDomains: [ByteString] = [
        "corp", "home", "home.arpa", "internal", "intranet", "lan", "local", "localdomain", "private",
    ]

    /// The root's keys, from Debian's package dns-root-data.
    package static let rootAnchorFile: ByteString = "/usr/share/dns/root.key"

    /// The same without validation.
    var withoutAnchors: ResolverSettings {
        var settings = self
        settings.anchors = .none
        return settings
    }

    /// Validates from the root and asks the system's servers.
    package init() {}
}

/// Why no resolver could be made; the text tells what to do.
package struct ResolverError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The setting that was refused.
    package let setting: ByteString
    /// The reason.
    package let reason: ByteString

    /// The text for people.
    package var description: String { "DNS resolver: \(setting): \(reason)" }
}
