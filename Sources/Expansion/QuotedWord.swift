package import Bytes
import Lookups

/// A value that is either a run of octets without white space, or a quoted string with escapes
/// (manual, section 6.17).
package enum QuotedWord {
    /// Reads the word at `place` and moves past it.
    package static func read(_ text: ByteString, _ place: inout Int) -> ByteString {
        guard place < text.count, text[place] == UInt8(ascii: "\"") else {
            let end = text[place...].firstIndex(where: \.isASCIISpace) ?? text.count
            defer { place = end }
            return ByteString(text[place..<end])
        }
        var word = ByteString()
        place += 1
        while place < text.count, text[place] != UInt8(ascii: "\"") {
            if text[place] == UInt8(ascii: "\\"), place + 1 < text.count {
                word.append(EscapeSequence.read(text, &place, text.count))
            } else {
                word.append(text[place])
                place += 1
            }
        }
        place = min(place + 1, text.count)
        return word
    }
}
