import Bytes
import Configuration
import Expansion
import Lookups

/// One item of `dnslists` (manual, "Using DNS lists"): `domain[,domain][[!]=[=]address,...][/keys]`, `&` for `=` where bits count.
struct DNSList: Sendable, Hashable {
    /// Which addresses count.
    struct Restriction: Sendable, Hashable {
        /// `!` before the sign.
        var isNegated: Bool
        /// `==` or `=&`: every record must match, not any.
        var wantsAll: Bool
        /// `&`: the addresses are masks.
        var isMask: Bool
        var addresses: [IPAddress]

        /// Whether records with these addresses are meant.
        func holds(for found: [IPAddress]) -> Bool {
            let matches = found.map { address in addresses.contains { fits(address, $0) } }
            let result = wantsAll ? matches.allSatisfy { $0 } : matches.contains(true)
            return result != isNegated
        }

        private func fits(_ address: IPAddress, _ wanted: IPAddress) -> Bool {
            guard DNSList.counts(address) else { return false }
            guard isMask else { return address == wanted }
            return zip(address.octets, wanted.octets).allSatisfy { $0 & $1 == $1 }
        }
    }

    /// The list that is named and gives the text.
    let domain: ByteString
    /// The list that is asked first, with the restriction; mostly the same.
    let asked: ByteString
    let restriction: Restriction?
    /// What is looked up instead of the client's address; nil for that.
    let keys: ByteString?

    /// Reads an item; the error is the text for the log.
    init(_ item: ByteString) throws(LookupTrouble) {
        let parts = item.cut(at: UInt8(ascii: "/"))
        keys = parts.map { ByteString($0.after) }
        let head = parts?.before ?? item[...]
        let sign = head.firstIndex { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "&") }
        var name = sign.map { head[..<$0] } ?? head
        let isNegated = sign != nil && name.last == UInt8(ascii: "!")
        if isNegated { name = name.dropLast() }
        let names = name.split(separator: UInt8(ascii: ","), maxSplits: 1).map { ByteString($0.trimmed()) }
        guard let first = names.first, !first.isEmpty else {
            throw LookupTrouble("a domain is missing in the DNS list item \"\(item)\"")
        }
        domain = first
        asked = names.last ?? first
        restriction = try sign.map { place throws(LookupTrouble) in
            try Self.restriction(head[place...], isNegated: isNegated, item)
        }
    }

    private static func restriction(
        _ text: ArraySlice<UInt8>, isNegated: Bool, _ item: ByteString
    ) throws(LookupTrouble) -> Restriction {
        var rest = text
        var result = Restriction(isNegated: isNegated, wantsAll: false, isMask: false, addresses: [])
        if rest.popFirst() == UInt8(ascii: "&") {
            result.isMask = true
        } else if rest.first == UInt8(ascii: "=") || rest.first == UInt8(ascii: "&") {
            result.wantsAll = true
            result.isMask = rest.popFirst() == UInt8(ascii: "&")
        }
        for part in rest.split(separator: UInt8(ascii: ",")) {
            guard let address = IPAddress(ByteString(part.trimmed())) else {
                throw LookupTrouble(
                    "\"\(ByteString(part))\" is no IP address in the DNS list item \"\(item)\"")
            }
            result.addresses.append(address)
        }
        return result
    }

    /// Only addresses in 127.0.0.0/8 count: a list that gives others is not what it was.
    static func counts(_ address: IPAddress) -> Bool { address.octets.first == 127 }

    /// The name that is asked for a key: an address is turned round, a name stands as it is.
    static func name(of key: ByteString, in domain: ByteString) -> ByteString {
        let front = IPAddress(key).map { $0.unmapped.reversedLabels } ?? key
        return "\(front).\(domain)"
    }
}

/// What is known when a DNS list has the client.
private struct DNSListing {
    var key: ByteString
    var value: [IPAddress]
    var text: ByteString
}

/// What a look into a list came to.
private enum DNSListAnswer {
    case listed(DNSListing)
    case notListed
    /// The name that could not be asked for.
    case unknown(ByteString)
}

extension StatementRun {
    /// What is done when a list cannot be asked.
    private enum UnknownPolicy { case exclude, include, `defer` }

