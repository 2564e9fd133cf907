package import Bytes

/// Reads aggregate reports: XML, gzip or ZIP (RFC 7489 appendix C, RFC 9990); total.
///
/// Reporters take liberties; so elements are known by name and place, those missing are empty, and those unknown are
/// passed over. A report without organization, id, domain or dates is none.
package enum ForeignReportReader {
    /// The largest file, in octets.
    package static let largestFile = 64 << 20
    /// The most octets of XML, decompressed.
    package static let largestDocument = 512 << 20
    /// The most rows of a report.
    package static let mostRecords = 1_000_000

    /// The reports in a file: one, or each member of a ZIP archive that ends in `.xml`.
    package static func reports(in file: ByteString) throws(DMARCError) -> [ForeignReport] {
        guard file.count <= largestFile else {
            throw DMARCError(.data, at: "report", "larger than \(largestFile) octets: refused")
        }
        if ZipArchive.isOne(file) {
            var reports: [ForeignReport] = []
            for member in try ZipArchive.members(of: file)
            where member.name.lowercasedASCII().ends(with: ByteString(".xml")) {
                reports.append(try report(member))
            }
            guard !reports.isEmpty else {
                throw DMARCError(.data, at: "ZIP archive", "has no member that ends in .xml")
            }
            return reports
        }
        var document = Document()
        if file.starts(with: [0x1F, 0x8B] as [UInt8]) {
            try Inflater(.gzip).inflate(file[...], limit: largestDocument) { piece throws(DMARCError) in
                try document.take(piece[...])
            }
        } else {
            try document.take(file[...])
        }
        return [try document.finish()]
    }

    private static func report(_ member: ZipArchive.Member) throws(DMARCError) -> ForeignReport {
        var document = Document()
        if member.isDeflated {
            try Inflater(.raw).inflate(member.data, limit: largestDocument) { piece throws(DMARCError) in
                try document.take(piece[...])
            }
        } else {
            try document.take(member.data)
        }
        return try document.finish()
    }

    private struct Document {
        private var reader = XMLReader()
        private var builder = ForeignReportBuilder()

        mutating func take(_ octets: ArraySlice<UInt8>) throws(DMARCError) {
            var builder = builder
            self.builder = ForeignReportBuilder()
            try reader.take(octets) { event throws(DMARCError) in try builder.take(event) }
            self.builder = builder
        }

        mutating func finish() throws(DMARCError) -> ForeignReport {
            try reader.finish()
            return try builder.finish()
        }
    }
}

/// Makes a report of XML events.
private struct ForeignReportBuilder {
    private var path: [ByteString] = []
    private var report = ForeignReport()
    private var record = Draft()
    private var result = ForeignResult(method: "")

    /// A row that is being read.
    private struct Draft {
        var address: IPAddress?
        var record = ForeignRecord(address: "0.0.0.0")
    }

    mutating func take(_ event: XMLEvent) throws(DMARCError) {
        switch event {
        case .begin(let name):
            path.append(name)
            if path.count == 1, name != "feedback" {
                throw bad("the document is <\(name)>, not <feedback>: no aggregate report")
            }
            if name == "record" { record = Draft() }
            if name == "dkim" || name == "spf" { result = ForeignResult(method: name) }
        case .end(let name, let text):
            try end(name, Self.clean(text))
            path.removeLast()
        }
    }

    private mutating func end(_ name: ByteString, _ text: ByteString) throws(DMARCError) {
        switch path.count > 1 ? path[path.count - 2] : "" {
        case "report_metadata": endMetadata(name, text)
        case "date_range": endDates(name, text)
        case "policy_published": endPublished(name, text)
        case "row": endRow(name, text)
        case "policy_evaluated": endEvaluation(name, text)
        case "reason": endReason(name, text)
        case "identifiers": endIdentifiers(name, text)
        case "dkim", "spf": endResult(name, text)
        case "auth_results":
            if !result.domain.isEmpty, record.record.results.count < 100 {
                record.record.results.append(result)
            }
        case "feedback": if name == "record" { try endRecord() }
        default: break
        }
    }

    private mutating func endMetadata(_ name: ByteString, _ text: ByteString) {
        switch name {
        case "org_name": report.organization = text
        case "email": report.email = text
        case "report_id": report.reportID = text
        default: break
        }
    }

    private mutating func endDates(_ name: ByteString, _ text: ByteString) {
        guard let moment = text.decimalInteger(), (0...HistoryParser.latest).contains(moment) else { return }
        if name == "begin" { report.begin = moment } else if name == "end" { report.end = moment }
    }

    private mutating func endPublished(_ name: ByteString, _ text: ByteString) {
        switch name {
        case "domain": report.domain = text.lowercasedASCII()
        case "adkim": report.published.dkimMode = text
        case "aspf": report.published.spfMode = text
        case "p": report.published.policy = text
        case "sp": report.published.subdomainPolicy = text
        case "pct": report.published.percent = text.decimalInteger()
        default: break
        }
    }

    private mutating func endRow(_ name: ByteString, _ text: ByteString) {
        if name == "source_ip" { record.address = IPAddress(text) }
        if name == "count" { record.record.count = max(0, min(text.decimalInteger() ?? 0, 1 << 40)) }
    }

    private mutating func endEvaluation(_ name: ByteString, _ text: ByteString) {
        switch name {
        case "disposition": record.record.disposition = text.lowercasedASCII()
        case "dkim": record.record.dkim = text.lowercasedASCII()
        case "spf": record.record.spf = text.lowercasedASCII()
        default: break
        }
    }

    private mutating func endReason(_ name: ByteString, _ text: ByteString) {
        guard name == "type" || name == "comment", !text.isEmpty, record.record.reason.count < 1000 else {
            return
        }
        record.record.reason += record.record.reason.isEmpty ? text : ": \(text)"
    }

    private mutating func endIdentifiers(_ name: ByteString, _ text: ByteString) {
        if name == "header_from" { record.record.from = text.lowercasedASCII() }
        if name == "envelope_from" { record.record.envelopeDomain = text.lowercasedASCII() }
    }

    private mutating func endResult(_ name: ByteString, _ text: ByteString) {
        switch name {
        case "domain": result.domain = text.lowercasedASCII()
        case "selector": result.selector = text
        case "result": result.result = text.lowercasedASCII()
        default: break
        }
    }

    private mutating func endRecord() throws(DMARCError) {
        guard let address = record.address else { throw bad("a row has no source_ip that is an address") }
        guard report.records.count < ForeignReportReader.mostRecords else {
            throw bad("more than \(ForeignReportReader.mostRecords) rows")
        }
        record.record.address = address
        report.records.append(record.record)
    }

    func finish() throws(DMARCError) -> ForeignReport {
        for (name, value) in [
            ("org_name", report.organization), ("report_id", report.reportID), ("domain", report.domain),
        ] as [(ByteString, ByteString)] where value.isEmpty {
            throw bad("there is no \(name)")
        }
        guard report.begin > 0, report.end >= report.begin else {
            throw bad("the date range is missing or wrong")
        }
        return report
    }

    /// Text for people and tables: UTF-8, without controls, not too long.
    private static func clean(_ text: ByteString) -> ByteString {
        let short = text.count > 1000 ? ByteString(text.prefix(1000)) : text
        return ByteString(ByteString(short.string).map { $0 < 0x20 || $0 == 0x7F ? .blank : $0 })
    }

    private func bad(_ reason: ByteString) -> DMARCError { DMARCError(.data, at: "report", reason) }
}
