import Bytes
import ChildPrograms
import Glibc

/// The other programs of the system, which lie in the same directory as this one.
enum Sibling: String, Sendable {
    /// The door into the spool.
    case receiver = "bobbin-receiver"
    /// The way out.
    case queueRunner = "bobbin-queuerunner"

    /// Becomes that program; returns only when that fails.
    ///
    /// No thread of ours has work in hand when this is called, so nothing is lost by the change.
    func execute(_ arguments: [ByteString], console: Console) -> ToolFailure {
        console.output.flush()
        console.errors.flush()
        let path = path
        Self.replaceProcess(path, [ByteString(rawValue)] + arguments)
        let reason = unsafe String(cString: strerror(errno))
        return ToolFailure(
            .unavailable,
            "cannot run \(path): \(reason); install \(rawValue) in the same directory as bobbin")
    }

    private static func replaceProcess(_ path: ByteString, _ words: [ByteString]) {
        var block: [CChar] = []
        var offsets: [Int] = []
        for word in words {
            offsets.append(block.count)
            block += word.map { CChar(bitPattern: $0) }
            block.append(0)
        }
        unsafe block.withUnsafeMutableBufferPointer { block in
            guard let start = block.baseAddress else { return }
            var pointers: [UnsafeMutablePointer<CChar>?] =
                unsafe offsets.map { offset in unsafe start + offset }
            unsafe pointers.append(nil)
            _ = unsafe execv(path.string, pointers)
        }
    }

    /// The program's path.
    var path: ByteString { "\(SiblingProgram.directory ?? ".")/\(rawValue)" }
}
