package import Bytes

/// What the owner of the author's domain wants done with a message (manual, section 58.6).
package struct DMARCFacts: Sendable, Hashable {
    /// `$dmarc_status`: the word.
    package var status: ByteString
    /// The value of `$dmarc_status_text`.
    package var statusText: ByteString
    /// `$dmarc_used_domain`: whose record was used; empty without one.
    package var usedDomain: ByteString
    /// `$dmarc_domain_policy`: what the record asks for; empty without one.
    package var domainPolicy: ByteString = ""
    /// `$dmarc_alignment_spf`: whether the domain that SPF passed is the author's.
    package var isAlignedSPF = false
    /// `$dmarc_alignment_dkim`: whether a signing domain is the author's.
    package var isAlignedDKIM = false
    /// The author's domain, for `${authresults}`.
    package var fromDomain: ByteString
    /// The word of `Authentication-Results:` (RFC 7489, section 11.2).
    package var announced: ByteString

    /// Makes the value.
    package init(
        status: ByteString, statusText: ByteString, usedDomain: ByteString, fromDomain: ByteString,
        announced: ByteString
    ) {
        self.status = status
        self.statusText = statusText
        self.usedDomain = usedDomain
        self.fromDomain = fromDomain
        self.announced = announced
    }
}

extension Variables {
    /// What DMARC tells; before a check the status is `none`, and the rest empty.
    static let authorPolicy: [ByteString: Reader] = [
        "dmarc_status": { facts, _ in clean(facts.message.dmarc?.status ?? "none") },
        "dmarc_status_text": { facts, _ in clean(facts.message.dmarc?.statusText) },
        "dmarc_used_domain": { facts, _ in tainted(facts.message.dmarc?.usedDomain) },
        "dmarc_domain_policy": { facts, _ in clean(facts.message.dmarc?.domainPolicy) },
        "dmarc_alignment_spf": { facts, _ in clean(alignment(facts.message.dmarc?.isAlignedSPF)) },
        "dmarc_alignment_dkim": { facts, _ in clean(alignment(facts.message.dmarc?.isAlignedDKIM)) },
    ]

    private static func alignment(_ isAligned: Bool?) -> ByteString? { isAligned.map { $0 ? "yes" : "no" } }
}
