import Bytes
import Spooler

/// A change to one message (manual, options -M...).
enum MessageAction: Sendable, Hashable {
    /// Option -Mf.
    case freeze
    /// Option -Mt.
    case thaw
    /// Option -Mrm.
    case remove
    /// Option -Mar.
    case addRecipients([ByteString])
    /// Option -Mmd.
    case markDelivered([ByteString])
    /// Option -Mmad.
    case markAllDelivered
    /// Option -Mes.
    case changeSender([ByteString])
    /// Option -MG.
    case move(to: ByteString)
}

/// What came of a change.
enum ActionOutcome: String, Sendable, Hashable {
    /// It is done.
    case done
    /// It was so already.
    case unchanged
    /// Somebody is working on the message; nothing was touched.
    case locked
    /// There is no `-D`.
    case noData = "no_data"
    /// There is `-D` without `-H`.
    case noHeader = "no_header"
    /// `-H` is refused; nothing was touched.
    case malformed
    /// An address is wrong, or is no recipient; nothing was written.
    case refused
    /// The caller may not do this.
    case notPermitted = "not_permitted"
    /// The system refused.
    case failed
}

/// What is told about a change.
struct ActionReport: Sendable, Hashable {
    /// What came of it.
    var outcome: ActionOutcome
    /// Exim's words, with their newlines.
    var text: ByteString
    /// Whether Exim would end with status 0.
    var isSuccess: Bool
    /// More than Exim tells: file, line, cause; for the commands of bobbin.
    var detail: ByteString?

    init(_ outcome: ActionOutcome, _ text: ByteString, detail: ByteString? = nil) {
        self.outcome = outcome
        self.text = text
        isSuccess = outcome == .done
        self.detail = detail
    }

    /// The report as JSON.
    func object(of id: MessageID) -> JSONObject {
        var object = JSONObject()
        object.add("id", id.bytes)
        object.add("outcome", ByteString(outcome.rawValue))
        object.add("text", ByteString(text.trimmedEnd()))
        if let detail { object.add("error", detail) }
        return object
    }
}
