import Bytes
import Lookups

extension Evaluation {
    /// One item of a domain list (manual, section 10.8).
    mutating func matchDomainItem(
        _ domain: ByteString, _ pattern: ByteString, _ taint: Taint
    ) async -> ItemVerdict {
        if pattern.first == UInt8(ascii: "@") {
            if let verdict = await matchSelf(domain, pattern) { return verdict }
        }
        let before = facts.address.domain
        facts.address.domain = TaintedBytes(domain, .tainted)
        let verdict = await matchStringItem(domain, pattern, StringRules(taint: taint, allowsPartial: true))
        facts.address.domain = before
        return verdict
    }

    /// `@`, `@[]`, `@mx_any`, `@mx_primary`, `@mx_secondary`; nil for anything else.
    private mutating func matchSelf(_ domain: ByteString, _ pattern: ByteString) async -> ItemVerdict? {
        if pattern == "@" {
            let name = environment.settings.primaryHostName
            return domain.equalsIgnoringCase(name) ? .match(TaintedBytes(name)) : .noMatch
        }
        if pattern == "@[]" { return matchLiteral(domain) }
        guard pattern.startsIgnoringCase(with: ByteString("@mx_")) else { return nil }
        let parts = pattern.cut(at: UInt8(ascii: "/"))
        let word = ByteString(parts?.before ?? pattern[...]).lowercasedASCII()
        guard ["@mx_any", "@mx_primary", "@mx_secondary"].contains(word) else { return nil }
        var ignored: [ByteString] = []
        if let option = parts?.after {
            guard option.starts(with: ByteString("ignore=")) else {
                return .deferred("unknown option in \"\(pattern)\"; ignore=<ip list> is known")
            }
            ignored = ListItems(ByteString(option.dropFirst(7))).all
        }
        return await matchExchangers(domain, word, ignored)
    }

    private func matchLiteral(_ domain: ByteString) -> ItemVerdict {
        guard domain.first == UInt8(ascii: "["), domain.last == UInt8(ascii: "]") else { return .noMatch }
        var text = domain.dropFirst().dropLast()
        if text.startsIgnoringCase(with: ByteString("ipv6:")) { text = text.dropFirst(5) }
        guard let address = IPAddress(text), environment.localInterfaces().contains(address) else {
            return .noMatch
        }
        return .match("@[]")
    }

    private mutating func matchExchangers(
        _ domain: ByteString, _ word: ByteString, _ ignored: [ByteString]
    ) async -> ItemVerdict {
        let hosts: [MailExchanger]
        switch await environment.mailExchangers(domain) {
        case .found(let found): hosts = found
        case .notFound: return .noMatch
        case .deferred(let reason): return .deferred(reason)
        }
        let own = Set(environment.localInterfaces())
        let networks = ignored.compactMap { IPNetwork($0) }
        let usable = hosts.map { host in
            (
                host.preference,
                host.addresses.filter { address in !networks.contains { $0.contains(address) } }
            )
        }.filter { !$0.1.isEmpty }
        let ours = usable.filter { $0.1.contains { own.contains($0) } }.map(\.0)
        guard let best = ours.min(), let first = usable.map(\.0).min() else { return .noMatch }
        let isPrimary = best == first
        let holds =
            switch word {
            case "@mx_primary": isPrimary
            case "@mx_secondary": !isPrimary
            default: true
            }
        return holds ? .match(TaintedBytes(domain)) : .noMatch
    }
}
