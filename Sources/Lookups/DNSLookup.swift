import Bytes
import DNS

/// `dnsdb` (manual, sections 9.10 to 9.13): records of names, one a line.
struct DNSLookup: LookupDriver {
    let resolver: any NameResolver
    /// `dns_csa_search_limit`: how many parent domains are asked for what they say of all below them.
    let parentLimit: Int

    var style: LookupStyle { .query }

    func find(_ request: LookupRequest) async -> LookupOutcome {
        let query: DNSQuery
        do {
            query = try DNSQuery(request.key)
        } catch {
            return .deferred(error.text)
        }
        var lines: [ByteString] = []
        var reason: ByteString?
        for name in query.names {
            for type in query.recordTypes {
                let answer =
                    query.isAuthorization
                    ? await authorization(of: name) : await answer(to: name, type, query)
                switch answer {
                case .success(let found): lines += found
                case .failure(let trouble):
                    if query.deferral == .strict { return .deferred(trouble.text) }
                    if query.deferral == .lax { reason = trouble.text }
                }
            }
        }
        if lines.isEmpty { return reason.map { .deferred($0) } ?? .notFound }
        return .found(lines.joined(separator: query.separator))
    }

    /// The lines for one name; some types are also looked for higher up in the tree.
    private func answer(
        to name: ByteString, _ type: RecordType, _ query: DNSQuery
    ) async -> Result<[ByteString], LookupTrouble> {
        var owner = type == .ptr ? IPAddress(name)?.reverseName ?? name : name
        while true {
            let answer = await resolver.lookup(owner, type)
            switch answer.outcome {
            case .records(let records):
                if query.demandsSecurity, !answer.secure {
                    return .failure(LookupTrouble("the answer for \(owner) is not authenticated"))
                }
                return .success(records.compactMap { query.text(of: $0.data) })
            case .noData, .noSuchDomain:
                guard query.climbs, let parts = owner.cut(at: UInt8(ascii: ".")) else { return .success([]) }
                owner = ByteString(parts.after)
            case .tryAgain(let reason), .failed(let reason): return .failure(LookupTrouble(reason))
            }
        }
    }

    // MARK: Client SMTP authorization

    /// `csa` (manual, section 44.52): for each SRV record a letter and the target; `X` where a domain above asks for records
    /// of all below it.
    private func authorization(of name: ByteString) async -> Result<[ByteString], LookupTrouble> {
        let bare = name.first == UInt8(ascii: "[") ? ByteString(name.dropFirst().dropLast()) : name
        let domain = IPAddress(bare)?.reverseName ?? bare
        var parent = domain[...]
        for level in 0...parentLimit {
            let owner = ByteString(parent)
            let answer = await resolver.lookup("_client._smtp.\(owner)", .srv)
            switch answer.outcome {
            case .records(let records):
                let services = records.compactMap { record -> DNSService? in
                    guard case .service(let service) = record.data, service.priority == 1 else { return nil }
                    return service
                }
                return .success(level == 0 ? services.compactMap(Self.verdict) : Self.demand(services))
            case .tryAgain(let reason), .failed(let reason): return .failure(LookupTrouble(reason))
            case .noData, .noSuchDomain: break
            }
            guard let rest = owner.cut(at: UInt8(ascii: "."))?.after, rest.contains(UInt8(ascii: ".")) else {
                break
            }
            parent = rest
        }
        return .success([])
    }

    /// The letter that a weight stands for, and the target; nil for other weights.
    private static func verdict(_ service: DNSService) -> ByteString? {
        let target = service.target == "." ? "" : service.target
        switch service.weight {
        case 0, 1: return "N \(target)"
        case 2: return "Y \(target)"
        case 3: return "? \(target)"
        default: return nil
        }
    }

    /// What a domain above says of all below it: port 1 asks for explicit authorization.
    private static func demand(_ services: [DNSService]) -> [ByteString] {
        services.first { $0.port & 1 == 1 }.map { ["X \($0.target)"] } ?? []
    }
}

/// What a `dnsdb` query asks for.
struct DNSQuery: Sendable {
    /// What is done about names whose answer cannot be had.
    enum Deferral: Sendable { case strict, never, lax }

    /// What stands between records.
    private(set) var separator = ByteString("\n")
    /// What stands between the fields of a record; nil when the query does not say.
    private var fieldSeparator: ByteString?
    private(set) var deferral = Deferral.lax
    /// Whether an answer must be validated (`dnssec_strict`).
    private(set) var demandsSecurity = false
    private var type = ByteString("txt")
    private(set) var names: [ByteString] = []

