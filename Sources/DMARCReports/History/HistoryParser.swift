package import Bytes

/// Why a record of a history file is set aside: the line inside the record, and a reason.
package struct HistoryProblem: Error, Sendable, Hashable {
    /// The line inside the record, from 0.
    package var line: Int
    /// What is wrong.
    package var reason: ByteString

    /// Makes a problem.
    package init(line: Int, _ reason: ByteString) {
        self.line = line
        self.reason = reason
    }
}

/// Reads the text of one record, beginning with its `job` line; total: a record or a problem.
///
/// Takes what Exim 4.87 to 4.99 and OpenDMARC 1.3 and 1.4 write: three-field `dkim` lines, missing ARC lines, `action`
/// in either place, and Exim's `arc_policy 0 json[ ("i":1, ...) ]` and `arc_policy $d json:[]`.
struct HistoryParser {
    /// The most octets of one name.
    static let longestName = 253
    /// The most octets of a job.
    static let longestJob = 128
    /// The most signatures, seals and report addresses of one record, each.
    static let mostItems = 100
    /// The most octets of a report address.
    static let longestAddress = 1024

    private var line = 0
    private var job: ByteString?
    private var reporter: ByteString?
    private var received: Int64?
    private var address: IPAddress?
    private var from: ByteString?
    private var envelopeDomain = ByteString()
    private var policyDomain: ByteString?
    private var outcome: PolicyOutcome?
    private var action: Disposition?
    private var spf: AuthenticationResult?
    private var signatures: [HistorySignature] = []
    private var published = PublishedPolicy()
    private var alignedDKIM: Alignment = .unknown
    private var alignedSPF: Alignment = .unknown
    private var arc: AuthenticationResult?
    private var arcPolicy: (number: Int?, seals: [ARCSeal])?
    private var unknownLines = 0

    /// Reads a record.
    static func parse(_ text: some Collection<UInt8>) throws(HistoryProblem) -> HistoryRecord {
        var parser = HistoryParser()
        let octets = Array(text)
        var start = 0
        while start < octets.count {
            let end = octets[start...].firstIndex(of: .newline) ?? octets.count
            try parser.take(octets[start..<end])
            parser.line += 1
            start = end + 1
        }
        return try parser.record()
    }

    private mutating func take(_ whole: ArraySlice<UInt8>) throws(HistoryProblem) {
        let text = whole.last == .carriageReturn ? whole.dropLast() : whole
        guard !text.isEmpty else { return }
        let end = text.firstIndex(of: .blank) ?? text.endIndex
        let value = text[min(end + 1, text.endIndex)...]
        guard let key = HistoryKey(text[..<end]) else {
            unknownLines += 1
            return
        }
        switch key {
        case .job, .reporter, .received, .ipaddr: try takeOrigin(key, value)
        case .from: from = try domain(value)
        case .mfrom: envelopeDomain = value.isEmpty ? "" : try domain(value)
        case .pdomain: policyDomain = try domain(value)
        case .spf: spf = try code(value)
        case .dkim: try takeSignature(value)
        case .policy: outcome = try code(value)
        case .action: action = try code(value)
        case .alignDKIM: alignedDKIM = try code(value)
        case .alignSPF: alignedSPF = try code(value)
        case .rua, .pct, .adkim, .aspf, .p, .sp: try takePublished(key, value)
        case .arc: arc = try code(value)
        case .arcPolicy: try takeARCPolicy(value)
        }
    }

    private mutating func takeOrigin(_ key: HistoryKey, _ value: ArraySlice<UInt8>) throws(HistoryProblem) {
        switch key {
        case .job:
            guard job == nil else { throw problem("a second job line in one record") }
            guard (1...Self.longestJob).contains(value.count), Self.isClean(value) else {
                throw problem("job: want 1 to \(Self.longestJob) printing octets without blanks")
            }
            job = ByteString(value)
        case .reporter: reporter = try domain(value)
        case .received:
            guard let seconds = value.decimalInteger(), (0...HistoryParser.latest).contains(seconds) else {
                throw problem("received: want seconds since 1970, got \"\(excerpt(value))\"")
            }
            received = seconds
        default:
            guard let found = IPAddress(value) else {
                throw problem("ipaddr: \"\(excerpt(value))\" is no IP address")
            }
            address = found
        }
    }

    /// The end of the year 9999: the last moment that SQLite's and most people's calendars know.
    static let latest: Int64 = 253_402_300_799

    private mutating func takePublished(_ key: HistoryKey, _ value: ArraySlice<UInt8>) throws(HistoryProblem)
    {
        switch key {
        case .rua:
            guard value != [UInt8(ascii: "-")], !value.isEmpty else { return }
            guard value.count <= Self.longestAddress, Self.isClean(value),
                published.reportAddresses.count < Self.mostItems
            else { throw problem("rua: too long, too many, or with blanks") }
            published.reportAddresses.append(ByteString(value))
        case .pct:
            guard let number = value.decimalInteger(), (0...100).contains(number) else {
                throw problem("pct: want 0 to 100, got \"\(excerpt(value))\"")
            }
            published.percent = Int(number)
        case .adkim: published.dkimMode = try codeOrZero(value)
        case .aspf: published.spfMode = try codeOrZero(value)
        case .p: published.policy = try codeOrZero(value)
        default: published.subdomainPolicy = try codeOrZero(value)
        }
    }

