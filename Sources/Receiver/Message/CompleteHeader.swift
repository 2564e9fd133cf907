import ACL
import Bytes
import MailText
import Spooler

/// The options of `control = submission`.
struct SubmissionControl {
    var domain: ByteString?
    var name: ByteString?
    var retainsSender = false

    init?(_ state: ACLState) {
        guard let control = state.controls.last(where: { $0.name == "submission" }) else { return nil }
        for option in control.options.split(separator: UInt8(ascii: "/")) {
            if option.elementsEqual("sender_retain".utf8) { retainsSender = true }
            guard let parts = option.cut(at: UInt8(ascii: "=")) else { continue }
            if parts.before.elementsEqual("domain".utf8) { domain = ByteString(parts.after) }
            if parts.before.elementsEqual("name".utf8) { name = ByteString(parts.after) }
        }
    }
}

/// A header with all that reception adds and removes.
struct CompleteHeader {
    var headers: [Header]
    /// The envelope sender, when adding a Sender: line changed it.
    var sender: EmailAddress?
    /// The text of the Message-ID: line without brackets, and whether it was made here.
    var messageID: (id: ByteString, created: Bool)?

    init(headers: [Header]) { self.headers = headers }

    init(_ fixed: FixedHeader) {
        headers = fixed.headers
        sender = fixed.sender
        messageID = fixed.messageID
    }
}

/// Reads the body of a message that is being received, for `$message_body`.
struct BodyReading: Sendable {
    let path: Spool
    let id: MessageID
    /// Whether lines end in CRLF in the file; who reads sees LF.
    var isWireFormat = false

    func read(_ offset: Int, _ length: Int) -> ByteString {
        guard case .some(let data) = try? path.rawFile(.data, of: id) else { return "" }
        let body = data.dropFirst(id.dataStartOffset)
        let start = offset >= 0 ? offset : max(0, body.count + offset)
        let part = body.dropFirst(start).prefix(length)
        return isWireFormat ? ByteString(part.filter { $0 != .carriageReturn }) : ByteString(part)
    }
}
