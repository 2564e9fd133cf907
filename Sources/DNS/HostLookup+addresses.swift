package import Bytes

extension HostLookup {
    /// Finds a host's addresses: IPv6 before IPv4, unless the options say otherwise.
    ///
    /// Trouble with one family is trouble only when the other one gives no address.
    package func addresses(of host: ByteString) async -> AddressesOutcome {
        let families: [RecordType] =
            options.ipv4Only ? [.a] : options.ipv4Prefer ? [.a, .aaaa] : [.aaaa, .a]
        let answers = await both(host, families)
        var found: [IPAddress] = []
        for record in answers.flatMap(\.records) {
            if case .address(let address) = record.data, !found.contains(address) { found.append(address) }
        }
        let secure = answers.allSatisfy(\.secure)
        if !found.isEmpty {
            let name = answers.first { !$0.records.isEmpty }?.canonicalName ?? host
            let relevant = answers.filter { !$0.records.isEmpty }
            return .addresses(found, secure: relevant.allSatisfy(\.secure), canonicalName: name)
        }
        for answer in answers {
            switch answer.outcome {
            case .tryAgain(let reason), .failed(let reason): return .deferred(reason)
            case .records, .noData, .noSuchDomain: continue
            }
        }
        let exists = answers.contains { $0.outcome == .noData || !$0.records.isEmpty }
        return .none(nameExists: exists, secure: secure)
    }

    /// Asks for both families at once.
    private func both(_ host: ByteString, _ families: [RecordType]) async -> [DNSAnswer] {
        guard families.count > 1, let first = families.first, let last = families.last else {
            return [await resolver.lookup(host, .a)]
        }
        async let one = resolver.lookup(host, first)
        async let other = resolver.lookup(host, last)
        return await [one, other]
    }

    /// Finds the names of an address, and keeps those that lead back to it (`host_lookup`).
    package func names(of address: IPAddress) async -> ReverseOutcome {
        let answer = await resolver.lookup(address.reverseName, .ptr)
        switch answer.outcome {
        case .noData, .noSuchDomain: return .none(unconfirmed: [])
        case .tryAgain(let reason), .failed(let reason): return .deferred(reason)
        case .records(let records): return await confirmed(records, of: address, secure: answer.secure)
        }
    }

    private func confirmed(
        _ records: [DNSRecord], of address: IPAddress, secure: Bool
    ) async -> ReverseOutcome {
        var names: [ByteString] = []
        var candidates: [ByteString] = []
        var allSecure = secure
        var trouble: ByteString?
        for record in records.prefix(Self.mostHosts) {
            guard case .name(let name) = record.data, name != "." else { continue }
            candidates.append(name)
            switch await addresses(of: name) {
            case .addresses(let found, let namesSecure, _) where found.contains(address):
                names.append(name)
                allSecure = allSecure && namesSecure
            case .addresses, .none: continue
            case .deferred(let reason): trouble = trouble ?? reason
            }
        }
        if !names.isEmpty { return .names(names, secure: allSecure) }
        if let trouble { return .deferred(trouble) }
        return .none(unconfirmed: candidates)
    }
}
