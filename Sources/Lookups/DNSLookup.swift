package import Bytes

/// The data of one DNS record, as the `dnsdb` lookup shows it.
package enum DNSRecordData: Sendable, Hashable {
    /// A or AAAA.
    case address(IPAddress)
    /// MX.
    case exchanger(preference: Int, host: ByteString)
    /// SRV.
    case service(priority: Int, weight: Int, port: Int, host: ByteString)
    /// TXT or SPF: the character strings.
    case text([ByteString])
    /// TLSA.
    case association(usage: Int, selector: Int, matching: Int, data: ByteString)
    /// NS, PTR, CNAME.
    case name(ByteString)
    /// SOA: primary server, mailbox, and the five numbers.
    case authority(primary: ByteString, mailbox: ByteString, numbers: [Int])
}

/// What the resolver knows about one name and type.
package enum DNSRecords: Sendable, Hashable {
    /// The records, in the answer's order.
    case found([DNSRecordData])
    /// No such name, or no record of that type.
    case notFound
    /// The resolver could not tell.
    case deferred(ByteString)
}

/// Asks for the records of a type (in capitals, such as `MX`) under a name.
package typealias DNSResolver = @Sendable (_ type: ByteString, _ name: ByteString) async -> DNSRecords

/// `dnsdb` (manual, section 9.12): `>sep,options,type=name:name`.
struct DNSLookup: LookupDriver {
    let resolver: DNSResolver

    var style: LookupStyle { .query }

    /// What to do about names whose answer cannot be had.
    private enum Deferral { case strict, never, lax }

    private struct Question {
        var separator = ByteString("\n")
        var inner = ByteString(" ")
        var innerIsSet = false
        var deferral = Deferral.lax
        var type = ByteString("txt")
        var names: [ByteString] = []
    }

    func find(_ request: LookupRequest) async -> LookupOutcome {
        let question: Question
        do {
            question = try Self.read(request.key)
        } catch {
            return .deferred(error.text)
        }
        var lines: [ByteString] = []
        var reason: ByteString?
        for name in question.names {
            switch await answer(name, question) {
            case .success(let found): lines += found
            case .failure(let trouble):
                if question.deferral == .strict { return .deferred(trouble.text) }
                if question.deferral == .lax { reason = trouble.text }
            }
        }
        if lines.isEmpty { return reason.map { .deferred($0) } ?? .notFound }
        return .found(lines.joined(separator: question.separator))
    }

    private func answer(
        _ name: ByteString, _ question: Question
    ) async -> Result<[ByteString], LookupTrouble> {
        var found: [ByteString] = []
        for type in Self.recordTypes(question.type) {
            var owner = name
            if type == "PTR", let address = IPAddress(name) { owner = address.reverseName }
            switch await resolver(type, owner) {
            case .found(let records):
                found += records.map { Self.text($0, question) }
            case .notFound: continue
            case .deferred(let reason): return .failure(LookupTrouble(reason))
            }
        }
        return .success(found)
    }

    private static func recordTypes(_ type: ByteString) -> [ByteString] {
        switch type {
        case "a+": ["AAAA", "A"]
        case "mxh": ["MX"]
        case "spf": ["TXT"]
        default: [type.uppercasedASCII()]
        }
    }

    private static let types: Set<ByteString> = [
        "a", "aaaa", "a+", "cname", "mx", "mxh", "ns", "ptr", "soa", "spf", "srv", "tlsa", "txt",
    ]

    private static func read(_ query: ByteString) throws(LookupTrouble) -> Question {
        var question = Question()
        var rest = query.trimmed()
        if rest.first == UInt8(ascii: ">") { readSeparators(&rest, &question) }
        while let comma = rest.firstIndex(of: UInt8(ascii: ",")), isOption(rest[..<comma]) {
            try readOption(ByteString(rest[..<comma].trimmed()), &question)
            rest = rest[(comma + 1)...].trimmedStart()
        }
        if let parts = rest.cut(at: UInt8(ascii: "=")) {
            question.type = ByteString(parts.before.trimmed()).lowercasedASCII()
            rest = parts.after.trimmedStart()
        }
        guard types.contains(question.type) else { throw LookupTrouble("unsupported DNS record type") }
        question.names = names(rest, question.type)
        return question
    }

    private static func names(_ text: ArraySlice<UInt8>, _ type: ByteString) -> [ByteString] {
        if IPAddress(text) != nil { return [ByteString(text)] }
        var rest = text
        var separator = UInt8(ascii: ":")
        if rest.first == UInt8(ascii: "<"), rest.count > 1 {
            separator = rest[rest.startIndex + 1]
            rest = rest.dropFirst(2)
        }
        return rest.split(separator: separator).map { ByteString($0.trimmed()) }.filter { !$0.isEmpty }
    }

    private static func readSeparators(_ rest: inout ArraySlice<UInt8>, _ question: inout Question) {
        rest = rest.dropFirst()
        if let outer = rest.popFirst() { question.separator = ByteString([outer]) }
        if rest.first == UInt8(ascii: ",") || rest.first == UInt8(ascii: ";") {
            let mark = rest.removeFirst()
            question.innerIsSet = true
            question.inner = mark == UInt8(ascii: ";") ? "" : (rest.popFirst().map { ByteString([$0]) } ?? " ")
        }
        rest = rest.trimmedStart()
    }

    private static func isOption(_ text: ArraySlice<UInt8>) -> Bool {
        ["defer_", "dnssec_", "retrans_", "retry_"].contains { (start: ByteString) in text.starts(with: start) }
    }

    private static func readOption(
        _ option: ByteString, _ question: inout Question
    ) throws(LookupTrouble) {
        guard option.starts(with: ByteString("defer_")) else { return }
        switch option.dropFirst(6) {
        case ByteString("strict")[...]: question.deferral = .strict
        case ByteString("never")[...]: question.deferral = .never
        case ByteString("lax")[...]: question.deferral = .lax
        default: throw LookupTrouble("unsupported dnsdb defer behaviour")
        }
    }

    private static func text(_ record: DNSRecordData, _ question: Question) -> ByteString {
        let inner = question.inner
        switch record {
        case .address(let address): return address.text
        case .exchanger(let preference, let host):
            return question.type == "mxh" ? host : "\(preference)\(inner)\(host)"
        case .service(let priority, let weight, let port, let host):
            return "\(priority)\(inner)\(weight)\(inner)\(port)\(inner)\(host)"
        case .text(let strings):
            if question.type == "spf" || question.innerIsSet { return strings.joined(separator: question.type == "spf" ? "" : inner) }
            return strings.first ?? ""
        case .association(let usage, let selector, let matching, let data):
            return "\(usage)\(inner)\(selector)\(inner)\(matching)\(inner)\(Hex.encode(data))"
        case .name(let name): return name
        case .authority(let primary, let mailbox, let numbers):
            let tail = numbers.map { ByteString(String($0)) }.joined(separator: inner)
            return "\(primary)\(inner)\(mailbox)\(inner)\(tail)"
        }
    }
}
