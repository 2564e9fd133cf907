package import Bytes
import Glibc

/// Reads a file of the `Fixtures` beside the calling file; empty when it cannot be read.
package func fixture(_ name: String, file: String = #filePath) -> ByteString {
    let directory = file.split(separator: "/").dropLast().joined(separator: "/")
    return readFile("/\(directory)/Fixtures/\(name)")
}

/// Reads a whole file; empty when it cannot be read.
package func readFile(_ path: String) -> ByteString {
    let descriptor = unsafe open(path, O_RDONLY)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = unsafe read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return ByteString(result) }
        result += buffer.prefix(count)
    }
}
