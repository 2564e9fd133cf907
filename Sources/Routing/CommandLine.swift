package import Bytes
import Expansion

/// Command lines of options (manual, section 29.3).
package enum CommandLine {
    /// Parts a command line: blanks part words; in double quotes a backslash escapes, in single quotes nothing does.
    package static func split(_ text: ByteString) -> [ByteString] {
        var words: [ByteString] = []
        var place = 0
        while let start = text[place...].firstIndex(where: { !$0.isASCIISpace }) {
            place = start
            guard text[start] == UInt8(ascii: "'") else {
                words.append(QuotedWord.read(text, &place))
                continue
            }
            let end = text[(start + 1)...].firstIndex(of: UInt8(ascii: "'")) ?? text.count
            words.append(ByteString(text[(start + 1)..<end]))
            place = min(end + 1, text.count)
        }
        return words
    }
}
