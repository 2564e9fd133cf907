package import Bytes

/// What SPF says of a client (RFC 7208 section 2.6); the raw values are the words that an `spf` condition knows.
package enum SPFResult: String, Sendable, Hashable {
    /// The domain says nothing of this client: `?`, or no mechanism matches.
    case neutral
    /// The client may send for the domain.
    case pass
    /// It may not.
    case fail
    /// It probably may not.
    case softfail
    /// The domain publishes no record, or is none that could.
    case none
    /// The DNS gave no answer for now.
    case temperror
    /// What is published cannot be understood.
    case permerror

    /// The word.
    package var word: ByteString { ByteString(rawValue) }
}

/// How a result was come to.
package enum SPFReason: String, Sendable, Hashable {
    /// The client is this machine itself, which is never asked about.
    case localhost
    /// A mechanism of the record matched.
    case mechanism
    /// No mechanism matched.
    case fallback = "default"
    /// There was no record, or trouble with it.
    case none
}

/// Why a record gives no result; the text is for people.
enum SPFTrouble: Error, Hashable {
    /// It may work later.
    case temporary(ByteString)
    /// It will not.
    case permanent(ByteString)
}
