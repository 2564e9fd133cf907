import Bytes
import EximLog
import Glibc

/// How the program was called, for the log.
struct CalledAs: Sendable {
    private let words: [ByteString]

    init(_ personality: Personality, _ words: [ByteString]) {
        self.words = [ByteString(personality.rawValue)] + words
    }

    /// `cwd=directory n args: words`, as log selector `arguments` wants it; empty words and those with blanks are quoted.
    var logLine: ByteString {
        let shown = words.map { word -> ByteString in
            let text = word.escapingUnprintable()
            return word.isEmpty || word.contains(where: \.isASCIISpace) ? "\"\(text)\"" : text
        }
        return "cwd=\(Self.directory) \(words.count) args: \(ByteString(shown.joined(separator: " ")))"
    }

    private static var directory: ByteString {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard unsafe getcwd(&buffer, buffer.count) != nil else { return "?" }
        return ByteString(buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) })
    }
}
