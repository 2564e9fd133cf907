// PolicyChecks: what the owner of a domain says about mail in its name.
//
// Purpose: facts of a session in, a verdict out, as values; nothing is refused, written or logged here. SPF (RFC
// 7208) and DMARC (RFC 7489) are evaluated natively; why not by libspf2 and libopendmarc, stands in doc/decisions.md.
// DKIM (RFC 6376, RFC 8463) goes both ways: messages come in octet by octet, and are never held.
// May import: Bytes, MailText, DNS, OpenSSL.
// Read in this order, in SPF/: SPFResult.swift, SPFQuestion.swift, SPFMacros.swift, SPFRecord.swift, SPFRecord+terms.swift,
// SPFEvaluation.swift, SPFEvaluation+mechanisms.swift, SPFEvaluation+macros.swift, SPFChecker.swift, SPFVerdict.swift.
// In DKIM/: DKIMTags.swift, DKIMAlgorithm.swift, DKIMCanonicalization.swift, DKIMBodyHash.swift, DKIMSignature.swift,
// DKIMHashing.swift, DKIMKeyRecord.swift, DKIMResult.swift, DKIMVerifier.swift; DKIMHeaderChoice.swift, DKIMFolding.swift,
// DKIMSigning.swift.
// In DMARC/: PublicSuffixes.swift, DMARCRecord.swift, DMARCVerdict.swift, DMARCChecker.swift.