    /// `dnslists`: whether one of the lists has the client, or the keys that are given instead.
    func dnsLists(
        _ argument: ByteString, _ state: inout ACLState
    ) async -> ClauseResult {
        var policy = UnknownPolicy.exclude
        for item in ListItems(argument) {
            switch item {
            case "+include_unknown": policy = .include
            case "+exclude_unknown": policy = .exclude
            case "+defer_unknown": policy = .defer
            default:
                let list: DNSList
                do throws(LookupTrouble) { list = try DNSList(item) } catch { return .deferred(error.text) }
                switch await ask(list, &state) {
                case .listed(let listing): return found(list, listing, &state)
                case .notListed: continue
                case .unknown(let name):
                    let text = "DNS list lookup defer (probably timeout) for \(name)" as ByteString
                    switch policy {
                    case .exclude: note("\(text): assumed not in list", &state)
                    case .include:
                        note("\(text): assumed in list", &state)
                        return .holds
                    case .defer:
                        note("\(text): returned DEFER", &state)
                        return .deferred("")
                    }
                }
            }
        }
        return .fails
    }

    private func found(
        _ list: DNSList, _ listing: DNSListing, _ state: inout ACLState
    ) -> ClauseResult {
        let value = listing.value.map(\.text).joined(separator: ", ")
        state.facts.extra["dnslist_domain"] = TaintedBytes(list.domain)
        state.facts.extra["dnslist_matched"] = TaintedBytes(listing.key, .tainted)
        state.facts.extra["dnslist_value"] = TaintedBytes(value, .tainted)
        state.facts.extra["dnslist_text"] = TaintedBytes(listing.text, .tainted)
        return .holds
    }

    private func ask(_ list: DNSList, _ state: inout ACLState) async -> DNSListAnswer {
        var keys: [ByteString] = []
        if let given = list.keys {
            keys = ListItems(given).all.filter { !$0.isEmpty }
        } else if let address = state.facts.connection.remoteAddress {
            keys = [address.unmapped.text]
        }
        var unknown: ByteString?
        for key in keys {
            switch await ask(list, key, &state) {
            case .listed(let listing): return .listed(listing)
            case .unknown(let name): unknown = name
            case .notListed: continue
            }
        }
        return unknown.map { .unknown($0) } ?? .notListed
    }

    private func ask(_ list: DNSList, _ key: ByteString, _ state: inout ACLState) async -> DNSListAnswer {
        var domain = list.asked
        var found: [IPAddress]
        switch await addresses(key, domain, &state) {
        case .success(let addresses): found = addresses
        case .failure: return .unknown(DNSList.name(of: key, in: domain))
        }
        guard !found.isEmpty, list.restriction?.holds(for: found) ?? found.contains(where: DNSList.counts)
        else { return .notListed }
        if list.domain != list.asked {
            domain = list.domain
            switch await addresses(key, domain, &state) {
            case .success(let addresses): found = addresses
            case .failure: return .unknown(DNSList.name(of: key, in: domain))
            }
            guard found.contains(where: DNSList.counts) else { return .notListed }
        }
        var text = ByteString()
        if case .found(let lines) = await lookUp("txt=\(DNSList.name(of: key, in: domain))") {
            text = ByteString(lines.prefix { $0 != .newline })
        }
        return .listed(DNSListing(key: key, value: found, text: text))
    }

    /// The addresses of a name, in order, so that they do not change from one answer to the next.
    private func addresses(
        _ key: ByteString, _ domain: ByteString, _ state: inout ACLState
    ) async -> Result<[IPAddress], LookupTrouble> {
        switch await lookUp("a=\(DNSList.name(of: key, in: domain))") {
        case .found(let lines):
            let found = lines.split(separator: .newline).compactMap { IPAddress(ByteString($0)) }.sorted()
            for address in found where !DNSList.counts(address) {
                note(
                    "DNS list lookup for \(key) at \(domain) returned \(address.text); not in 127.0/8 and discarded",
                    &state)
            }
            return .success(found)
        case .notFound: return .success([])
        case .deferred(let text), .unusable(let text): return .failure(LookupTrouble(text))
        }
    }

    private func note(_ text: ByteString, _ state: inout ACLState) {
        evaluator.log(.init(text: text, targets: .main), &state)
    }

    private func lookUp(_ query: ByteString) async -> LookupOutcome {
        guard let driver = evaluator.expander.environment.lookups.driver(named: "dnsdb") else {
            return .deferred("there is no resolver")
        }
        return await driver.find(LookupRequest(key: query))
    }
}
