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
        ProcessReplacement.start(path, [ByteString(rawValue)] + arguments)
        let reason = unsafe String(cString: strerror(errno))
        return ToolFailure(
            .unavailable,
            "cannot run \(path): \(reason); install \(rawValue) in the same directory as bobbin")
    }

    /// The program's path.
    var path: ByteString { "\(SiblingProgram.directory ?? ".")/\(rawValue)" }
}
