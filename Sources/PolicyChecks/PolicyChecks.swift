// PolicyChecks: what the owner of a domain says about mail in its name.
//
// Purpose: facts of a session in, a verdict out, as values; nothing is refused, written or logged here. So far: SPF
// (RFC 7208), evaluated natively; why not by libspf2, stands in doc/decisions.md.
// May import: Bytes, MailText, DNS.
// Read in this order, in SPF/: SPFResult.swift, SPFQuestion.swift, SPFMacros.swift, SPFRecord.swift, SPFRecord+terms.swift,
// SPFEvaluation.swift, SPFEvaluation+mechanisms.swift, SPFEvaluation+macros.swift, SPFChecker.swift, SPFVerdict.swift.
