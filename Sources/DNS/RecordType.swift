package import Bytes

/// A type of DNS records, by its number (IANA registry; RFC 1035 section 3.2.2).
package struct RecordType: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The number on the wire.
    package let rawValue: UInt16

    /// Makes a type of any number.
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// An IPv4 address.
    package static let a = RecordType(rawValue: 1)
    /// The name of a zone's server.
    package static let ns = RecordType(rawValue: 2)
    /// The name that this name is an alias of.
    package static let cname = RecordType(rawValue: 5)
    /// A zone's start of authority.
    package static let soa = RecordType(rawValue: 6)
    /// The name that belongs to an address.
    package static let ptr = RecordType(rawValue: 12)
    /// A host that takes mail for a domain.
    package static let mx = RecordType(rawValue: 15)
    /// Free text.
    package static let txt = RecordType(rawValue: 16)
    /// An IPv6 address.
    package static let aaaa = RecordType(rawValue: 28)
    /// The host and port of a service (RFC 2782).
    package static let srv = RecordType(rawValue: 33)
    /// A zone's public key (RFC 4034, section 2).
    package static let dnskey = RecordType(rawValue: 48)
    /// A certificate association (RFC 6698).
    package static let tlsa = RecordType(rawValue: 52)
    /// SPF's own record type, given up by RFC 7208.
    package static let spf = RecordType(rawValue: 99)

    private static let names: [(RecordType, String)] = [
        (.a, "A"), (.ns, "NS"), (.cname, "CNAME"), (.soa, "SOA"), (.ptr, "PTR"), (.mx, "MX"), (.txt, "TXT"),
        (.aaaa, "AAAA"), (.srv, "SRV"), (.tlsa, "TLSA"), (.spf, "SPF"),
    ]

    /// Finds a type by its name, in any letter case.
    package init?(name: ByteString) {
        guard let found = Self.names.first(where: { name.equalsIgnoringCase($0.1.utf8) }) else { return nil }
        self = found.0
    }

    /// The type's name, or `TYPE<number>` (RFC 3597).
    package var description: String {
        Self.names.first { $0.0 == self }?.1 ?? "TYPE\(rawValue)"
    }
}
