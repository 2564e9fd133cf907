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
    /// The message has come without SMTP.
    case notSMTP
    /// QUIT.
    case quit
    /// VRFY.
    case vrfy
    /// EXPN.
    case expn
    /// ETRN.
    case etrn
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
        default: "acl_smtp_\(rawValue)"
        }
    }

    /// Whether `recipients`, `domains` and `local_parts` have a meaning.
    var hasRecipient: Bool { self == .rcpt }

    /// Whether a message with header lines is there.
    var hasMessage: Bool { self == .data || self == .notSMTP }

    /// Whether header lines may be added and removed: from MAIL on.
    var hasTransaction: Bool {
        switch self {
        case .mail, .rcpt, .predata, .data, .notSMTP, .notSMTPStart: true
        case .connect, .helo, .quit, .vrfy, .expn, .etrn, .auth, .mailauth, .notquit, .expansion: false
        }
    }

    /// What the log calls the moment: `rejected RCPT <...>`, `rejected after DATA`.
    package var place: ByteString {
        switch self {
        case .connect: "connection"
        case .helo: "EHLO or HELO"
        case .mail: "MAIL"
        case .rcpt: "RCPT"
        case .predata: "DATA"
        case .data: "after DATA"
        case .notSMTP: "non-SMTP message"
        case .quit: "QUIT"
        case .vrfy: "VRFY"
        case .expn: "EXPN"
        case .etrn: "ETRN"
        case .auth: "AUTH"
        case .mailauth: "MAIL AUTH="
        case .notquit: "session end"
        case .notSMTPStart: "non-SMTP message start"
        case .expansion: "expansion"
        }
    }
}
