import Bytes
import Configuration
import Expansion

/// The options of the autoreply transport (manual, section 27.1).
struct AutoreplySettings: Sendable {
    let from: Template?
    let replyTo: Template?
    let to: Template?
    let cc: Template?
    let bcc: Template?
    let subject: Template?
    let headers: Template?
    let text: Template?
    let file: Template?
    let expandsFile: Bool
    let fileIsOptional: Bool
    let returnsMessage: Bool
    let log: Template?
    let mode: UInt32
    let neverMail: ListText?
    let once: Template?
    let onceSize: Int
    let onceRepeat: OnceRepeat

    /// `once_repeat`: seconds, or what expands to an interval.
    enum OnceRepeat: Sendable {
        case seconds(Int64)
        case template(Template)
    }

    init(_ block: OptionBlock) {
        from = block.template("from")
        replyTo = block.template("reply_to")
        to = block.template("to")
        cc = block.template("cc")
        bcc = block.template("bcc")
        subject = block.template("subject")
        headers = block.template("headers")
        text = block.template("text")
        file = block.template("file")
        expandsFile = block.flag("file_expand") ?? false
        fileIsOptional = block.flag("file_optional") ?? false
        returnsMessage = block.flag("return_message") ?? false
        log = block.template("log")
        mode = UInt32(clamping: block.number("mode") ?? 0o600)
        neverMail = block.list("never_mail")
        once = block.template("once")
        onceSize = Int(clamping: block.number("once_file_size") ?? 0)
        onceRepeat =
            block.template("once_repeat").map { .template($0) } ?? .seconds(block.seconds("once_repeat") ?? 0)
    }
}
