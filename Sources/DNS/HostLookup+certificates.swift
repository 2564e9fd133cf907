package import Bytes

/// What the DNS says of the certificates of a host's service (RFC 7672, section 2.2).
package enum AssociationsOutcome: Sendable, Equatable {
    /// Validated records, and the name that has them (the TLSA base domain).
    case found(base: ByteString, [TLSARecord])
    /// There are none that are validated; whether there are some that are not.
    case none(isInsecure: Bool)
    /// Not known now.
    case deferred(ByteString)
}

extension HostLookup {
    /// Asks for the TLSA records of a port, under the names of a host whose addresses were validated, in their order.
    ///
    /// Whatever is neither validated records nor an answer that there are none is `.deferred`: who can disturb the DNS must
    /// not have mail sent as if there were none.
    package func associations(of names: [ByteString], port: Int) async -> AssociationsOutcome {
        var isInsecure = false
        for name in names {
            let question: ByteString = "_\(port)._tcp.\(name)"
            let answer = await resolver.lookup(question, .tlsa)
            if answer.isUnvalidated { return .deferred("\(question) (TLSA) cannot be validated now") }
            switch answer.outcome {
            case .records where !answer.secure: isInsecure = true
            case .records: return .found(base: name, answer.records.compactMap(\.association))
            case .noData, .noSuchDomain: continue
            case .tryAgain(let reason), .failed(let reason): return .deferred(reason)
            }
        }
        return .none(isInsecure: isInsecure)
    }

    /// The names of a host, one that is no alias only once.
    package static func names(_ canonicalName: ByteString, _ name: ByteString) -> [ByteString] {
        canonicalName.equalsIgnoringCase(name) ? [name] : [canonicalName, name]
    }
}

extension DNSRecord {
    fileprivate var association: TLSARecord? {
        if case .certificateAssociation(let record) = data { record } else { nil }
    }
}
