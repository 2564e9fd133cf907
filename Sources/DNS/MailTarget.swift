import Bytes

extension HostLookup {
    /// A host that an MX or SRV record names.
    struct Target: Equatable {
        var name: ByteString
        var preference: UInt16
        var weight: UInt16 = 0
        var port: UInt16?
    }

    /// What the SRV records of a service say.
    enum Services {
        /// The targets, the answer, and the name that has them.
        case found([Target], DNSAnswer, name: ByteString)
        case noService(secure: Bool)
        case absent
        case trouble(ByteString)
    }

    /// Asks for a service's SRV records.
    func services(of name: ByteString) async -> Services {
        let (answer, found) = await search(name, .srv)
        switch answer.outcome {
        case .noData, .noSuchDomain: return .absent
        case .tryAgain(let reason), .failed(let reason): return .trouble(reason)
        case .records(let records):
            let targets = records.compactMap { record -> Target? in
                guard case .service(let service) = record.data else { return nil }
                return Target(
                    name: service.target, preference: service.priority, weight: service.weight,
                    port: service.port)
            }
            if targets.count == 1, targets[0].name == "." { return .noService(secure: answer.secure) }
            return .found(targets.filter { $0.name != "." }, answer, name: found)
        }
    }

    /// The hosts of MX records, each name once with its lowest preference.
    static func exchangers(_ records: [DNSRecord]) -> [Target] {
        var targets: [Target] = []
        for record in records {
            guard case .mailExchanger(let preference, let exchange) = record.data else { continue }
            if let known = targets.firstIndex(where: { $0.name.equalsIgnoringCase(exchange) }) {
                targets[known].preference = min(targets[known].preference, preference)
            } else {
                targets.append(Target(name: exchange, preference: preference))
            }
        }
        return targets.count > 1 ? targets.filter { $0.name != "." } : targets
    }

    /// Sorts by preference; among equals at random, by weight where there are weights (RFC 2782).
    static func ordered(
        _ targets: [Target], random: inout some RandomNumberGenerator
    ) -> [Target] {
        let groups = Dictionary(grouping: targets, by: \.preference)
        var result: [Target] = []
        for preference in groups.keys.sorted() {
            var left = (groups[preference] ?? []).shuffled(using: &random)
            while !left.isEmpty { result.append(left.remove(at: pick(left, random: &random))) }
        }
        return result
    }

    /// Chooses the next of a shuffled group: each with a chance in proportion to its weight.
    private static func pick(_ group: [Target], random: inout some RandomNumberGenerator) -> Int {
        let total = group.reduce(0) { $0 + Int($1.weight) }
        guard total > 0 else { return 0 }
        var mark = Int.random(in: 1...total, using: &random)
        for (index, target) in group.enumerated() {
            mark -= Int(target.weight)
            if mark <= 0 { return index }
        }
        return 0
    }
}