    /// Reads a query.
    init(_ query: ByteString) throws(LookupTrouble) {
        var rest = query.trimmed()
        if rest.first == UInt8(ascii: ">") { readSeparators(&rest) }
        while let comma = rest.firstIndex(of: UInt8(ascii: ",")), Self.isModifier(rest[..<comma]) {
            try readModifier(ByteString(rest[..<comma].trimmed()))
            rest = rest[(comma + 1)...].trimmedStart()
        }
        if let parts = rest.cut(at: UInt8(ascii: "=")) {
            type = ByteString(parts.before.trimmed()).lowercasedASCII()
            rest = parts.after.trimmedStart()
        }
        guard !recordTypes.isEmpty else { throw LookupTrouble("unsupported DNS record type") }
        names = Self.names(rest)
    }

    /// The types to ask for, in order.
    var recordTypes: [RecordType] {
        switch type {
        case "a+": [.aaaa, .a]
        case "mxh": [.mx]
        case "spf": [.txt]
        case "zns": [.ns]
        case "csa": [.srv]
        default: RecordType(name: type).map { [$0] } ?? []
        }
    }

    /// Whether SRV records are read by the rules of client SMTP authorization.
    var isAuthorization: Bool { type == "csa" }

    /// Whether the names above are tried when a name has no such record.
    var climbs: Bool { type == "zns" || type == "soa" }

    private static func names(_ text: ArraySlice<UInt8>) -> [ByteString] {
        if IPAddress(text) != nil { return [ByteString(text)] }
        var rest = text
        var separator = UInt8(ascii: ":")
        if rest.first == UInt8(ascii: "<"), rest.count > 1 {
            separator = rest[rest.startIndex + 1]
            rest = rest.dropFirst(2)
        }
        return rest.split(separator: separator).map { ByteString($0.trimmed()) }.filter { !$0.isEmpty }
    }

    private mutating func readSeparators(_ rest: inout ArraySlice<UInt8>) {
        rest = rest.dropFirst()
        if let outer = rest.popFirst() { separator = ByteString([outer]) }
        if rest.first == UInt8(ascii: ";") {
            rest = rest.dropFirst()
            fieldSeparator = ""
        } else if rest.first == UInt8(ascii: ",") {
            rest = rest.dropFirst()
            fieldSeparator = rest.popFirst().map { ByteString([$0]) }
        }
        rest = rest.trimmedStart()
    }

    private static let modifiers: [ByteString] = ["defer_", "dnssec_", "retrans_", "retry_"]

    private static func isModifier(_ text: ArraySlice<UInt8>) -> Bool {
        modifiers.contains { text.starts(with: $0) }
    }

    private mutating func readModifier(_ modifier: ByteString) throws(LookupTrouble) {
        switch modifier {
        case "defer_strict": deferral = .strict
        case "defer_never": deferral = .never
        case "defer_lax": deferral = .lax
        case "dnssec_strict": demandsSecurity = true
        case "dnssec_lax", "dnssec_never": demandsSecurity = false
        default:
            if modifier.starts(with: ByteString("defer_")) {
                throw LookupTrouble("unsupported dnsdb defer behaviour")
            }
            if modifier.starts(with: ByteString("dnssec_")) {
                throw LookupTrouble("unsupported dnsdb dnssec behaviour")
            }
        }
    }

    /// A record as the query wants to see it; nil for one of no interest.
    func text(of record: DNSRecordData) -> ByteString? {
        let gap = fieldSeparator ?? " "
        switch record {
        case .address(let address): return address.text
        case .mailExchanger(let preference, let exchange):
            return type == "mxh" ? exchange : "\(preference)\(gap)\(exchange)"
        case .service(let service):
            return "\(service.priority)\(gap)\(service.weight)\(gap)\(service.port)\(gap)\(service.target)"
        case .text(let strings): return text(of: strings)
        case .certificateAssociation(let association):
            let data = Hex.encode(association.association)
            return
                "\(association.usage)\(gap)\(association.selector)\(gap)\(association.matching)\(gap)\(data)"
        case .name(let name): return name
        case .authority(let authority):
            guard let fieldSeparator else { return authority.server }
            let numbers = authority.numbers.map { ByteString(String($0)) }
            return ([authority.server, authority.mailbox] + numbers).joined(separator: fieldSeparator)
        case .other: return nil
        }
    }

    private func text(of strings: [ByteString]) -> ByteString? {
        guard type == "spf" else {
            return fieldSeparator.map { strings.joined(separator: $0) } ?? strings.first
        }
        let whole = strings.joined(separator: fieldSeparator ?? "")
        return whole.startsIgnoringCase(with: ByteString("v=spf1")) ? whole : nil
    }
}