    private mutating func takeSignature(_ value: ArraySlice<UInt8>) throws(HistoryProblem) {
        let fields = value.split(separator: .blank)
        guard fields.count == 2 || fields.count == 3, signatures.count < Self.mostItems else {
            throw problem("dkim: want domain, selector and result, got \"\(excerpt(value))\"")
        }
        let selector = fields.count == 3 && fields[1] != [UInt8(ascii: "-")] ? try domain(fields[1]) : nil
        signatures.append(
            HistorySignature(
                domain: try domain(fields[0]), selector: selector, result: try code(fields[fields.count - 1]))
        )
    }

    private mutating func takeARCPolicy(_ value: ArraySlice<UInt8>) throws(HistoryProblem) {
        let end = value.firstIndex(of: .blank) ?? value.endIndex
        let number = value[..<end].decimalInteger().flatMap { Int(exactly: $0) }
        // Exim 4.97 without ARC printed its own format text here.
        guard number != nil || value[..<end].elementsEqual(ByteString("$d")) else {
            throw problem("arc_policy: want a number, got \"\(excerpt(value))\"")
        }
        if let number, !(0...2).contains(number) {
            throw problem("arc_policy: want 0 to 2, got \(number)")
        }
        guard let seals = ARCSealParser.parse(value[end...], limit: Self.mostItems) else {
            throw problem("arc_policy: cannot read the seals in \"\(excerpt(value))\"")
        }
        arcPolicy = (number, seals)
    }

    private func record() throws(HistoryProblem) -> HistoryRecord {
        guard let job else { throw missing("job") }
        guard let reporter else { throw missing("reporter") }
        guard let received else { throw missing("received") }
        guard let address else { throw missing("ipaddr") }
        guard let from else { throw missing("from") }
        guard let outcome else { throw missing("policy") }
        guard let action else { throw missing("action") }
        var record = HistoryRecord(
            job: job, reporter: reporter, received: received, address: address, from: from, outcome: outcome,
            action: action)
        record.envelopeDomain = envelopeDomain
        record.policyDomain = policyDomain ?? from
        record.spf = spf
        record.signatures = signatures
        record.published = published
        record.alignedDKIM = alignedDKIM
        record.alignedSPF = alignedSPF
        if arc != nil || arcPolicy != nil {
            record.arc = ARCHistory(
                result: arc ?? .unknown, policy: arcPolicy?.number, seals: arcPolicy?.seals ?? [])
        }
        record.unknownLines = unknownLines
        return record
    }

    private func missing(_ key: ByteString) -> HistoryProblem {
        HistoryProblem(line: 0, "there is no \(key) line: the record is cut, or another program's")
    }

    private func problem(_ reason: ByteString) -> HistoryProblem { HistoryProblem(line: line, reason) }

    private func excerpt(_ value: ArraySlice<UInt8>) -> ByteString { ByteString(value.prefix(60)) }

    private func code<Code: RawRepresentable<Int>>(_ value: ArraySlice<UInt8>) throws(HistoryProblem) -> Code
    {
        guard let number = value.decimalInteger().flatMap({ Int(exactly: $0) }),
            let code = Code(rawValue: number)
        else { throw problem("\"\(excerpt(value))\" is no code that this line can have") }
        return code
    }

    private func codeOrZero<Code: RawRepresentable<Int>>(
        _ value: ArraySlice<UInt8>
    ) throws(HistoryProblem) -> Code? {
        value.decimalInteger() == 0 ? nil : try code(value)
    }

    private func domain(_ value: ArraySlice<UInt8>) throws(HistoryProblem) -> ByteString {
        guard (1...Self.longestName).contains(value.count), Self.isClean(value) else {
            throw problem(
                "\"\(excerpt(value))\" is no name: want 1 to \(Self.longestName) octets without blanks")
        }
        return ByteString(value).lowercasedASCII()
    }

    /// Whether the octets are UTF-8 without blanks and controls, so that they can be shown, stored and mailed.
    static func isClean(_ value: some Collection<UInt8>) -> Bool {
        if value.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) { return true }
        guard value.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return false }
        return String(validating: value, as: UTF8.self) != nil
    }
}

/// The keys of a history file's lines.
enum HistoryKey: Sendable {
    case job, reporter, received, ipaddr, from, mfrom, spf, dkim, pdomain, policy, rua, pct, adkim, aspf, p,
        sp
    case alignDKIM, alignSPF, action, arc, arcPolicy

    init?(_ octets: ArraySlice<UInt8>) {
        guard octets.count <= 16, let key = Self.byName[Self.packed(octets)] else { return nil }
        self = key
    }

    // Names as numbers: hashing them costs no allocation.
    private static func packed(_ octets: some Sequence<UInt8>) -> UInt128 {
        octets.reduce(0) { $0 << 8 | UInt128($1) }
    }

    private static let byName: [UInt128: HistoryKey] = {
        let rows: [(String, HistoryKey)] = [
            ("job", .job), ("reporter", .reporter), ("received", .received), ("ipaddr", .ipaddr),
            ("from", .from),
            ("mfrom", .mfrom), ("spf", .spf), ("dkim", .dkim), ("pdomain", .pdomain), ("policy", .policy),
            ("rua", .rua), ("pct", .pct), ("adkim", .adkim), ("aspf", .aspf), ("p", .p), ("sp", .sp),
            ("align_dkim", .alignDKIM), ("align_spf", .alignSPF), ("action", .action), ("arc", .arc),
            ("arc_policy", .arcPolicy),
        ]
        return Dictionary(uniqueKeysWithValues: rows.map { (packed($0.0.utf8), $0.1) })
    }()
}
