import Bytes
import DMARCReports
import Synchronization

/// A line that tells how far an import is, on terminals only.
final class ImportBar: Sendable {
    private static let width: Int64 = 30
    private let console: Console
    private let isShown: Bool
    private let last = Mutex(ByteString())

    init(_ console: Console) {
        self.console = console
        isShown = console.errors.isTerminal
    }

    /// Shows progress.
    func show(_ progress: ImportProgress) {
        guard isShown else { return }
        let line = Self.line(progress)
        let isNew = last.withLock { last in
            defer { last = line }
            return last != line
        }
        if isNew { console.say("\r\(line)\u{1B}[K") }
    }

    /// Takes the line away.
    func clear() {
        let wasShown = last.withLock { last in
            defer { last = "" }
            return !last.isEmpty
        }
        if wasShown { console.say("\r\u{1B}[K") }
    }

    /// The line: a bar for a file, a count for a stream.
    static func line(_ progress: ImportProgress) -> ByteString {
        guard let total = progress.total, total > 0 else { return "\(progress.records) records" }
        let done = min(max(progress.done, 0), total)
        let full = Int(done * width / total)
        let bar = String(repeating: "#", count: full) + String(repeating: ".", count: Int(width) - full)
        return "[\(bar)] \(done * 100 / total)% \(progress.records) records"
    }
}
