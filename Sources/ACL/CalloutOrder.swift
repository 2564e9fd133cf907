package import Bytes
import Configuration

/// How hosts are asked whether they would take mail for an address (manual, section 44.47).
package struct CalloutOrder: Sendable, Hashable {
    /// Who the mail would be from.
    package enum Sender: Sendable, Hashable {
        /// Nobody: `MAIL FROM:<>`.
        case nobody
        /// The message's sender (`use_sender`).
        case sender
        /// The postmaster of `qualify_domain` (`use_postmaster`).
        case postmaster
        /// `mailfrom=`.
        case address(ByteString)
    }

    /// The limit of each answer, in seconds.
    package var timeout: Int64 = 30
    /// The limit of connecting, in seconds; nil for the same.
    package var connectTimeout: Int64?
    /// The limit of all hosts together, in seconds (`maxwait`); nil for none.
    package var mostWait: Int64?
    /// Whether trouble counts as success (`defer_ok`).
    package var acceptsDeferral = false
    /// Whether what was learned before counts, and what is learned now is kept (`no_cache` says no).
    package var usesCache = true
    /// Whether an address that cannot be is tried first (`random`).
    package var triesRandom = false
    /// Who asks for the postmaster (`postmaster`, `postmaster_mailfrom`); nil when nobody does.
    package var postmasterSender: ByteString?
    /// Whether the postmaster may be one without a domain (`fullpostmaster`).
    package var triesBarePostmaster = false
    /// Who the mail would be from.
    package var sender = Sender.nobody
    /// Whether the connection is kept for further recipients (`hold`).
    package var holds = false

    /// Whether the connection is one that further recipients and the message can use: it is the message's sender who asks,
    /// and nothing else is asked.
    var isKeepable: Bool { sender == .sender && !triesRandom && postmasterSender == nil }

    /// The manual's defaults.
    package init() {}

    /// Reads what follows `callout`, with its equals sign or empty; the error is Exim's text.
    init(_ text: ByteString, in verb: ByteString, isSender: Bool, isHeader: Bool) throws(ArgumentTrouble) {
        guard let parts = text.cut(at: UInt8(ascii: "=")) else { return }
        for item in parts.after.split(separator: UInt8(ascii: ",")) {
            try take(ByteString(item.trimmed()), verb, isHeader: isHeader)
        }
        try check(isSender: isSender)
    }

    private func check(isSender: Bool) throws(ArgumentTrouble) {
        guard isSender, sender == .sender || sender == .postmaster else { return }
        throw ArgumentTrouble("use_sender or use_postmaster cannot be used for a sender verify callout")
    }

    private mutating func take(
        _ item: ByteString, _ verb: ByteString, isHeader: Bool
    ) throws(ArgumentTrouble) {
        switch item {
        case "defer_ok": acceptsDeferral = true
        case "no_cache": usesCache = false
        case "random": triesRandom = true
        case "postmaster": postmasterSender = ""
        case "fullpostmaster": (postmasterSender, triesBarePostmaster) = ("", true)
        case "use_sender": try set(.sender)
        case "use_postmaster": try set(.postmaster)
        case "hold": holds = true
        default: try takeValue(item, verb, isHeader: isHeader)
        }
    }

    private mutating func set(_ new: Sender) throws(ArgumentTrouble) {
        guard sender == .nobody || sender == new else {
            throw ArgumentTrouble(
                "only one of use_sender and use_postmaster can be set for a recipient callout")
        }
        sender = new
    }

    private mutating func takeValue(
        _ item: ByteString, _ verb: ByteString, isHeader: Bool
    ) throws(ArgumentTrouble) {
        guard let parts = item.cut(at: UInt8(ascii: "=")) else {
            timeout = try Self.seconds(item, verb)
            return
        }
        let value = ByteString(parts.after.trimmed())
        switch ByteString(parts.before.trimmed()) {
        case "connect": connectTimeout = try Self.seconds(value, verb)
        case "maxwait": mostWait = try Self.seconds(value, verb)
        case "postmaster_mailfrom": postmasterSender = value
        case "mailfrom":
            guard isHeader else {
                throw ArgumentTrouble(
                    "\"mailfrom\" is allowed as a callout option only for verify=header_sender (detected in ACL condition \"\(verb)\")"
                )
            }
            sender = .address(value)
        default: timeout = try Self.seconds(item, verb)
        }
    }

    /// A time; the error is Exim's text.
    static func seconds(_ text: ByteString, _ verb: ByteString) throws(ArgumentTrouble) -> Int64 {
        guard let seconds = EximInterval.parse(text) else {
            throw ArgumentTrouble("bad time value in ACL condition \"verify \(verb)\"")
        }
        return seconds
    }
}
