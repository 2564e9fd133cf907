// ACL: what an access control list says at a moment of a session.
//
// Purpose: statements, conditions and modifiers of the `acl` section, evaluated for one moment; the verdict is
// a value, effects on the message are collected in the state. It speaks no SMTP and writes no log.
// May import: Bytes, MailText, DNS, OpenSSL, Hints, SMTP (replies), Lookups, Expansion, Configuration, PolicyChecks,
// Routing, Transports (callout), EximLog.
// Read in this order: ACLMoment.swift, ACLVerdict.swift, ACLState.swift, ACLSettings.swift, ACLHints.swift,
// ACLEvaluator.swift, ReplyCode.swift, ACLTrace.swift, StatementRun.swift, ACLConditions.swift, ACLModifiers.swift, ACLControls.swift,
// UDPSending.swift, SenderPolicy.swift, SignatureChecks.swift, AuthorPolicy.swift, DNSList.swift, RateLimit.swift, RateMeter.swift, Seen.swift; then what `verify` does: AddressVerifying.swift,
// CalloutOrder.swift, QuotaCaching.swift, ACLVerification.swift, HeaderVerification.swift, HostVerification.swift,
// ClientAuthorization.swift; then content scanning, in Scanning/: ScanFile.swift, ScanCopy.swift, MIMEInspection.swift,
// ContentConditions.swift, ScannerConnection.swift, Malware.swift, MalwareScan.swift, MalwareScan+others.swift,
// SpamServer.swift, Spam.swift, SpamScan.swift.
