import Bytes

/// How far long work is, on a terminal only: one line of standard error that is written over.
struct HintsProgress {
    private let console: Console
    private let name: ByteString
    private let total: Int
    private var shown = 0

    /// Records between two looks of the line.
    private static let step = 1000

    init(_ console: Console, _ name: ByteString, total: Int) {
        self.console = console
        self.name = name
        self.total = total
    }

    /// Shows how many records are done.
    mutating func show(_ done: Int) {
        guard console.errors.isTerminal, done - shown >= Self.step else { return }
        shown = done
        let width = 30
        let full = total > 0 ? min(done, total) * width / total : 0
        let bar = ByteString(repeatElement(UInt8(ascii: "#"), count: full))
        let rest = ByteString(repeatElement(UInt8(ascii: "."), count: width - full))
        console.errors.write("\r\(name) [\(bar)\(rest)] \(done) of \(total)")
        console.errors.flush()
    }

    /// Takes the line away.
    func end() {
        guard shown > 0 else { return }
        console.errors.write("\r\u{1B}[K")
        console.errors.flush()
    }
}
