package import Bytes

/// What all three kinds of delivery status notification share (delivery.md, chapter 8).
package struct NotificationFrame: Sendable, Hashable {
    /// `dsn_from`, such as `Mail Delivery System <Mailer-Daemon@example.org>`.
    package var from: ByteString
    /// The recipient: the sender of the message, or the errors address.
    package var to: ByteString
    /// `errors_reply_to`; nil when unset.
    package var replyTo: ByteString?
    /// `smtp_active_hostname`, the reporting MTA.
    package var hostname: ByteString
    /// The MIME boundary: `<unix time>-eximdsn-<random number>`.
    package var boundary: ByteString
    /// The sender of the original message, for Return-path: and for texts.
    package var sender: ByteString
    /// ENVID as received, still xtext; nil when not given.
    package var envelopeID: ByteString?
    /// The header lines of the original message, as they will be shown; removed ones (`.old`) are left out.
    package var headers: [Header]
    /// Whether the original message was an SMTPUTF8 one.
    package var isSMTPUTF8 = false

    /// Makes a value; the optional parts are set afterwards.
    package init(from: ByteString, to: ByteString, hostname: ByteString, boundary: ByteString) {
        self.from = from
        self.to = to
        self.hostname = hostname
        self.boundary = boundary
        sender = to
        headers = []
    }
}

/// An address in a notification.
package struct NotifiedAddress: Sendable, Hashable {
    /// The address text as logged: the address, or the pipe, file or reply.
    package var address: ByteString
    /// The original recipient.
    package var top: ByteString
    /// The direct parent of a child; equals `top` for one level.
    package var parent: ByteString?
    /// Whether the address is not to be shown (a child of an alias that hides its children).
    package var isHidden = false
    /// Whether this is a pipe, file or reply child.
    package var isPipeFileOrReply = false
    /// The host that was used; name and address.
    package var host: (name: ByteString, address: ByteString)? {
        get { hostName.map { ($0, hostAddress) } }
        set {
            hostName = newValue?.name
            hostAddress = newValue?.address ?? ByteString()
        }
    }
    var hostName: ByteString?
    var hostAddress = ByteString()
    /// The error text that may be shown to the sender, `\n` as two octets for line breaks; nil when withheld.
    package var text: ByteString?
    /// ORCPT as received; nil when not given.
    package var originalRecipient: ByteString?

    /// An address that is its own original.
    package init(_ address: ByteString, text: ByteString? = nil) {
        self.address = address
        top = address
        self.text = text
    }
}

/// What is returned of the original message.
package enum ReturnedContent: Sendable, Hashable {
    /// Header and body; the body is streamed after `head` by the caller, or given here (LF line ends).
    case full(body: ByteString)
    /// The header only.
    case headers
    /// The header only, with the line `X-Exim-DSN-Information: Due to administrative limits only headers are
    /// returned`.
    case headersByLimit
}

/// A composed notification: what is to be submitted as a new message with the null sender.
package struct ComposedNotification: Sendable, Hashable {
    /// The header block, its blank line, the parts, up to where the original body would stand; LF line ends.
    package var head: ByteString
    /// What follows the original body: the last boundary.
    package var tail: ByteString
    /// Makes a value.
    package init(head: ByteString, tail: ByteString) { (self.head, self.tail) = (head, tail) }

    /// The whole message when the body is given.
    package func message(body: ByteString = ByteString()) -> ByteString { head + body + tail }
}

// Writes the frame that the three kinds share.
struct NotificationWriter {
    let frame: NotificationFrame
    private(set) var text = ByteString()

    init(_ frame: NotificationFrame) { self.frame = frame }

    mutating func line(_ line: ByteString = "") {
        text += line
        text.append(.newline)
    }

    mutating func raw(_ octets: ByteString) { text += octets }

    mutating func replyTo() {
        if let replyTo = frame.replyTo { line("Reply-To: \(replyTo)") }
    }

    // References: the original's References: (or In-Reply-To:), at most 12 ids, and its Message-ID:.
    mutating func references() {
        let ids = References(of: frame.headers).all
        if !ids.isEmpty { line("References: \(ids.joined(separator: " "))") }
    }

    mutating func contentType() {
        line("Content-Type: multipart/report; report-type=delivery-status; boundary=\(frame.boundary)")
        line("MIME-Version: 1.0")
    }

    mutating func part(_ type: ByteString) {
        line("--\(frame.boundary)")
        line("Content-type: \(type)")
        line()
    }

    mutating func perMessageFields() {
        line("Reporting-MTA: dns; \(frame.hostname)")
        if let id = frame.envelopeID {
            let isGood = XText.decode(id) != nil
            line(
                isGood
                    ? "Original-Envelope-ID: \(id)"
                    : "X-Original-Envelope-ID: error decoding xtext formatted ENVID")
        }
        line()
    }

    mutating func originalHeaders() {
        line("Return-path: <\(frame.sender)>")
        for header in frame.headers where header.kind != .old { raw(header.text) }
    }

    /// The last boundary, which stands on a line of its own after a blank one.
    var closing: ByteString { "\n--\(frame.boundary)--\n" }
}

