package import Bytes

/// A delay warning: addresses have waited long (delivery.md 2.8 and 8).
package struct DelayWarning: Sendable, Hashable {
    /// What all notifications share; `to` may be a comma list.
    package var frame: NotificationFrame
    /// The delayed addresses.
    package var delayed: [NotifiedAddress]
    /// The message id.
    package var id: ByteString
    /// The threshold that was passed, in seconds.
    package var threshold: Int
    /// How long the message has been queued, in seconds.
    package var age: Int
    /// The items of `warn_message_file`, expanded: header lines, beginning and end.
    package var ownHeader: ByteString?
    /// The beginning that stands in place of the usual one.
    package var ownIntroduction: ByteString?
    /// The end that stands in place of the usual one.
    package var ownEnding: ByteString?

    /// Makes a warning.
    package init(
        frame: NotificationFrame, delayed: [NotifiedAddress], id: ByteString, threshold: Int, age: Int
    ) {
        self.frame = frame
        self.delayed = delayed
        self.id = id
        self.threshold = threshold
        self.age = age
    }

    /// The message to submit.
    package func composed() -> ComposedNotification {
        var writer = NotificationWriter(frame)
        writeHeader(&writer)
        writer.part("text/plain; charset=us-ascii")
        writeText(&writer)
        writer.part("message/delivery-status")
        writer.perMessageFields()
        for address in delayed {
            writer.raw(address.fields(action: "delayed", status: "4.0.0", diagnostic: address.smtpDiagnostic))
        }
        writer.part("text/rfc822-headers")
        writer.originalHeaders()
        writer.line()
        return ComposedNotification(head: writer.text, tail: writer.closing)
    }

    /// Minutes while the message is younger than two hours, hours after that.
    package var delay: ByteString {
        age < 7200 ? "\(threshold / 60) minutes" : "\(threshold / 3600) hours"
    }

    private func writeHeader(_ writer: inout NotificationWriter) {
        writer.replyTo()
        writer.line("Auto-Submitted: auto-replied")
        writer.line("From: \(frame.from)")
        writer.line("To: \(frame.to)")
        writer.references()
        writer.contentType()
        if let ownHeader {
            writer.raw(ownHeader)
        } else {
            writer.line("Subject: Warning: message \(id) delayed \(delay)")
        }
        writer.line()
    }

    private func writeText(_ writer: inout NotificationWriter) {
        if let ownIntroduction {
            writer.raw(ownIntroduction)
        } else {
            writeIntroduction(&writer)
        }
        writer.line()
        for address in delayed { writer.raw(address.entry(textPrefix: "Delay reason: ")) }
        writer.line()
        writer.raw(ownEnding ?? Self.ending)
        writer.line()
    }

    private func writeIntroduction(_ writer: inout NotificationWriter) {
        writer.line("This message was created automatically by mail delivery software.")
        let isToSender = frame.to == frame.sender
        if isToSender {
            writer.line("A message that you sent has not yet been delivered to one or more of its")
        } else {
            writer.line("A message sent by\n\n  <\(frame.sender)>\n")
            writer.line("has not yet been delivered to one or more of its recipients after more than ")
        }
        let lead: ByteString = isToSender ? "recipients after more than " : ""
        writer.line("\(lead)\(delay) on the queue on \(frame.hostname).\n")
        writer.line("The message identifier is:     \(id)")
        if let subject = frame.headers.named("Subject").first {
            writer.line("The subject of the message is: \(subject.value)")
        }
        if let date = frame.headers.named("Date").first {
            writer.line("The date of the message is:    \(date.value)")
        }
        let plural = delayed.count > 1
        writer.line(
            "\nThe address\(plural ? "es" : "") to which the message has not yet been delivered \(plural ? "are" : "is"):"
        )
    }

    private static let ending: ByteString = """
        No action is required on your part. Delivery attempts will continue for
        some time, and this warning may be repeated at intervals if the message
        remains undelivered. Eventually the mail delivery software will give up,
        and when that happens, the message will be returned to you.

        """
}
