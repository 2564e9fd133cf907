package import Bytes
import Foundation

/// A directory of its own for one test; it goes, with all that is in it, when the value goes.
package final class TemporaryDirectory: Sendable {
    /// The directory's path, without slash at the end.
    package let path: ByteString

    /// Makes a directory under the system's place for temporary files.
    package init() throws {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent(
            "bobbin-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: false)
        path = ByteString(place.path)
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path.string) } catch {
            print("left \(path): \(error)")
        }
    }

    /// The path of a file in the directory.
    package func file(_ name: ByteString) -> ByteString { "\(path)/\(name)" }

    /// Writes a file in the directory, and gives its path.
    @discardableResult
    package func write(_ content: ByteString, to name: ByteString) throws -> ByteString {
        let path = file(name)
        try Data(content).write(to: URL(fileURLWithPath: path.string))
        return path
    }

    /// Reads a file of the directory.
    package func read(_ name: ByteString) throws -> ByteString {
        ByteString(try Data(contentsOf: URL(fileURLWithPath: file(name).string)))
    }
}
