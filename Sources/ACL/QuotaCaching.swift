package import Bytes
import Configuration

/// How long it is remembered whether a mailbox has room (`verify = recipient/quota`; manual, section 44.49).
package struct QuotaCaching: Sendable, Hashable {
    /// Seconds for which a mailbox counts as having room.
    package var positive: Int64 = 300
    /// Seconds for which it counts as full.
    package var negative: Int64 = 3600
    /// Whether anything is remembered at all (`no_cache` says no).
    package var isOn = true

    /// Reads what stands behind `quota`, with its equals sign or empty; words that are none of its own say nothing.
    init(_ text: ByteString, in verb: ByteString) throws(ArgumentTrouble) {
        guard let parts = text.cut(at: UInt8(ascii: "=")) else { return }
        for item in parts.after.split(separator: UInt8(ascii: ",")) {
            if item.trimmed().elementsEqual("no_cache".utf8) { isOn = false }
            guard let setting = item.cut(at: UInt8(ascii: "=")) else { continue }
            switch ByteString(setting.before.trimmed()) {
            case "cachepos": positive = try CalloutOrder.seconds(ByteString(setting.after.trimmed()), verb)
            case "cacheneg": negative = try CalloutOrder.seconds(ByteString(setting.after.trimmed()), verb)
            default: continue
            }
        }
    }
}
