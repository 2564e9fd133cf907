package import Bytes
package import MailText

/// A client's command, understood as far as it can be without policy.
package enum SMTPCommand: Sendable, Hashable {
    /// HELO or EHLO with its argument; `isExtended` for EHLO. The argument has passed no check yet: see
    /// `HeloRules`.
    case hello(argument: ByteString, isExtended: Bool)
    /// MAIL FROM.
    case mail(MailCommand)
    /// RCPT TO.
    case recipient(RecipientCommand)
    /// DATA.
    case data
    /// BDAT with the number of octets, and whether it is the last chunk.
    case bdat(size: Int, isLast: Bool)
    /// RSET.
    case reset
    /// NOOP with whatever followed.
    case noop(argument: ByteString)
    /// QUIT.
    case quit
    /// VRFY.
    case verify(argument: ByteString)
    /// EXPN.
    case expand(argument: ByteString)
    /// HELP.
    case help(argument: ByteString)
    /// ETRN.
    case etrn(argument: ByteString)
    /// STARTTLS.
    case startTLS
    /// AUTH with the mechanism and the initial response as they came; nil when no response was given.
    case auth(mechanism: ByteString, initial: ByteString?)
    /// XCLIENT with its attributes.
    case xclient(argument: ByteString)
    /// A word that is no command.
    case unknown(line: ByteString)
}

/// MAIL FROM as it came.
package struct MailCommand: Sendable, Hashable {
    /// What followed `MAIL FROM:`, white space at both ends and parameters gone, for replies and the log.
    package var argument: ByteString
    /// The same, still to be rewritten and parsed.
    package var addressText: ByteString
    /// SIZE; nil when not given.
    package var size: Int?
    /// BODY; nil when not given.
    package var body: BodyType?
    /// Whether SMTPUTF8 was given.
    package var isSMTPUTF8 = false
    /// Whether PRDR was given.
    package var wantsPRDR = false
    /// RET.
    package var returns: ReturnType?
    /// ENVID as received, xtext.
    package var envelopeID: ByteString?
    /// AUTH as received, xtext or `<>`.
    package var auth: ByteString?

    /// Makes a command of an address text without parameters.
    package init(addressText: ByteString) {
        argument = addressText
        self.addressText = addressText
    }

    /// BODY values.
    package enum BodyType: Sendable, Hashable {
        case sevenBit, eightBitMIME
    }
    /// RET values.
    package enum ReturnType: Sendable, Hashable {
        case full, headers
    }

    /// The sender; throws Exim's words, with which the 501 reply is made (`AddressRules.allowsNull` is set
    /// here).
    package func sender(_ rules: AddressRules) throws(AddressError) -> EmailAddress {
        var rules = rules
        rules.allowsNull = true
        return try SMTPAddress.parse(addressText, rules)
    }
}

/// RCPT TO as it came.
package struct RecipientCommand: Sendable, Hashable {
    /// What followed `RCPT TO:`, white space at both ends and parameters gone, for replies and the log.
    package var argument: ByteString
    /// The same, still to be rewritten and parsed.
    package var addressText: ByteString
    /// NOTIFY; empty set when not given.
    package var notify: Notify = []
    /// ORCPT as received, xtext.
    package var originalRecipient: ByteString?

    /// Makes a command of an address text without parameters.
    package init(addressText: ByteString) {
        argument = addressText
        self.addressText = addressText
    }

    /// NOTIFY values (RFC 3461, section 4.1).
    package struct Notify: OptionSet, Sendable, Hashable {
        /// The bits as Exim's spool has them: 1 success, 2 failure, 4 delay, 8 never.
        package let rawValue: Int
        /// Makes a set.
        package init(rawValue: Int) { self.rawValue = rawValue }
        /// SUCCESS.
        package static let success = Notify(rawValue: 1)
        /// FAILURE.
        package static let failure = Notify(rawValue: 2)
        /// DELAY.
        package static let delay = Notify(rawValue: 4)
        /// NEVER.
        package static let never = Notify(rawValue: 8)
    }

    /// The recipient; throws Exim's words, with which the 501 reply is made.
    package func recipient(_ rules: AddressRules) throws(AddressError) -> EmailAddress {
        var rules = rules
        rules.allowsNull = false
        return try SMTPAddress.parse(addressText, rules)
    }
}

/// The addresses of MAIL and RCPT.
enum SMTPAddress {
    /// The most octets of one (RFC 5321, section 4.5.3.1.3, and Exim's buffer).
    static let maximumLength = 256
    /// How much of a longer one is shown.
    static let shownLength = 64

    static func parse(_ text: ByteString, _ rules: AddressRules) throws(AddressError) -> EmailAddress {
        let address = try AddressParser.parseOne(text, rules: rules).address
        guard address.text.count <= maximumLength else {
            let shown = ByteString(address.text.prefix(shownLength))
            throw AddressError("address is ridiculously long: \(shown)...", in: text)
        }
        return address
    }
}

/// Which parameters and commands have been advertised to the client, so that they are understood.
package struct Advertised: OptionSet, Sendable, Hashable {
    /// One bit an extension.
    package let rawValue: Int
    /// Makes a set.
    package init(rawValue: Int) { self.rawValue = rawValue }
    /// EHLO was given: SIZE, BODY and AUTH parameters are understood.
    package static let extended = Advertised(rawValue: 1)
    /// DSN.
    package static let dsn = Advertised(rawValue: 2)
    /// SMTPUTF8.
    package static let smtpUTF8 = Advertised(rawValue: 4)
    /// PRDR.
    package static let prdr = Advertised(rawValue: 8)
    /// CHUNKING.
    package static let chunking = Advertised(rawValue: 16)
    /// STARTTLS.
    package static let startTLS = Advertised(rawValue: 32)
    /// AUTH.
    package static let auth = Advertised(rawValue: 64)
    /// XCLIENT.
    package static let xclient = Advertised(rawValue: 128)
    /// PIPELINING.
    package static let pipelining = Advertised(rawValue: 256)
}

/// Why a command line cannot be obeyed.
package struct SMTPSyntaxError: Error, Sendable, Hashable {
    /// What the client hears, Exim's text.
    package var reply: Reply
    /// What the log says: the text after `SMTP syntax error in "..." H=...`.
    package var logged: ByteString

    /// Makes an error.
    package init(_ code: Int, _ text: ByteString) {
        reply = Reply(code, text)
        logged = text
    }
}
