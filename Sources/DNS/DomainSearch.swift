package import Bytes

/// How names that are not whole are completed, as resolver(5) has it: the domains of `search` or `domain`, and `ndots`.
package struct DomainSearch: Sendable, Hashable {
    /// The most domains that are tried.
    package static let mostDomains = 32
    /// The most dots that `ndots` can ask for.
    package static let mostDots = 15

    /// What is put behind a name, in order; the first one is the default domain.
    package var domains: [ByteString]
    /// From how many dots on a name is first tried as it stands.
    package var dots = 1

    /// Makes a value.
    package init(domains: [ByteString]) { self.domains = domains }

    /// Reads the text of a resolv.conf; without `search` and `domain` the default domain is that of the host's name.
    ///
    /// What it does not know is passed over.
    package init(resolvConf text: ByteString, hostName: ByteString) {
        domains = hostName.cut(at: UInt8(ascii: ".")).map { [ByteString($0.after)] } ?? []
        for line in text.split(separator: .newline) {
            let words = line.split(whereSeparator: \.isASCIISpace).map { ByteString($0) }
            switch words.first {
            case "search": domains = Self.usable(words.dropFirst())
            case "domain": domains = Self.usable(words.dropFirst().prefix(1))
            case "options":
                for word in words where word.starts(with: ByteString("ndots:")) {
                    guard let number = word.dropFirst(6).decimalInteger(), number >= 0 else { continue }
                    dots = min(Int(clamping: number), Self.mostDots)
                }
            default: continue
            }
        }
        domains.removeAll { $0.isEmpty }
    }

    private static func usable(_ words: some Sequence<ByteString>) -> [ByteString] {
        words.prefix(mostDomains).map { $0.last == UInt8(ascii: ".") ? ByteString($0.dropLast()) : $0 }
    }

    /// The names that are asked for in turn: for one without dots if `qualify` (the resolver's RES_DEFNAMES), for others
    /// if `search` (RES_DNSRCH); without `search` only the default domain counts.
    package func names(for name: ByteString, qualify: Bool, search: Bool) -> [ByteString] {
        let count = name.count { $0 == UInt8(ascii: ".") }
        guard name.last != UInt8(ascii: "."), count == 0 ? qualify : search else { return [name] }
        let whole = domains.prefix(search ? Self.mostDomains : 1).map { "\(name).\($0)" as ByteString }
        return count >= dots ? [name] + whole : whole + [name]
    }
}
