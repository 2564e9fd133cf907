package import Bytes

/// The result of SPF, of one DKIM signature or of ARC, by the numbers that OpenDMARC's history files use.
package enum AuthenticationResult: Int, Sendable, Hashable, CaseIterable {
    /// Not known.
    case undefined = -1
    /// Passed.
    case pass = 0
    /// Not used.
    case unused = 1
    /// SPF: `~all`.
    case softfail = 2
    /// Nothing said.
    case neutral = 3
    /// Could not be told now.
    case temperror = 4
    /// Can never be told.
    case permerror = 5
    /// There is no record or signature.
    case none = 6
    /// Failed.
    case fail = 7
    /// Refused by local policy.
    case policy = 8
    /// The domain does not exist.
    case nxdomain = 9
    /// Signed here.
    case signed = 10
    /// Not known.
    case unknown = 11
    /// To be discarded.
    case discard = 12

    /// The word of an aggregate report's `SPFResultType` (RFC 7489, appendix C).
    package var spfWord: ByteString {
        switch self {
        case .pass: "pass"
        case .softfail: "softfail"
        case .neutral: "neutral"
        case .temperror: "temperror"
        case .permerror, .nxdomain: "permerror"
        case .fail, .policy, .discard: "fail"
        case .undefined, .unused, .none, .signed, .unknown: "none"
        }
    }

    /// The word of an aggregate report's `DKIMResultType` (RFC 7489, appendix C).
    package var dkimWord: ByteString {
        switch self {
        case .pass: "pass"
        case .softfail, .neutral, .unknown: "neutral"
        case .temperror: "temperror"
        case .permerror, .nxdomain: "permerror"
        case .fail: "fail"
        case .policy, .discard: "policy"
        case .undefined, .unused, .none, .signed: "none"
        }
    }

    /// Whether the check itself failed, which OpenDMARC's `signatures.error` tells.
    package var isError: Bool { self == .temperror || self == .permerror }
}

/// What a receiver did with a message, by the numbers of the history's `action` line.
package enum Disposition: Int, Sendable, Hashable, CaseIterable {
    /// Refused.
    case reject = 0
    /// Thrown away.
    case discard = 1
    /// Let in.
    case accept = 2
    /// Put off.
    case tempfail = 3
    /// Put aside.
    case quarantine = 4

    /// The word of an aggregate report's `DispositionType` (RFC 7489, appendix C).
    package var word: ByteString {
        switch self {
        case .reject, .discard: "reject"
        case .accept, .tempfail: "none"
        case .quarantine: "quarantine"
        }
    }
}

/// How DMARC judged a message: libopendmarc's codes, as in the history's `policy` line.
package enum PolicyOutcome: Int, Sendable, Hashable, CaseIterable {
    /// There is no record.
    case absent = 14
    /// Passed.
    case pass = 15
    /// Failed, and the domain asks to refuse.
    case reject = 16
    /// Failed, and the domain asks to put aside.
    case quarantine = 17
    /// Failed, and the domain asks for nothing.
    case none = 18
}

/// What a domain asks receivers to do: the tags `p=` and `sp=`; the number is the first letter's ASCII code.
package enum RequestedPolicy: Int, Sendable, Hashable, CaseIterable {
    /// Nothing.
    case none = 110
    /// Put aside.
    case quarantine = 113
    /// Refuse.
    case reject = 114

    /// The word of the record and of reports.
    package var word: ByteString {
        switch self {
        case .none: "none"
        case .quarantine: "quarantine"
        case .reject: "reject"
        }
    }

    /// The policy of a word, in any case; nil for other words.
    package init?(word: ByteString) {
        guard let found = Self.allCases.first(where: { $0.word.equalsIgnoringCase(word) }) else { return nil }
        self = found
    }
}

/// How closely names must agree: the tags `adkim=` and `aspf=`; the number is the letter's ASCII code.
package enum AlignmentMode: Int, Sendable, Hashable, CaseIterable {
    /// The same organizational domain.
    case relaxed = 114
    /// The same name.
    case strict = 115

    /// `r` or `s`.
    package var letter: ByteString { self == .relaxed ? "r" : "s" }
}

/// Whether SPF or DKIM passed for a name that agrees with the From domain.
package enum Alignment: Int, Sendable, Hashable, CaseIterable {
    /// Not evaluated.
    case unknown = 0
    /// Passed and aligned.
    case pass = 4
    /// Not so.
    case fail = 5
}
