package import Bytes

/// What is known of a message before its author's domain is asked.
package struct DMARCQuestion: Sendable, Hashable {
    /// The domains of all addresses in From:, usually one.
    package var fromDomains: [ByteString]
    /// The domain that SPF said `pass` for; nil where it said anything else.
    package var spfDomain: ByteString?
    /// The domains whose DKIM signatures have been verified.
    package var signingDomains: [ByteString]
    /// The domain that SPF was asked about without an answer of the DNS.
    package var undecidedSPF: ByteString?
    /// The domains of signatures whose keys could not be had for now.
    package var undecidedSigners: [ByteString] = []

    /// Makes a question.
    package init(fromDomains: [ByteString], spfDomain: ByteString? = nil, signingDomains: [ByteString] = []) {
        self.fromDomains = fromDomains
        self.spfDomain = spfDomain
        self.signingDomains = signingDomains
    }
}

/// What DMARC says of a message (RFC 7489); the raw values are the words that a `dmarc_status` condition knows.
package enum DMARCResult: String, Sendable, Hashable {
    /// SPF or DKIM vouches for the author's domain.
    case accept
    /// The check failed, and the domain asks to refuse.
    case reject
    /// The check failed, and the domain asks to take it with suspicion.
    case quarantine
    /// The check failed, and the domain asks for nothing.
    case none
    /// The domain publishes nothing.
    case norecord
    /// The message names no author's domain.
    case nofrom
    /// The DNS gave no answer for now.
    case temperror

    /// The word.
    package var word: ByteString { ByteString(rawValue) }

    /// The same for people (`$dmarc_status_text`).
    package var text: ByteString {
        switch self {
        case .accept: "Accept"
        case .reject: "Reject"
        case .quarantine: "Quarantine"
        case .none: "None, Accept"
        case .norecord: "No DMARC record"
        case .nofrom: "No From: domain found"
        case .temperror: "Internal Policy Error"
        }
    }
}

/// What a check came to.
package struct DMARCVerdict: Sendable, Hashable {
    /// The result.
    package let result: DMARCResult
    /// The author's domain; empty where there is none.
    package var fromDomain = ByteString()
    /// The domain that published the record: the author's own, or its organizational domain; empty without a record.
    package var usedDomain = ByteString()
    /// What it published.
    package var record: DMARCRecord?
    /// Whether the domain that SPF vouches for is the author's.
    package var isAlignedSPF = false
    /// Whether a signing domain is the author's.
    package var isAlignedDKIM = false
    /// Why there is no result, for `temperror`; for people.
    package var problem: ByteString?

    /// Makes a verdict without a record.
    package init(_ result: DMARCResult, from domain: ByteString = "", problem: ByteString? = nil) {
        self.result = result
        fromDomain = domain
        self.problem = problem
    }

    /// The policy that holds for the author's domain (`$dmarc_domain_policy`); nil without a record.
    package var policy: DMARCRecord.Policy? {
        guard let record else { return nil }
        return fromDomain == usedDomain ? record.policy : record.subdomainPolicy ?? record.policy
    }
}
