package import Bytes
import Glibc

/// Whether messages are still on a spool, in its default queue or a named one, in a plain or a split directory.
package struct QueuedMessages: Sendable {
    private let inputs: [ByteString]

    /// Looks which queues the spool has.
    package init(spool: ByteString) {
        inputs = ["\(spool)/input"] + Self.queues(spool).map { "\(spool)/\($0)/input" }
    }

    /// Whether the message's body file is there; where that cannot be found out, it counts as there.
    package func contains(_ id: ByteString) -> Bool {
        guard id.count > 5 else { return true }
        let letter = ByteString([id[5]])
        return inputs.contains { Self.mayExist("\($0)/\(id)-D") || Self.mayExist("\($0)/\(letter)/\(id)-D") }
    }

    private static func mayExist(_ path: ByteString) -> Bool {
        var status = stat()
        return unsafe stat(path.string, &status) == 0 || (errno != ENOENT && errno != ENOTDIR)
    }

    /// The names of directories with an `input` directory: named queues.
    private static func queues(_ spool: ByteString) -> [ByteString] {
        guard let stream = unsafe opendir(spool.string) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [ByteString] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) {
                unsafe ByteString(unsafe $0.prefix { $0 != 0 })
            }
            var status = stat()
            let input: ByteString = "\(spool)/\(name)/input"
            if name.first != UInt8(ascii: "."), unsafe stat(input.string, &status) == 0 { names.append(name) }
        }
        return names.sorted()
    }
}
