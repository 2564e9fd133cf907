package import Bytes
import Glibc

/// The file that says which process a daemon is (`pid_file_path`; manual, option `-oP`).
package struct ProcessIDFile: Sendable {
    /// Where it lies.
    package let path: ByteString

    /// Makes a name for it: the one of the command line, or else the configured one; nil where there is neither.
    package init?(_ commandLine: String?, otherwise configured: ByteString?) {
        guard let path = commandLine.map({ ByteString($0) }) ?? configured, !path.isEmpty else { return nil }
        self.path = path
    }

    /// Writes the process id and a newline; throws with the path and the system's reason.
    package func write() throws(StartError) {
        let descriptor = unsafe open(path.string, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        let text = "\(getpid())\n" as ByteString
        let isWritten = unsafe text.bytes.withUnsafeBytes {
            unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) == $0.count
        }
        guard isWritten else { throw failure() }
    }

    /// Takes it away, where that is permitted.
    package func remove() { unsafe unlink(path.string) }

    private func failure() -> StartError {
        StartError("cannot write the process id to \(path): \(unsafe String(cString: strerror(errno)))")
    }
}
