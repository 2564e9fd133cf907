package import Bytes

/// When an ACL runs (manual, "Specifying when ACLs are used").
package enum ACLMoment: String, Sendable, Hashable, CaseIterable {
    /// A client connected.
    case connect
    /// HELO or EHLO.
    case helo
    /// MAIL.
    case mail
    /// RCPT.
    case rcpt
    /// DATA or BDAT, before the message.
    case predata
    /// The message has come over SMTP.
    case data
    /// The message has come over SMTP, and one of its DKIM signatures is looked at.
    case dkim
    /// The message has come over SMTP, and one of its MIME parts is looked at.
    case mime
    /// The message has come without SMTP.
    case notSMTP
    /// The message has come without SMTP, and one of its MIME parts is looked at.
    case notSMTPMIME
    /// QUIT.
    case quit
    /// VRFY.
    case vrfy
    /// EXPN.
    case expn
    /// ETRN.
    case etrn
    /// STARTTLS.
    case starttls
    /// AUTH.
    case auth
    /// The AUTH parameter of MAIL.
    case mailauth
    /// The session ends without QUIT.
    case notquit
    /// A message without SMTP begins.
    case notSMTPStart
    /// An expansion runs it, by `${acl` or the condition `acl`.
    case expansion

    /// The main option that names the ACL.
    package var option: ByteString {
        switch self {
        case .notSMTP: "acl_not_smtp"
        case .notSMTPStart: "acl_not_smtp_start"
        case .notSMTPMIME: "acl_not_smtp_mime"
        default: "acl_smtp_\(rawValue)"
        }
    }

    /// What Exim calls the moment where it says that something does not fit there.
    package var name: ByteString {
        switch self {
        case .connect: "connection"
        case .helo: "EHLO or HELO"
        case .mail: "MAIL"
        case .rcpt: "RCPT"
        case .predata: "PREDATA"
        case .data: "DATA"
        case .dkim: "DKIM"
        case .mime, .notSMTPMIME: "MIME"
        case .notSMTP: "non-SMTP"
        case .quit: "QUIT"
        case .vrfy: "VRFY"
        case .expn: "EXPN"
        case .etrn: "ETRN"
        case .starttls: "STARTTLS"
        case .auth: "AUTH"
        case .mailauth: "MAILAUTH"
        case .notquit: "not-QUIT"
        case .notSMTPStart: "non-SMTP-start"
        case .expansion: "expansion"
        }
    }

    /// Whether `discard` has something to throw away.
    var allowsDiscard: Bool {
        [.mail, .rcpt, .data, .dkim, .mime, .notSMTPMIME, .notSMTP, .expansion].contains(self)
    }

    /// Whether a decision has no effect: the session ends anyway.
    var mayNotFail: Bool { self == .quit || self == .notquit }
}

/// Which conditions, modifiers and controls fit which moments (manual, sections 44.21 to 44.26).
enum ACLFitness {
    /// A message is being received, over SMTP.
    private static let transaction: Set<ACLMoment> = [
        .mail, .rcpt, .predata, .dkim, .mime, .notSMTPMIME, .data,
    ]
    /// A message is being received.
    private static let message = transaction.union([.notSMTP, .notSMTPStart])
    private static let local: Set<ACLMoment> = [.notSMTP, .notSMTPStart]
    /// A MIME part is looked at.
    private static let parts: Set<ACLMoment> = [.mime, .notSMTPMIME]
    /// The whole message is there.
    private static let whole: Set<ACLMoment> = [.data, .notSMTP]

    /// Whether a condition or modifier fits.
    static func fits(_ clause: ByteString, at moment: ACLMoment) -> Bool {
        if moment == .expansion { return true }
        return switch clause {
        case "add_header", "remove_header", "senders", "sender_domains": message.contains(moment)
        case "domains", "local_parts", "recipients": moment == .rcpt || moment == .vrfy
        case "dkim_signers": moment == .dkim
        // Exim 4.96 takes it for signatures only; later ones wherever they are known.
        case "dkim_status": moment == .dkim || moment == .mime || moment == .data
        case "queue": moment != .data && moment != .notSMTP
        case "authenticated": moment != .connect && moment != .helo && !local.contains(moment)
        case "encrypted": moment != .helo && !local.contains(moment)
        case "hosts", "dnslists": !local.contains(moment)
        case "decode", "mime_regex": parts.contains(moment)
        case "regex": parts.contains(moment) || whole.contains(moment)
        case "malware", "spam": whole.contains(moment)
        case "spf", "spf_guess": transaction.union([.quit, .notquit]).contains(moment)
        case "dmarc_status": moment == .data
        case "delay": moment != .notquit
        default: true
        }
    }

    /// Whether a control fits.
    static func fits(control: ByteString, at moment: ACLMoment) -> Bool {
        if moment == .expansion { return true }
        return switch control {
        case "caseful_local_part", "caselower_local_part", "cutthrough_delivery": moment == .rcpt
        case "freeze", "queue", "queue_only": transaction.contains(moment) || moment == .notSMTP
        case "fakereject", "fakedefer": transaction.contains(moment)
        case "no_mbox_unspool": transaction.contains(moment)
        case "submission": moment == .mail || moment == .rcpt || moment == .predata
        case "suppress_local_fixups":
            moment == .mail || moment == .rcpt || moment == .predata || moment == .notSMTPStart
        case "allow_auth_unadvertised": moment == .connect || moment == .helo
        case "dkim_disable_verify", "dmarc_disable_verify", "dmarc_enable_forensic":
            moment != .data && !local.contains(moment)
        case "utf8_downconvert": moment == .rcpt || moment == .vrfy
        case "enforce_sync", "no_enforce_sync", "no_callout_flush", "no_delay_flush",
            "no_multiline_responses", "no_pipelining":
            !local.contains(moment)
        default: true
        }
    }

    /// Whether a kind of `verify` fits.
    static func fits(verify kind: ByteString, at moment: ACLMoment) -> Bool {
        if moment == .expansion { return true }
        return switch kind {
        case "sender":
            (transaction.contains(moment) && !parts.contains(moment) && moment != .dkim)
                || moment == .notSMTP
        case "recipient": moment == .rcpt
        case "header_syntax", "header_sender", "header_names_ascii", "not_blind":
            whole.contains(moment) || parts.contains(moment)
        default: true
        }
    }
}
