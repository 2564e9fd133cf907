package import Bytes

/// What is wrong with a message that a local caller hands in (manual, options `-oee` to `-oew`).
package enum SubmissionMistake: Sendable, Hashable {
    /// Text where an address was expected, and what is wrong with it.
    package struct BadAddress: Sendable, Hashable {
        /// As it was written.
        package var text: ByteString
        /// What is wrong.
        package var reason: ByteString

        /// Makes a value.
        package init(_ text: ByteString, _ reason: ByteString) {
            self.text = text
            self.reason = reason
        }
    }

    /// A recipient on the command line is no address.
    case badRecipient(BadAddress)
    /// With `-t`: the header has some that are none; the others are served, or there are no others.
    case badAddresses([BadAddress], othersAreServed: Bool)
    /// With `-t`: the header has no recipients.
    case noRecipients
    /// With `-t`: all of them are taken away by the command line.
    case allSuppressed
    /// There are more than `recipients_max`.
    case tooManyRecipients(most: Int, fromHeader: Bool)
    /// There are more octets than `message_size_limit`.
    case tooBig(limit: Int)
    /// The header is longer than `header_maxsize`.
    case headerTooLong(limit: Int)
    /// A header line is longer than `header_line_maxsize`.
    case headerLineTooLong(limit: Int)
    /// `acl_not_smtp` refuses it with these words.
    case rejected(ByteString)
}

extension SubmissionMistake {
    /// What the caller's terminal shows (`-oep`).
    package var shown: ByteString {
        switch self {
        case .badRecipient(let bad): "bad recipient address \"\(bad.text)\": \(bad.reason)"
        case .badAddresses(let list, _):
            "invalid address: \(list.first.map { " \($0.text): \($0.reason)" } ?? "")"
        case .noRecipients: "no recipients in message"
        case .allSuppressed: "all -t recipients overridden by command line"
        case .tooManyRecipients(_, let fromHeader):
            fromHeader ? "message rejected: too many recipients" : "too many recipients"
        case .tooBig(let limit): "message rejected: message too big (max=\(limit))"
        case .headerTooLong(let limit):
            "message header longer than \(limit) characters received: message not accepted"
        case .headerLineTooLong(let limit):
            "message header line longer than \(limit) characters received: message not accepted"
        case .rejected(let why): "message rejected by non-SMTP ACL: \(why)"
        }
    }

    /// What the log says when there is nobody who could be told.
    package var logged: ByteString {
        switch self {
        case .badRecipient(let bad): Self.malformed([bad])
        case .badAddresses(let list, _): Self.malformed(list)
        case .noRecipients, .allSuppressed: "no recipient addresses"
        case .tooManyRecipients(let most, _): "too many recipients (max set to \(most))"
        case .tooBig(let limit): "message too big (limit set to \(limit))"
        case .headerTooLong(let limit):
            "excessively long message header section read (more than \(limit) characters)"
        case .headerLineTooLong(let limit):
            "excessively long message header line read (more than \(limit) characters)"
        case .rejected(let why): "rejected by non-SMTP ACL: \(why)"
        }
    }

    private static func malformed(_ list: [BadAddress]) -> ByteString {
        "at least one malformed recipient address: \(list.first.map { "\($0.text) - \($0.reason)" } ?? "")"
    }

    /// What the report's subject says behind `Mail failure - `.
    var subject: ByteString {
        switch self {
        case .badRecipient, .badAddresses: "malformed recipient address"
        case .noRecipients, .allSuppressed: "no recipient addresses"
        case .tooManyRecipients: "too many recipients"
        case .tooBig: "message too big"
        case .headerTooLong: "overlong header section"
        case .headerLineTooLong: "overlong header line"
        case .rejected: "rejected by local scanning code"
        }
    }

