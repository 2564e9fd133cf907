import Bytes
import Dispatch
import Glibc
import Spooler

/// Message ids from standard input.
enum InputIDs {
    /// A message to deliver.
    struct Order: Sendable {
        var id: MessageID
        /// The named queue that it lies in; empty for the standard one.
        var queue = ByteString()
        /// Whether what would go to other hosts is left to a queue run (`-odqs`).
        var queuesSMTP = false

        /// Reads a line; nil for one that is none.
        init?(_ line: ByteString) {
            let words = line.split(separator: .blank).map { ByteString($0) }
            guard let first = words.first, let id = MessageID(first) else { return nil }
            self.id = id
            for word in words.dropFirst() {
                if word == "queue-smtp" { queuesSMTP = true }
                if word.starts(with: ByteString("queue=")) { queue = ByteString(word.dropFirst(6)) }
            }
        }
    }

    /// The line that tells a kept runner to make room for a new one, which reads its configuration anew.
    static let restart: ByteString = "restart"
    /// How often a reader that waits looks whether it shall stop, in milliseconds.
    private static let nap: CInt = 200

    /// The orders, one a line, until the input ends or the program is to begin anew; a line that is none is passed over.
    ///
    /// Whoever reads after us finds whole lines: a line that has been begun is read to its end.
    static func stream(_ stop: StopSignal, isKept: Bool) -> AsyncStream<Order> {
        let (stream, continuation) = AsyncStream.makeStream(of: Order.self)
        DispatchQueue(label: "stdin").async {
            var held = ByteString()
            while !stop.restarts || !held.isEmpty, let octets = next(atMost: held.isEmpty ? 4096 : 1) {
                held += octets
                while let parts = held.cut(at: .newline) {
                    let line = ByteString(parts.before)
                    if line == restart { stop.askRestart() }
                    if let order = Order(line) { continuation.yield(order) }
                    held = ByteString(parts.after)
                }
            }
            // The keeper starts another at once, which reads on while this one finishes what it has.
            if stop.restarts, isKept { kill(getppid(), RunnerKeeper.replaceSignal) }
            continuation.finish()
        }
        return stream
    }

    /// Octets of standard input, none when there are none for the moment; nil at its end.
    private static func next(atMost count: Int) -> [UInt8]? {
        var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, nap) > 0 else { return [] }
        var buffer = [UInt8](repeating: 0, count: count)
        let found = unsafe read(STDIN_FILENO, &buffer, count)
        if found < 0 { return errno == EINTR || errno == EAGAIN ? [] : nil }
        return found == 0 ? nil : Array(buffer[..<found])
    }
}
