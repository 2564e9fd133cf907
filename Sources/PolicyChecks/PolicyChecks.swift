// PolicyChecks: what the owner of a domain says about mail in its name.
//
// Purpose: facts of a session in, a verdict out, as values; nothing is refused, written or logged here. SPF (RFC
// 7208) and DMARC (RFC 7489) are evaluated natively; why not by libspf2 and libopendmarc, stands in doc/decisions.md.
// May import: Bytes, MailText, DNS.
// Read in this order, in SPF/: SPFResult.swift, SPFQuestion.swift, SPFMacros.swift, SPFRecord.swift, SPFRecord+terms.swift,
// SPFEvaluation.swift, SPFEvaluation+mechanisms.swift, SPFEvaluation+macros.swift, SPFChecker.swift, SPFVerdict.swift.
// In DMARC/: PublicSuffixes.swift, DMARCRecord.swift, DMARCVerdict.swift, DMARCChecker.swift.