    /// The report's explanation.
    var explanation: ByteString {
        switch self {
        case .badRecipient(let bad):
            """
            A message that you sent contained a recipient address that was incorrectly
            constructed:

              \(bad.text)  \(bad.reason)

            The message has not been delivered to any recipients.

            """
        case .badAddresses(let list, let othersAreServed): Self.explanation(of: list, othersAreServed)
        case .noRecipients:
            """
            A message that you sent contained no recipient addresses, and therefore no
            delivery could be attempted.

            """
        case .allSuppressed:
            """
            A message that you sent using the -t command line option contained no
            addresses that were not also on the command line, and were therefore
            suppressed. This left no recipient addresses, and so no delivery could
            be attempted.

            """
        case .tooManyRecipients:
            """
            A message that you sent contained more recipients than allowed on this
            system. It was not delivered to any recipients.

            """
        case .tooBig:
            """
            A message that you sent was longer than the maximum size allowed on this
            system. It was not delivered to any recipients.

            """
        case .headerTooLong: Self.explanation(ofOverlong: "section")
        case .headerLineTooLong: Self.explanation(ofOverlong: "line")
        case .rejected(let why):
            """
            A message that you sent was rejected by the local scanning code that
            checks incoming messages on this system. The following error was given:

              \(why)

            """
        }
    }

    private static func explanation(of list: [BadAddress], _ othersAreServed: Bool) -> ByteString {
        let addresses = list.map { "  \($0.text): \($0.reason)\n" as ByteString }.joined()
        let those: ByteString = list.count == 1 ? "This address has" : "These addresses have"
        let rest: ByteString =
            othersAreServed
            ? """
            The other addresses in the message were
            syntactically valid and have been passed on for an attempt at delivery.
            """
            : """
            There were no other addresses in your
            message, and so no attempt at delivery was possible.
            """
        return """
            A message that you sent contained one or more recipient addresses that were
            incorrectly constructed:

            \(ByteString(addresses))
            \(those) been ignored. \(rest)

            """
    }

    private static func explanation(ofOverlong part: ByteString) -> ByteString {
        """
        A message that you sent contained a header \(part) that was excessively
        long and could not be handled by the mail transmission software. The
        message has not been delivered to any recipients.

        """
    }
}

/// The mail that tells a sender of a mistake in what he handed in.
package struct MistakeReport: Sendable, Hashable {
    /// What is wrong.
    package var mistake: SubmissionMistake
    /// `dsn_from`, expanded.
    package var from: ByteString
    /// The sender of the message.
    package var to: ByteString
    /// `errors_reply_to`; nil when unset.
    package var replyTo: ByteString?
    /// Header lines of the message, also those that would have been removed, as far as they are known.
    package var headers: [Header] = []
    /// What is returned of the message behind its header; nil for the header only (`bounce_return_body`).
    package var body: ByteString?
    /// How many octets of body are returned at most, where the message has more; nil when it is there whole.
    package var limit: Int?

    /// Makes a report without a copy of the message.
    package init(_ mistake: SubmissionMistake, from: ByteString, to: ByteString) {
        self.mistake = mistake
        self.from = from
        self.to = to
    }

    /// The message to submit, with LF line ends.
    package func composed() -> ByteString {
        var writer = NotificationWriter(
            NotificationFrame(from: from, to: to, hostname: "", boundary: "", replyTo, headers))
        writer.replyTo()
        writer.line("Auto-Submitted: auto-replied")
        writer.line("From: \(from)")
        writer.line("To: \(to)")
        writer.references()
        writer.line("Subject: Mail failure - \(mistake.subject)")
        writer.line()
        writer.raw(mistake.explanation)
        writer.line()
        writer.raw(introduction)
        writer.line()
        for header in headers { writer.raw(header.text) }
        writer.line()
        if let body { writer.raw(body) }
        return writer.text
    }

    private var introduction: ByteString {
        guard body != nil else {
            return """
                ------ This is a copy of the headers that were received before the error
                       was detected.

                """
        }
        guard let limit else {
            return "------ This is a copy of your message, including all the headers. ------\n"
        }
        return """
            ------ This is a copy of your message, including all the headers.
            ------ No more than \(limit) characters of the body are included.

            """
    }
}

extension NotificationFrame {
    fileprivate init(
        from: ByteString, to: ByteString, hostname: ByteString, boundary: ByteString, _ replyTo: ByteString?,
        _ headers: [Header]
    ) {
        self.init(from: from, to: to, hostname: hostname, boundary: boundary)
        self.replyTo = replyTo
        self.headers = headers
    }
}
