import Bytes
import DNS

extension SPFEvaluation {
    /// Whether a mechanism matches the client (RFC 7208 chapter 5).
    mutating func matches(
        _ mechanism: SPFRecord.Mechanism, _ domain: ByteString
    ) async throws(SPFTrouble) -> Bool {
        switch mechanism {
        case .all: return true
        case .network(let network): return network.contains(question.client)
        case .include, .a, .mx, .ptr, .exists: try countTerm()
        }
        switch mechanism {
        case .include(let name): return try await checkOther(await expand(name, domain).name).result == .pass
        case .a(let name, let lengths):
            let found = try await termAddresses(of: await target(name, domain), family)
            return found.contains { covers($0, lengths) }
        case .mx(let name, let lengths): return try await exchangersMatch(await target(name, domain), lengths)
        case .ptr(let name): return try await namesMatch(await target(name, domain))
        // An IPv4 address is asked for whatever the client has (RFC 7208 section 5.7).
        case .exists(let name):
            return try await !termAddresses(of: await expand(name, domain).name, .a).isEmpty
        case .all, .network: return false
        }
    }

    private mutating func target(_ name: SPFMacros?, _ domain: ByteString) async -> ByteString {
        guard let name else { return domain }
        return await expand(name, domain).name
    }

    private func covers(_ address: IPAddress, _ lengths: SPFRecord.PrefixLengths) -> Bool {
        guard address.isV6 == question.client.isV6 else { return false }
        let length = address.isV6 ? lengths.v6 : lengths.v4
        return address.masked(to: length) == question.client.masked(to: length)
    }

    /// The type of the client's address.
    private var family: RecordType { question.client.isV6 ? .aaaa : .a }

    /// The addresses that a term asks for; none at all count against it, but for a name that is not asked for.
    private mutating func termAddresses(
        of name: ByteString, _ type: RecordType
    ) async throws(SPFTrouble) -> [IPAddress] {
        let found = try await addresses(of: name, type)
        if found.isEmpty, Self.isAskable(name), resolver.mayAsk(name) { try countVoid() }
        return found
    }

    private func addresses(of name: ByteString, _ type: RecordType) async throws(SPFTrouble) -> [IPAddress] {
        guard Self.isAskable(name) else { return [] }
        return try await ask(name, type).compactMap { data in
            if case .address(let address) = data { address } else { nil }
        }
    }

    private mutating func exchangersMatch(
        _ name: ByteString, _ lengths: SPFRecord.PrefixLengths
    ) async throws(SPFTrouble) -> Bool {
        guard Self.isAskable(name) else { return false }
        let hosts = try await ask(name, .mx).compactMap { data -> ByteString? in
            if case .mailExchanger(_, let host) = data { host } else { nil }
        }
        if hosts.isEmpty { try countVoid() }
        guard hosts.count <= Self.mostNames else { throw .permanent("Mechanisms used too many DNS lookups") }
        for host in hosts where try await addresses(of: host, family).contains(where: { covers($0, lengths) })
        {
            return true
        }
        return false
    }

    /// Whether one of the client's names is the domain or lies in it (`ptr`).
    ///
    /// Trouble means no (RFC 7208 section 5.5).
    private mutating func namesMatch(_ domain: ByteString) async throws(SPFTrouble) -> Bool {
        let names = await lookUpClient()
        if names.areNone { try countVoid() }
        return names.validated.contains { $0.equalsIgnoringCase(domain) || Self.isBelow($0, domain) }
    }

    static func isBelow(_ name: ByteString, _ domain: ByteString) -> Bool {
        name.lowercasedASCII().ends(with: ".\(domain.lowercasedASCII())" as ByteString)
    }

    /// Looks for the client's names, and which lead back to its address; the first ten are looked at.
    mutating func lookUpClient() async -> ClientNames {
        if let clientNames { return clientNames }
        var found = ClientNames()
        let answers = try? await ask(question.client.reverseName, .ptr)
        found.areNone = answers?.isEmpty == true
        for case .name(let name) in (answers ?? []).prefix(Self.mostNames) {
            // A name whose addresses cannot be had is passed over.
            let addresses = (try? await addresses(of: name, family)) ?? []
            if addresses.contains(question.client) { found.validated.append(name) }
        }
        clientNames = found
        return found
    }
}
