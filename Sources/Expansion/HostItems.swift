import Bytes
import Lookups
import MailText

extension Evaluation {
    /// One item of a host list (manual, sections 10.11 to 10.15).
    mutating func matchHostItem(
        _ host: HostIdentity, _ pattern: ByteString, _ taint: Taint
    ) async -> ItemVerdict {
        if pattern.isEmpty { return host.address == nil ? .match(nil) : .noMatch }
        if pattern == "*" { return .match(nil) }
        guard let address = host.address?.unmapped else { return .noMatch }
        if let verdict = await matchByAddress(address, pattern, taint) { return verdict }
        let isPlainName =
            !pattern.contains(UInt8(ascii: "*")) && !pattern.contains(UInt8(ascii: ";"))
            && pattern.first != UInt8(ascii: "^")
        // Perhaps a part of an IPv6 address whose colons parted the list: no name is looked for.
        let number = pattern.prefix { $0 != UInt8(ascii: "/") }
        if !number.isEmpty, number.allSatisfy({ $0.isASCIIDigit || $0 == UInt8(ascii: ".") }) {
            return .unknown("malformed IPv4 address or address mask")
        }
        if isPlainName { return await matchPlainName(pattern, address, host) }
        return await matchByName(host, pattern, taint)
    }

    /// One item of the list of `match_ip`, where no names are looked up.
    mutating func matchIPItem(
        _ address: IPAddress?, _ pattern: ByteString, _ taint: Taint
    ) async -> ItemVerdict {
        if pattern.isEmpty { return address == nil ? .match(nil) : .noMatch }
        if pattern == "*" { return .match(nil) }
        guard let address = address?.unmapped else { return .noMatch }
        if let verdict = await matchByAddress(address, pattern, taint) { return verdict }
        guard let parts = pattern.cut(at: UInt8(ascii: ";")) else { return .noMatch }
        let type = ByteString(parts.before.trimmed())
        return await matchLookup(key(for: address, nil, type), type, parts.after, rules(taint))
    }

    private func rules(_ taint: Taint) -> StringRules {
        StringRules(taint: taint, allowsPartial: true, setsCaptures: false)
    }

    /// Items that need only the address; nil for items that need a name.
    private mutating func matchByAddress(
        _ address: IPAddress, _ pattern: ByteString, _ taint: Taint
    ) async -> ItemVerdict? {
        if pattern == "@[]" {
            return environment.localInterfaces().contains(address) ? .match(nil) : .noMatch
        }
        if let network = IPNetwork(pattern) {
            return network.contains(address) || network.address == address ? .match(nil) : .noMatch
        }
        guard pattern.starts(with: ByteString("net")), let parts = pattern.cut(at: UInt8(ascii: ";")) else {
            return nil
        }
        let word = parts.before.dropFirst(3)
        let digits = word.prefix(while: \.isASCIIDigit)
        let rest = word.dropFirst(digits.count)
        guard rest.first == UInt8(ascii: "-") else { return nil }
        let type = ByteString(rest.dropFirst().trimmed())
        let length = digits.isEmpty ? nil : Int(digits.decimalInteger() ?? 0)
        return await matchLookup(key(for: address, length, type), type, parts.after, rules(taint))
    }

    /// The key for an address: masked when a length is given, with colons only for `iplsearch`.
    private func key(for address: IPAddress, _ length: Int?, _ type: ByteString) -> ByteString {
        let masked = length.map { address.masked(to: $0) } ?? address
        let text =
            type.starts(with: ByteString("iplsearch")) ? masked.text : AddressOperators.lookupText(masked)
        return length.map { "\(text)/\($0)" } ?? text
    }

    /// A name without wildcards, or `@`: its addresses are looked up.
    private func matchPlainName(
        _ pattern: ByteString, _ address: IPAddress, _ host: HostIdentity
    ) async -> ItemVerdict {
        let name = pattern == "@" ? environment.settings.primaryHostName : pattern
        if let known = host.name, known.equalsIgnoringCase(name) { return .match(nil) }
        switch await environment.addressesOfHost(name) {
        case .found(let addresses):
            return addresses.contains { $0.unmapped == address } ? .match(nil) : .noMatch
        case .notFound:
            environment.noteAddressless(name, facts)
            return .unknown("failed to find IP address for \(name)")
        case .deferred(let reason): return .deferred(reason)
        }
    }

    /// Wildcards, regular expressions and lookups are tried with each of the host's names.
    private mutating func matchByName(
        _ host: HostIdentity, _ pattern: ByteString, _ taint: Taint
    ) async -> ItemVerdict {
        var isQuery = false
        if let parts = pattern.cut(at: UInt8(ascii: ";")), pattern.first != UInt8(ascii: "^") {
            do {
                isQuery =
                    try environment.lookups.resolve(ByteString(parts.before.trimmed())).driver.style == .query
            } catch {
                return .deferred(error.text)
            }
        }
        if isQuery { return await matchStringItem("", pattern, StringRules(taint: taint)) }
        let names: [ByteString]
        switch await self.names(of: host) {
        case .found(let found): names = found
        case .notFound:
            return .unknown("failed to find host name for \(host.address?.text ?? "")")
        case .deferred(let reason): return .deferred(reason)
        }
        for name in names {
            let verdict = await matchStringItem(name, pattern, StringRules(taint: taint, allowsPartial: true))
            if case .noMatch = verdict { continue }
            guard case .match = verdict, !pattern.contains(UInt8(ascii: ";")) else { return verdict }
            return .match(nil)
        }
        return .noMatch
    }

    private func names(of host: HostIdentity) async -> NameLookup {
        if let name = host.name { return .found([name]) }
        guard let address = host.address else { return .notFound }
        guard address == facts.connection.remoteAddress else {
            return await environment.namesOfAddress(address)
        }
        return await environment.nameOfPeer(facts)
    }
}
