import Bytes
import Expansion
import Lookups

/// Client SMTP authorization (manual, section 44.52; draft-ietf-marid-csv-csa).
extension StatementRun {
    /// What the records say.
    private enum Authorization {
        case allowed
        case unknown
        case unreachable
        case refused(ByteString)

        /// `$csa_status`.
        var word: ByteString {
            switch self {
            case .allowed: "ok"
            case .unknown: "unknown"
            case .unreachable: "defer"
            case .refused: "fail"
            }
        }

        /// What the log says where it comes to that.
        var text: ByteString {
            switch self {
            case .allowed: "client SMTP authorized"
            case .unknown: "client SMTP authorization unknown"
            case .unreachable: "client SMTP authorization deferred"
            case .refused(let why): "client SMTP authorization failed: \(why)"
            }
        }
    }

    /// `csa`: false only for a client that is not allowed to send mail.
    mutating func authorizeClient(_ domain: ByteString?, _ state: inout ACLState) async -> ClauseResult {
        guard let address = state.facts.connection.remoteAddress else { return .holds }
        let given = domain ?? state.facts.connection.helo ?? address.text
        let authorization = await authorization(of: given, for: address)
        state.facts.extra["csa_status"] = TaintedBytes(authorization.word)
        conditionLogMessage = authorization.text
        if case .refused = authorization { return .fails }
        return .holds
    }

    private func authorization(of given: ByteString, for address: IPAddress) async -> Authorization {
        var name = given
        if name.first == UInt8(ascii: "["), name.last == UInt8(ascii: "]") {
            name = ByteString(name.dropFirst().dropLast())
        }
        if let literal = IPAddress(name) {
            guard evaluator.settings.csaUsesReverse else { return .unknown }
            name = "\(literal.reversedLabels).\(literal.isV6 ? "ip6" : "in-addr").arpa"
        }
        var labels = name.split(separator: UInt8(ascii: "."))[...]
        switch await records(of: name) {
        case .found(let lines): return await judge(lines, for: address)
        case .deferred, .unusable: return .unreachable
        case .notFound: break
        }
        // A parent may say that all its children must have records.
        for _ in 0..<evaluator.settings.csaSearchLimit {
            labels = labels.dropFirst()
            guard labels.count > 1 else { break }
            let parent = ByteString(labels.map { ByteString($0) }.joined(separator: "."))
            switch await records(of: parent) {
            case .found(let lines):
                let asserts = ClientRecord.all(in: lines).contains { $0.port & 1 == 1 }
                return asserts ? .refused("explicit authorization required") : .unknown
            case .deferred, .unusable: return .unreachable
            case .notFound: continue
            }
        }
        return .unknown
    }

    private func records(of domain: ByteString) async -> LookupOutcome {
        guard let driver = evaluator.expander.environment.lookups.driver(named: "dnsdb") else {
            return .deferred("there is no resolver")
        }
        return await driver.find(LookupRequest(key: "srv=_client._smtp.\(domain)"))
    }

    private func judge(_ lines: ByteString, for address: IPAddress) async -> Authorization {
        guard let record = ClientRecord.all(in: lines).first else { return .unknown }
        switch record.weight {
        case 2: break
        case 0, 1: return .refused("client explicitly not authorized")
        default: return .unknown
        }
        switch await evaluator.expander.environment.addressesOfHost(record.target) {
        case .found(let addresses):
            if addresses.contains(address) { return .allowed }
            return addresses.contains { $0.isV6 == address.isV6 }
                ? .refused("client IP address mismatch") : .refused("no authorized addresses")
        case .notFound: return .refused("no authorized addresses")
        case .deferred: return .unreachable
        }
    }
}

/// An SRV record as CSA reads it: the priority is the version, the weight says whether, the port whether for subdomains too.
private struct ClientRecord {
    var weight: Int64
    var port: Int64
    var target: ByteString

    /// Records of version 1, among lines of `dnsdb`.
    static func all(in lines: ByteString) -> [ClientRecord] {
        lines.split(separator: .newline).compactMap { line in
            let words = line.split(separator: .blank).map { ByteString($0) }
            guard words.count == 4, words[0] == "1", let weight = words[1].decimalInteger(),
                let port = words[2].decimalInteger()
            else { return nil }
            return ClientRecord(weight: weight, port: port, target: words[3])
        }
    }
}
