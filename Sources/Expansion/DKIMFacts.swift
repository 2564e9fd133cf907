package import Bytes

/// What checking a message's DKIM signatures has told (manual, section 58.3).
package struct DKIMFacts: Sendable, Hashable {
    /// A signature, as `acl_smtp_dkim` and `${authresults}` see it.
    package struct Signature: Sendable, Hashable {
        /// What each signature has by its name, such as `dkim_domain`; what is not there is empty.
        package var values: [ByteString: ByteString] = [:]
        /// `$dkim_verify_status`, as it was found or as an ACL has set it.
        package var status: ByteString
        /// `$dkim_verify_reason`, likewise.
        package var reason: ByteString
        /// The words of `Authentication-Results:`.
        package var announced: (word: ByteString, comment: ByteString?) {
            get { (announcedWord, announcedComment) }
            set { (announcedWord, announcedComment) = newValue }
        }
        private var announcedWord: ByteString = "none"
        private var announcedComment: ByteString?
        /// Whether an ACL has set status or reason.
        package var isOverridden = false
        /// Whether the key could not be had for now, so that a later try may come to another result; `status` does not tell.
        package var isUndecided = false
        /// Whether it says less than a good one should: its time (`x=`) is over, or part of the body is not signed (`l=`).
        ///
        /// Exim takes such a signature for good, and `status` does so too.
        package var isWeak = false

        /// Makes a signature.
        package init(status: ByteString, reason: ByteString) {
            self.status = status
            self.reason = reason
        }
    }

    /// The signatures that count, in the order of their checks.
    package var signatures: [Signature]
    /// The value of `$dkim_signers`.
    package var signers: ByteString
    /// `$dkim_cur_signer`: whom the ACL is run for.
    package var currentSigner: ByteString?
    /// Which signature the ACL is run for, or was run for last; nil for none.
    package var current: Int?
    /// `$dkim_verify_status`: that of the signature while the ACL runs, then those of all its runs.
    package var status: ByteString = ""
    /// The value of `$dkim_verify_reason`.
    package var reason: ByteString = ""
    /// Whether an ACL has set status or reason in this run.
    package var isOverridden = false

    /// Makes facts.
    package init(signatures: [Signature], signers: ByteString) {
        self.signatures = signatures
        self.signers = signers
    }

    /// The signature that the ACL is run for.
    package var signature: Signature? { current.map { signatures[$0] } }
}

extension Variables {
    /// What DKIM tells.
    static let signatures: [ByteString: Reader] = {
        var rows: [ByteString: Reader] = [
            "dkim_cur_signer": { facts, _ in tainted(facts.message.dkim?.currentSigner) },
            "dkim_signers": { facts, _ in tainted(facts.message.dkim?.signers) },
            "dkim_verify_reason": { facts, _ in tainted(facts.message.dkim?.reason) },
            "dkim_verify_status": { facts, _ in tainted(facts.message.dkim?.status) },
        ]
        for name in signatureValues {
            rows[name] = { facts, _ in tainted(facts.message.dkim?.signature?.values[name]) }
        }
        for (name, otherwise) in signatureDefaults {
            rows[name] = { facts, _ in
                guard let dkim = facts.message.dkim, dkim.currentSigner != nil else { return nil }
                return tainted(dkim.signature?.values[name] ?? otherwise)
            }
        }
        return rows
    }()

    private static let signatureValues: [ByteString] = [
        "dkim_algo", "dkim_canon_body", "dkim_canon_headers", "dkim_copiedheaders", "dkim_domain",
        "dkim_headernames", "dkim_identity", "dkim_key_notes", "dkim_selector",
    ]

    /// What stands for a value that a signature, or its key, does not have.
    private static let signatureDefaults: [(ByteString, ByteString)] = [
        ("dkim_bodylength", "9999999999999"), ("dkim_created", "0"), ("dkim_expires", "9999999999999"),
        ("dkim_key_granularity", "*"), ("dkim_key_length", "0"), ("dkim_key_nosubdomains", "0"),
        ("dkim_key_srvtype", "*"), ("dkim_key_testing", "0"),
    ]
}
