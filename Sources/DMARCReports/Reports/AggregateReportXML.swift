package import Bytes

extension AggregateReport {
    /// The report as XML (RFC 7489, appendix C, or RFC 9990), piece by piece, its rows straight from the store.
    ///
    /// Valid against RFC 7489's schema with these two habits of all reporters: no namespace; `fo` is the default, since the
    /// history does not tell it. IPv6 addresses have all their eight groups, as that schema wants.
    package func xml(
        of organization: ReportingOrganization, from store: DMARCStore,
        _ use: (ByteString) throws(DMARCError) -> Void
    ) throws(DMARCError) {
        var writer = XMLWriter()
        let isNew = organization.schema == .rfc9990
        writer.begin("feedback", namespace: isNew ? "urn:ietf:params:xml:ns:dmarc-2.0" : nil)
        writer.element("version", "1.0")
        writeMetadata(of: organization, &writer)
        writePolicy(organization.schema, &writer)
        try use(writer.drain())
        try store.rows(of: self) { row in
            Self.write(row, organization.schema, &writer)
            try use(writer.drain())
        }
        writer.end()
        try use(writer.drain())
    }

    /// The report as a gzip file.
    package func gzip(
        of organization: ReportingOrganization, from store: DMARCStore
    ) throws(DMARCError) -> ByteString {
        var file = try GzipWriter()
        try xml(of: organization, from: store) { piece throws(DMARCError) in file.write(piece) }
        return file.finish()
    }

    private func writeMetadata(of organization: ReportingOrganization, _ writer: inout XMLWriter) {
        writer.element("report_metadata") { writer in
            writer.element("org_name", organization.name)
            writer.element("email", organization.email)
            if !organization.contact.isEmpty { writer.element("extra_contact_info", organization.contact) }
            writer.element("report_id", id(of: organization))
            writer.element("date_range") { writer in
                writer.element("begin", "\(interval.begin)")
                writer.element("end", "\(interval.end)")
            }
        }
    }

    private func writePolicy(_ schema: ReportSchema, _ writer: inout XMLWriter) {
        let policy = published.policy ?? .none
        writer.element("policy_published") { writer in
            writer.element("domain", domain)
            writer.element("adkim", (published.dkimMode ?? .relaxed).letter)
            writer.element("aspf", (published.spfMode ?? .relaxed).letter)
            writer.element("p", policy.word)
            writer.element("sp", (published.subdomainPolicy ?? policy).word)
            if schema == .rfc7489 {
                writer.element("pct", "\(published.percent)")
                writer.element("fo", "0")
            }
        }
    }

    private static func write(_ row: ReportRow, _ schema: ReportSchema, _ writer: inout XMLWriter) {
        writer.element("record") { writer in
            writer.element("row") { writer in
                writer.element("source_ip", schema == .rfc7489 ? fullAddress(row.address) : row.address)
                writer.element("count", "\(row.count)")
                writeEvaluation(row, schema, &writer)
            }
            writer.element("identifiers") { writer in
                writer.element("envelope_from", row.envelopeDomain)
                writer.element("header_from", row.from)
            }
            writer.element("auth_results") { writer in writeResults(row, schema, &writer) }
        }
    }

    private static func writeEvaluation(
        _ row: ReportRow, _ schema: ReportSchema, _ writer: inout XMLWriter
    ) {
        writer.element("policy_evaluated") { writer in
            let passed = schema == .rfc9990 && row.outcome == .pass && row.action == .accept
            writer.element("disposition", passed ? "pass" : row.action.word)
            writer.element("dkim", row.alignedDKIM == .pass ? "pass" : "fail")
            writer.element("spf", row.alignedSPF == .pass ? "pass" : "fail")
            guard let reason = row.overrideReason else { return }
            writer.element("reason") { writer in
                writer.element("type", "local_policy")
                writer.element("comment", reason)
            }
        }
    }

    private static func writeResults(_ row: ReportRow, _ schema: ReportSchema, _ writer: inout XMLWriter) {
        for signature in row.signatures {
            writer.element("dkim") { writer in
                writer.element("domain", signature.domain)
                if let selector = signature.selector ?? (schema == .rfc9990 ? "" : nil) {
                    writer.element("selector", selector)
                }
                writer.element("result", signature.result.dkimWord)
            }
        }
        // RFC 9990 knows of the envelope sender's domain only.
        if schema == .rfc9990, row.envelopeDomain.isEmpty { return }
        writer.element("spf") { writer in
            writer.element("domain", row.envelopeDomain)
            writer.element("scope", row.envelopeDomain.isEmpty ? "helo" : "mfrom")
            writer.element("result", row.spf.spfWord)
        }
    }

    /// An address with all groups written out: the RFC's pattern knows no `::`.
    private static func fullAddress(_ text: ByteString) -> ByteString {
        guard let address = IPAddress(text), case .v6(let number) = address.unmapped else {
            return IPAddress(text)?.unmapped.text ?? text
        }
        return (0..<8).map { group in
            ByteString(String(UInt16(truncatingIfNeeded: number >> UInt128(112 - 16 * group)), radix: 16))
        }.joined(separator: ":")
    }
}

extension ReportRow {
    /// Why the receiver did not do what the domain asks; nil where it did, and where nothing was asked.
    ///
    /// For ARC in OpenDMARC's words, so that readers of its reports understand ours.
    var overrideReason: ByteString? {
        if arcPolicy == 0 {
            let chain = seals.map { seal -> ByteString in
                " as[\(seal.instance)].d=\(seal.domain) as[\(seal.instance)].s=\(seal.selector)"
            }
            let client = seals.first { $0.instance == 1 }?.address ?? ""
            let end: ByteString = client.isEmpty ? "" : " client-ip[1]=\(client)"
            return "arc=pass\(chain.joined(separator: ""))\(end)"
        }
        let asked: ByteString = outcome == .reject ? "reject" : outcome == .quarantine ? "quarantine" : "none"
        return asked == action.word ? nil : "done: \(action.word), asked for: \(asked)"
    }
}
