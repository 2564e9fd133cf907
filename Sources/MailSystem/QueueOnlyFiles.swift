package import Bytes
package import Configuration
import Glibc

/// The files of `queue_only_file`: while one is there, messages wait for a queue run, or their remote deliveries do.
package struct QueueOnlyFiles: Sendable {
    /// Absolute paths without a word before them: nothing is delivered at once.
    package let forAllDeliveries: [ByteString]
    /// Those with `smtp` before them: what goes to other hosts is only routed, as by `queue_smtp_domains = *`.
    package let forRemoteDeliveries: [ByteString]

    /// Reads the option.
    package init(_ main: OptionBlock) {
        let items = (main.text("queue_only_file") ?? "").split(separator: UInt8(ascii: ":"))
            .map { ByteString($0.trimmed()) }
        let prefix: ByteString = "smtp/"
        forAllDeliveries = items.filter { $0.first == UInt8(ascii: "/") }
        forRemoteDeliveries = items.filter { $0.starts(with: prefix) }
            .map { ByteString($0.dropFirst(prefix.count - 1)) }
    }

    /// Whether a file is there.
    package static func exists(_ path: ByteString) -> Bool { unsafe access(path.string, F_OK) == 0 }
}
