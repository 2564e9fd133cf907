package import Bytes

/// An aggregate report that somebody sent about one of our domains.
package struct ForeignReport: Sendable, Hashable {
    /// Who reports (`org_name`).
    package var organization = ByteString()
    /// The reporter's address.
    package var email = ByteString()
    /// The reporter's name for this report.
    package var reportID = ByteString()
    /// The first second it is about, in seconds since 1970.
    package var begin: Int64 = 0
    /// The last second.
    package var end: Int64 = 0
    /// The domain it is about, in small letters.
    package var domain = ByteString()
    /// What the reporter found published: `adkim`, `aspf`, `p`, `sp` as words, `pct`.
    package var published = Published()
    /// The rows.
    package var records: [ForeignRecord] = []

    /// What a reporter found published.
    package struct Published: Sendable, Hashable {
        /// `adkim`.
        package var dkimMode = ByteString()
        /// `aspf`.
        package var spfMode = ByteString()
        /// `p`.
        package var policy = ByteString()
        /// `sp`.
        package var subdomainPolicy = ByteString()
        /// `pct`; nil where it is not told (RFC 9990 has none).
        package var percent: Int64?
    }

    /// Makes an empty report.
    package init() {}
}

/// One row of a report from others.
package struct ForeignRecord: Sendable, Hashable {
    /// The client's address.
    package var address: IPAddress
    /// How many messages.
    package var count: Int64 = 0
    /// `none`, `quarantine`, `reject`, or what the reporter wrote.
    package var disposition = ByteString()
    /// Whether DKIM passed and was aligned: `pass` or `fail`.
    package var dkim = ByteString()
    /// Whether SPF passed and was aligned: `pass` or `fail`.
    package var spf = ByteString()
    /// The domain of From:, in small letters.
    package var from = ByteString()
    /// The domain of the envelope sender; nil where it is not told.
    package var envelopeDomain: ByteString?
    /// Why the policy was not followed.
    package var reason = ByteString()
    /// What SPF and DKIM gave.
    package var results: [ForeignResult] = []
}

/// One result of SPF or DKIM in a report from others.
package struct ForeignResult: Sendable, Hashable {
    /// `dkim` or `spf`.
    package var method: ByteString
    /// The domain, in small letters.
    package var domain = ByteString()
    /// The selector; empty for SPF.
    package var selector = ByteString()
    /// The result's word.
    package var result = ByteString()
}
