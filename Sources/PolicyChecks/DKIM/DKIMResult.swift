package import Bytes

/// What checking a signature came to.
package enum DKIMResult: Sendable, Hashable {
    /// It was not checked.
    case none
    /// It is good.
    case pass
    /// The body is not the one that was signed.
    case bodyHashMismatch
    /// The header, or the signature, is not the one that was signed.
    case signatureIncorrect
    /// The key is shorter than `dkim_verify_min_keysizes` allows.
    case keyTooShort
    /// The key's record does not allow the hash.
    case hashNotAllowed
    /// The key's record has `t=s`, and `i=` is of a domain below `d=`.
    case identityNotAllowed
    /// The key cannot be had, now or ever.
    case keyUnavailable
    /// The key's record is longer than `DKIMKeyRecord.longest`.
    case keyOverlong
    /// The key's record cannot be read.
    case recordSyntax
    /// The key itself cannot be read; one that was revoked is such a key.
    case keySyntax
    /// A tag that must be there is not, or not as it must be.
    case tags
    /// `v=` is not 1.
    case version

    /// `$dkim_verify_status`.
    package var status: ByteString {
        switch self {
        case .none: "none"
        case .pass: "pass"
        case .bodyHashMismatch, .signatureIncorrect, .keyTooShort, .hashNotAllowed, .identityNotAllowed:
            "fail"
        case .keyUnavailable, .keyOverlong, .recordSyntax, .keySyntax, .tags, .version: "invalid"
        }
    }

    /// `$dkim_verify_reason`; empty for some.
    package var reason: ByteString {
        switch self {
        case .none, .pass, .hashNotAllowed, .identityNotAllowed, .tags, .version: ""
        case .bodyHashMismatch: "bodyhash_mismatch"
        case .signatureIncorrect: "signature_incorrect"
        case .keyTooShort: "pubkey_too_short"
        case .keyUnavailable, .keyOverlong: "pubkey_unavailable"
        case .recordSyntax: "pubkey_dns_syntax"
        case .keySyntax: "pubkey_der_syntax"
        }
    }

    /// How the line of `dkim_verbose` ends.
    package var logged: ByteString {
        switch self {
        case .none: "not verified"
        case .pass: "verification succeeded"
        case .bodyHashMismatch: "verification failed - body hash mismatch (body probably modified in transit)"
        case .signatureIncorrect:
            "verification failed - signature did not verify (headers probably modified in transit)"
        case .keyTooShort: "verification failed - signature invalid (key too short)"
        case .hashNotAllowed: "verification failed - unspecified reason"
        case .identityNotAllowed: "verification failed - identity not allowed by the key's t=s"
        case .keyUnavailable: "invalid - public key record (currently?) unavailable"
        case .keyOverlong: "invalid - overlong public key record"
        case .recordSyntax, .keySyntax: "invalid - syntax error in public key record"
        case .tags: "invalid - signature tag missing or invalid"
        case .version: "invalid - unsupported DKIM version"
        }
    }

    /// Whether the key was wanted and could not be had.
    package var isKeyImportFailure: Bool {
        [.keyUnavailable, .keyOverlong, .recordSyntax, .keySyntax].contains(self)
    }

    /// The result as `Authentication-Results:` has it, with the comment that explains it (RFC 8601, section 2.7.1).
    package func announced(keyBits: Int) -> (word: ByteString, comment: ByteString?) {
        switch self {
        case .none: ("none", nil)
        case .pass: ("pass", nil)
        case .bodyHashMismatch: ("fail", "body hash mismatch; body probably modified in transit")
        case .signatureIncorrect: ("fail", "signature did not verify; headers probably modified in transit")
        case .keyTooShort: ("fail", "public key too short: \(keyBits) bits")
        case .hashNotAllowed: ("fail", "unspecified reason")
        case .identityNotAllowed: ("fail", "identity not allowed by the key's t=s")
        case .keyUnavailable: ("temperror", "pubkey unavailable")
        case .keyOverlong: ("permerror", "overlong public key record")
        case .recordSyntax, .keySyntax: ("neutral", "public key record import problem")
        case .tags: ("neutral", "signature tag missing or invalid")
        case .version: ("neutral", "unsupported DKIM version")
        }
    }
}

/// A signature and what checking it came to.
package struct DKIMVerdict: Sendable, Hashable {
    /// The signature.
    package let signature: DKIMSignature
    /// The result.
    package var result: DKIMResult
    /// The key's record, where it was read.
    package var record: DKIMKeyRecord?
    /// The bits of the key; 0 where it was not read.
    package var keyBits = 0
    /// What libcrypto says of a key or signature that is not good.
    package var problem: ByteString?
    /// Whether the key could not be had for now: the DNS was in trouble, or there was no time left to ask it.
    package var isUndecided = false
    /// Whether the body goes on behind what is signed (`l=`).
    package var isBodyCut = false

    init(_ signature: DKIMSignature, _ result: DKIMResult = .none) {
        self.signature = signature
        self.result = result
    }

    /// Whether it says less than a good one should at this time, in seconds since 1970: it is past `x=`, or the body goes on
    /// behind what is signed (RFC 6376, sections 3.5 and 8.2).
    package func isWeak(at now: Int64) -> Bool { isBodyCut || signature.expires.map { $0 < now } ?? false }

    /// The line of `dkim_verbose` up to its ending.
    package var logged: ByteString {
        var text: ByteString = """
            DKIM: d=\(signature.domain ?? "<UNSET>") s=\(signature.selector ?? "<UNSET>") \
            c=\(signature.headerForm.word)/\(signature.bodyForm.word) a=\(signature.algorithm.word) \
            b=\(signature.signature.count * 8)
            """
        if let identity = signature.identity { text += " i=\(identity)" as ByteString }
        if let created = signature.created, created > 0 { text += " t=\(created)" as ByteString }
        if let expires = signature.expires, expires > 0 { text += " x=\(expires)" as ByteString }
        if let length = signature.bodyLength { text += " l=\(length)" as ByteString }
        return text
    }
}
