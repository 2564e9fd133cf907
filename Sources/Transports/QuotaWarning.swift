import Bytes
import Expansion
import MailText
import Routing

/// The message that tells of a mailbox that has passed `quota_warn_threshold`.
struct QuotaWarning {
    let settings: QuotaSettings
    let scene: DeliveryScene

    /// Hands the warning in; gives its id, and a line for the log when that cannot be done.
    ///
    /// The delivery stands anyhow.
    func send() async -> (id: ByteString?, lines: [TransportLogLine]) {
        let template = settings.warnMessage
        let text: ByteString
        do {
            text = try await scene.environment.expander.expand(template, scene.facts).bytes
        } catch {
            let line: ByteString =
                "Failed to expand \"\(template.source)\" (warning message for \(scene.transport.name) transport): \(error.text)"
            return (nil, [TransportLogLine(line, isPanic: true)])
        }
        guard let submit = scene.environment.submit else { return (nil, []) }
        let user = DeliveryUser(uid: System.effectiveUser, gid: System.effectiveGroup)
        let message = TransportSubmission(head: await completed(text), user: user)
        switch await submit(message) {
        case .accepted(let id): return (id, [])
        // The log says why already.
        case .noRecipients, .failed: return (nil, [])
        }
    }

    /// The text with the header lines that it does not bring itself.
    private func completed(_ text: ByteString) async -> ByteString {
        var head = ByteString()
        let environment = scene.environment
        if !Self.has("reply-to", in: text), let address = environment.errorsReplyTo {
            head += "Reply-To: \(address)\n" as ByteString
        }
        head += "Auto-Submitted: auto-replied\n" as ByteString
        if !Self.has("from", in: text) {
            let from = try? await environment.expander.expand(environment.dsnFrom, scene.facts).bytes
            let name = environment.expander.environment.settings.qualifyDomain
            head += "From: \(from ?? "Mail Delivery System <Mailer-Daemon@\(name)>")\n" as ByteString
        }
        return head + text + (text.last == .newline ? "" : "\n")
    }

    /// Whether a message's header has a line of that name.
    private static func has(_ name: ByteString, in text: ByteString) -> Bool {
        text.split(separator: .newline, omittingEmptySubsequences: false).prefix { !$0.isEmpty }.contains {
            line in
            guard let parts = line.cut(at: UInt8(ascii: ":")) else { return false }
            return ByteString(parts.before.trimmed()).lowercasedASCII() == name
        }
    }
}
