import Bytes
import Expansion

/// Expands the quota options of an appendfile transport.
struct QuotaReading {
    let settings: QuotaSettings
    let options: OptionExpansion
    /// The message's size as it lies in the queue, or as it is announced.
    let messageSize: Int64

    private var name: ByteString { options.transport }

    /// The limits for one delivery.
    func order() async throws(TransportTrouble) -> QuotaOrder {
        var order = QuotaOrder()
        order.isInclusive = settings.isInclusive
        order.messageSize = messageSize
        order.size = try await limit(settings.size)
        order.files = try await limit(settings.fileCount)
        order.knownSize = try await value(settings.knownSize)?.amount
        order.knownFiles = try await value(settings.knownFileCount)?.amount
        order.warnSize = try await threshold(of: order.size.value)
        order.sizePattern = settings.sizePattern ?? ""
        order.directoryPattern = settings.directoryPattern
        order.usesSizeFile = try await usesSizeFile
        order.directory = try await directory
        return order
    }

    private func expanded(_ template: Template) async throws(TransportTrouble) -> TaintedBytes {
        do {
            return try await options.expander.expand(template, options.facts)
        } catch {
            throw TransportTrouble(
                "Expansion of \"\(template.source)\" in \(name) transport failed: \(error.text)", errno: -1
            ).panicking
        }
    }

    private func limit(_ template: Template?) async throws(TransportTrouble) -> QuotaOrder.Limit {
        guard let value = try await value(template, mayBeUnchecked: true) else { return QuotaOrder.Limit(0) }
        return QuotaOrder.Limit(value.amount, isChecked: !value.isUnchecked)
    }

    private func value(
        _ template: Template?, mayBeUnchecked: Bool = false, mayBePercentage: Bool = false
    ) async throws(TransportTrouble) -> QuotaValue? {
        guard let template else { return nil }
        let text = try await expanded(template).bytes
        if let value = QuotaValue.parse(text), mayBeUnchecked || !value.isUnchecked,
            mayBePercentage || !value.isPercentage
        {
            return value
        }
        throw TransportTrouble(
            "Malformed value \"\(text)\" (expansion of \"\(template.source)\") in \(name) transport",
            errno: -1
        ).panicking
    }

    /// `quota_warn_threshold` in octets; a percentage is one of the quota, and nothing without one.
    private func threshold(of quota: Int64) async throws(TransportTrouble) -> Int64 {
        guard let value = try await value(settings.warnThreshold, mayBePercentage: true) else { return 0 }
        guard value.isPercentage else { return value.amount }
        guard quota > 0 else { return 0 }
        guard (0...100_000).contains(value.amount) else {
            throw TransportTrouble(
                "Invalid quota_warn_threshold percentage (\(value.amount / 1000)) for \(name) transport",
                errno: -1
            ).panicking
        }
        return Int64((Double(quota) * Double(value.amount) / 100_000).rounded(.towardZero))
    }

    private var usesSizeFile: Bool {
        get async throws(TransportTrouble) {
            guard let template = settings.usesSizeFile else { return false }
            return !["", "0", "no", "false"].contains(try await expanded(template).bytes.lowercasedASCII())
        }
    }

    private var directory: ByteString {
        get async throws(TransportTrouble) {
            guard let template = settings.directory else { return "" }
            let path = try await options.expand(template, saying: "quota_directory name")
            guard path.bytes.first == UInt8(ascii: "/") else {
                throw TransportTrouble(
                    "appendfile: quota_directory name \"\(path.bytes)\" is not absolute", errno: -21)
            }
            return path.bytes
        }
    }
}
