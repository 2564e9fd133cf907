package import Bytes

/// A bounce: addresses have failed for good (delivery.md 8; manual, chapter 50).
package struct Bounce: Sendable, Hashable {
    /// What all notifications share.
    package var frame: NotificationFrame
    /// The failed addresses, in the order of part 1.
    package var failed: [NotifiedAddress]
    /// What is returned of the original.
    package var content: ReturnedContent
    /// `bounce_message_text`.
    package var text: ByteString?
    /// The items of `bounce_message_file`, expanded: header lines, beginning, and what introduces output.
    package var ownHeader: ByteString?
    /// The beginning that stands in place of the usual one.
    package var ownIntroduction: ByteString?
    /// What introduces output, in place of the usual line.
    package var ownOutputIntroduction: ByteString?
    /// `errors_copy` addresses for the Bcc: line.
    package var copies: [ByteString] = []
    /// Output that pipes and the like generated, by address.
    package var output: [(address: ByteString, text: ByteString)] {
        get { zip(outputAddresses, outputTexts).map { ($0, $1) } }
        set {
            outputAddresses = newValue.map(\.address)
            outputTexts = newValue.map(\.text)
        }
    }
    var outputAddresses: [ByteString] = []
    var outputTexts: [ByteString] = []

    /// Makes a bounce.
    package init(frame: NotificationFrame, failed: [NotifiedAddress], content: ReturnedContent) {
        self.frame = frame
        self.failed = failed
        self.content = content
    }

    /// The message to submit; with `.full` the body given there is part of `head`.
    package func composed() -> ComposedNotification {
        var writer = NotificationWriter(frame)
        writeHeader(&writer)
        writer.part("text/plain; charset=us-ascii")
        writeText(&writer)
        writer.part(frame.isSMTPUTF8 ? "message/global-delivery-status" : "message/delivery-status")
        writer.perMessageFields()
        // Exim's list of failed addresses is turned round here.
        for address in failed.reversed() {
            writer.raw(address.fields(action: "failed", status: "5.0.0", diagnostic: address.smtpDiagnostic))
        }
        writeOriginal(&writer)
        return ComposedNotification(head: writer.text, tail: writer.closing)
    }

    private var isToSender: Bool { frame.to == frame.sender }

    private func writeHeader(_ writer: inout NotificationWriter) {
        for names in shownRecipients.chunked(by: Self.recipientsPerLine) {
            writer.line("X-Failed-Recipients: \(names.joined(separator: ",\n  "))")
        }
        writer.replyTo()
        writer.line("Auto-Submitted: auto-replied")
        writer.line("From: \(frame.from)")
        writer.line("To: \(frame.to)")
        writer.references()
        writer.contentType()
        if !copies.isEmpty { writer.line("Bcc: \(copies.joined(separator: ", "))") }
        if let ownHeader {
            writer.raw(ownHeader)
        } else {
            writer.line("Subject: Mail delivery failed\(isToSender ? ": returning message to sender" : "")")
        }
        writer.line()
    }

    private static let recipientsPerLine = 50

    private var shownRecipients: [ByteString] {
        failed.filter { !$0.isHidden }.map { $0.isPipeFileOrReply ? $0.parent ?? $0.top : $0.address }
    }

    private func writeText(_ writer: inout NotificationWriter) {
        writeIntroduction(&writer)
        writer.line()
        for address in failed { writer.raw(address.entry()) }
        writer.line()
        writeOutput(&writer)
    }

    private func writeIntroduction(_ writer: inout NotificationWriter) {
        if let ownIntroduction { return writer.raw(ownIntroduction) }
        writer.line("This message was created automatically by mail delivery software.")
        if let text { writer.raw(text) }
        writer.line()
        if isToSender {
            writer.line("A message that you sent could not be delivered to one or more of its")
            writer.line("recipients. This is a permanent error. The following address(es) failed:")
        } else {
            writer.line("A message sent by\n\n  <\(frame.sender)>\n")
            writer.line("could not be delivered to one or more of its recipients. The following")
            writer.line("address(es) failed:")
        }
    }

    private func writeOutput(_ writer: inout NotificationWriter) {
        guard !output.isEmpty else { return }
        if let ownOutputIntroduction {
            writer.raw(ownOutputIntroduction)
        } else {
            writer.line(
                "The following text was generated during the delivery attempt\(output.count > 1 ? "s" : ""):")
        }
        writer.line()
        for (address, text) in output {
            writer.line("------ \(address) ------")
            if text.isEmpty { continue }
            writer.line()
            writer.raw(text.last == .newline ? text : text + ByteString("\n"))
            writer.line()
        }
    }

    private func writeOriginal(_ writer: inout NotificationWriter) {
        switch content {
        case .full(let body):
            writer.part(frame.isSMTPUTF8 ? "message/global" : "message/rfc822")
            writer.originalHeaders()
            writer.line()
            writer.raw(body)
        case .headers, .headersByLimit:
            writer.part(frame.isSMTPUTF8 ? "message/global-headers" : "text/rfc822-headers")
            writer.originalHeaders()
            if content == .headersByLimit {
                writer.line("X-Exim-DSN-Information: Due to administrative limits only headers are returned")
            }
            writer.line()
        }
    }
}

extension Array {
    fileprivate func chunked(by size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}
