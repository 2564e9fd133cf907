package import Bytes

/// A host that a lookup found for a domain's mail.
package struct MailHost: Sendable, Equatable {
    /// The host's name as the DNS gave it.
    package var name: ByteString
    /// MX preference or SRV priority; nil for a domain without either, which is its own host.
    package var preference: UInt16?
    /// The port that an SRV record gives; nil otherwise.
    package var port: UInt16?
    /// The addresses in the order to try; empty when `deferral` says why.
    package var addresses: [IPAddress]
    /// Whether all of the addresses were validated (DNSSEC).
    package var secure: Bool
    /// Why the addresses are not known now; nil when they are.
    package var deferral: ByteString?
    /// The names under which TLSA records may be, in the order to look: the end of the aliases, and the name that led
    /// there (RFC 7672, section 2.2.2).
    package var names: [ByteString] = []

    /// Makes a host.
    package init(
        name: ByteString, preference: UInt16? = nil, port: UInt16? = nil, addresses: [IPAddress],
        secure: Bool = false, deferral: ByteString? = nil
    ) {
        self.name = name
        self.preference = preference
        self.port = port
        self.addresses = addresses
        self.secure = secure
        self.deferral = deferral
    }
}

/// The hosts of a domain, best first.
package struct MailHosts: Sendable, Equatable {
    /// Sorted by preference, in random order among equals; at least one has addresses.
    package var hosts: [MailHost]
    /// Whether the MX or SRV records (or, without any, the proof of their absence) were validated.
    package var secure: Bool
    /// The domain's canonical name, where it is an alias.
    package var canonicalName: ByteString

    /// The name that was found: the domain, or what it was completed to.
    package var domain: ByteString

    /// Makes a list.
    package init(
        hosts: [MailHost], secure: Bool, canonicalName: ByteString, domain: ByteString
    ) {
        self.hosts = hosts
        self.secure = secure
        self.canonicalName = canonicalName
        self.domain = domain
    }
}

/// How the search for a domain's hosts went (dnslookup router).
package enum MailHostsOutcome: Sendable, Equatable {
    /// Hosts; those with a `deferral` have no addresses at present.
    case hosts(MailHosts)
    /// A null MX or a lone SRV target `.`: the domain takes no mail (RFC 7505).
    case noService(secure: Bool)
    /// The domain does not exist.
    case noSuchDomain(secure: Bool)
    /// The domain exists but has no MX where one is required, or neither MX nor address.
    case noHosts(secure: Bool)
    /// There are MX (or SRV) records, but none points to a host with an address; how the names are wrong,
    /// and the name that has the records.
    case hostsWithoutAddress(invalidlyIPAddresses: Bool, domain: ByteString)
    /// Not known now.
    case deferred(ByteString)
}

/// How the search for a host's addresses went.
package enum AddressesOutcome: Sendable, Equatable {
    /// The addresses in the order to try; whether all were validated; the name at the end of aliases.
    case addresses([IPAddress], secure: Bool, canonicalName: ByteString)
    /// The name exists without addresses, or does not exist.
    case none(nameExists: Bool, secure: Bool)
    /// Not known now.
    case deferred(ByteString)
}

/// How the search for an address's name went (`host_lookup`).
package enum ReverseOutcome: Sendable, Equatable {
    /// Names whose own addresses include the address, in the order of the answer; whether all was validated.
    case names([ByteString], secure: Bool)
    /// There is no name, or none whose own addresses include the address (these are then listed).
    case none(unconfirmed: [ByteString])
    /// Not known now.
    case deferred(ByteString)
}
