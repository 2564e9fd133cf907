import Bytes
import Glibc

/// Puts another program in the place of this one.
enum ProcessReplacement {
    /// Starts a program with its words, the first of which is its name, and perhaps with other environment variables.
    ///
    /// Comes back only where it cannot be started; `errno` says why.
    static func start(_ path: ByteString, _ words: [ByteString], environment: [ByteString]? = nil) {
        let (octets, places) = joined(words + (environment ?? []))
        var block = octets
        unsafe block.withUnsafeMutableBufferPointer { block in
            guard let start = block.baseAddress else { return }
            var pointers: [UnsafeMutablePointer<CChar>?] = unsafe places.map { unsafe start + $0 }
            guard environment != nil else {
                unsafe pointers.append(nil)
                _ = unsafe execv(path.string, pointers)
                return
            }
            let variables = unsafe pointers[words.count...] + [nil]
            let arguments = unsafe pointers[..<words.count] + [nil]
            _ = unsafe execve(path.string, Array(arguments), Array(variables))
        }
    }

    /// The texts one after the other, each with a null, and where each begins.
    private static func joined(_ texts: [ByteString]) -> ([CChar], [Int]) {
        var block: [CChar] = []
        var places: [Int] = []
        for text in texts {
            places.append(block.count)
            block += text.map { CChar(bitPattern: $0) }
            block.append(0)
        }
        return (block, places)
    }
}