/// The ids for a `References:` line of an answer (manual, section 48.14).
package struct References: Sendable, Hashable {
    static let maximum = 12
    /// All of them, the oldest first.
    package let all: [ByteString]
    /// The contents of the message's `Message-ID:` line, for `In-Reply-To:`; nil when it has none.
    package let messageID: ByteString?

    /// Reads them from the header of the message that is answered.
    package init(of headers: [Header]) {
        let source = headers.named("References").first ?? headers.named("In-Reply-To").first
        var ids = source.map { Self.ids(in: $0.value) } ?? []
        if ids.count > Self.maximum { ids = [ids[0]] + ids.suffix(Self.maximum - 1) }
        let own = headers.named("Message-ID").first
        all = ids + (own.map { Self.ids(in: $0.value) } ?? [])
        messageID = own.map { ByteString($0.value.trimmed()) }
    }

    private static func ids(in value: ByteString) -> [ByteString] {
        var result: [ByteString] = []
        var rest = value[...]
        while let open = rest.firstIndex(of: UInt8(ascii: "<")) {
            rest = rest[open...]
            guard let close = rest.firstIndex(of: UInt8(ascii: ">")) else { break }
            result.append(ByteString(rest[...close].filter { !$0.isASCIISpace }))
            rest = rest[(close + 1)...]
        }
        return result
    }
}

extension NotifiedAddress {
    static let foldAfterColumn = 45
    static let maximumDiagnostic = 950

    /// How the address is named above the output of its command.
    package var outputTitle: ByteString {
        if isHidden { return "an undisclosed address" }
        return isPipeFileOrReply ? "\(special)\n       generated by \(parent ?? top)" : address
    }

    // The entry of part 1: address, where it came from, host and text.
    func entry(textPrefix: ByteString = "") -> ByteString {
        var result: ByteString = "  "
        if isHidden {
            result += "an undisclosed address" as ByteString
        } else if isPipeFileOrReply {
            result += "\(special)\n    generated by \(parent ?? top)" as ByteString
        } else {
            result += address
        }
        if !isHidden, !isPipeFileOrReply, !address.equalsIgnoringCase(top) {
            let isDeep = parent.map { $0 != top } ?? false
            result += "\n    (\(isDeep ? "ultimately " : "")generated from \(top))" as ByteString
        } else if isHidden {
            result += "\n    (generated from \(top))" as ByteString
        }
        if let host { result += "\n    host \(host.name) [\(host.address)]" as ByteString }
        // What a hidden child's host says would tell who it is.
        if let text, !isHidden { result += "\n    \(Self.folded(textPrefix + text))" as ByteString }
        return result + ByteString("\n")
    }

    private var special: ByteString {
        switch address.first {
        case UInt8(ascii: "|"): "pipe to \(address)"
        case UInt8(ascii: "/"): "save to \(address)"
        default: "mail to \(ByteString(address.dropFirst(address.first == UInt8(ascii: ">") ? 1 : 0)))"
        }
    }

    // `\n` begins a new line; so does a colon past column 45, before the blank that follows it.
    private static func folded(_ text: ByteString) -> ByteString {
        var result = ByteString()
        var column = 0
        var index = 0
        while index < text.count {
            if text[index...].starts(with: ByteString("\\n")) {
                result += "\n    " as ByteString
                (column, index) = (0, index + 2)
                continue
            }
            result.append(text[index])
            column += 1
            let isBreak =
                text[index] == UInt8(ascii: ":") && index + 1 < text.count && text[index + 1].isASCIISpace
            if isBreak, column > foldAfterColumn {
                result += "\n   " as ByteString
                column = 0
            }
            index += 1
        }
        return result
    }

    // The fields of part 2, with the blank line after them.
    func fields(action: ByteString, status: ByteString, diagnostic: ByteString?) -> ByteString {
        var result = ByteString()
        if let originalRecipient { result += "Original-Recipient: \(originalRecipient)\n" as ByteString }
        result += "Action: \(action)\nFinal-Recipient: rfc822;\(top)\nStatus: \(status)\n" as ByteString
        if let host { result += "Remote-MTA: dns; \(host.name)\n" as ByteString }
        if let diagnostic { result += "Diagnostic-Code: \(diagnostic)\n" as ByteString }
        return result + ByteString("\n")
    }

    // What follows the first `: ` of the text, with `\n` as a folded line.
    var smtpDiagnostic: ByteString? {
        guard hostName != nil, let text, let colon = text.firstRange(of: ByteString(": ")) else { return nil }
        let said = ByteString(text[colon.upperBound...])
        let isCut = said.count > Self.maximumDiagnostic
        let shown = ByteString(said.prefix(Self.maximumDiagnostic)).replacing(
            ByteString("\\n"), with: ByteString("\n "))
        return "smtp; \(shown)\(isCut ? "[truncated]" : "")"
    }
}

extension ComposedNotification {
    /// A notice that a message was frozen, perhaps on arrival, with its text (manual, option freeze_tell).
    package static func frozen(
        _ frame: NotificationFrame, _ text: ByteString, onArrival: Bool = false
    ) -> ComposedNotification {
        var writer = NotificationWriter(frame)
        writer.line("Auto-Submitted: auto-replied")
        writer.line("From: \(frame.from)")
        writer.line("To: \(frame.to)")
        writer.references()
        writer.line("Subject: Message frozen\(onArrival ? " on arrival" : "")")
        writer.line()
        return ComposedNotification(head: writer.text + text, tail: "")
    }
}
