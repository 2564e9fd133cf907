import Bytes
import Expansion

/// The words of a command in the configuration: cut at blanks first, then each expanded for itself.
enum CommandWords {
    /// Why there are none.
    struct Problem: Error {
        let text: ByteString
    }

    /// The expanded words; one that holds what a client said is refused, as Exim does.
    static func expanded(
        _ command: ByteString, _ expander: Expander, _ facts: Facts, in purpose: ByteString
    ) async throws(Problem) -> [ByteString] {
        var words: [ByteString] = []
        for word in split(command) {
            let value: TaintedBytes
            do {
                value = try await expander.expand(Template(word), facts)
            } catch {
                throw Problem(
                    text:
                        "Expansion of \"\(word)\" from command \"\(command)\" in \(purpose) failed: \(error.text)"
                )
            }
            guard value.bytes.isEmpty || !value.taint.isTainted else {
                throw Problem(text: "Tainted arg \(words.count) for \(purpose) command: '\(value.bytes)'")
            }
            words.append(value.bytes)
        }
        guard let program = words.first, program.first == UInt8(ascii: "/") else {
            throw Problem(text: "\"\(command)\" in \(purpose) names no program by its absolute path")
        }
        return words
    }

    /// Words with blanks between them; quotation marks keep blanks, and within double ones a backslash its character.
    static func split(_ command: ByteString) -> [ByteString] {
        var words: [ByteString] = []
        var rest = command.trimmed()
        while let first = rest.first {
            var word = ByteString()
            let mark = first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") ? first : nil
            if mark != nil { rest = rest.dropFirst() }
            while let octet = rest.popFirst() {
                if mark.map({ octet == $0 }) ?? octet.isASCIISpace { break }
                if mark == UInt8(ascii: "\""), octet == UInt8(ascii: "\\"), let next = rest.popFirst() {
                    word.append(next)
                } else {
                    word.append(octet)
                }
            }
            words.append(word)
            rest = rest.trimmedStart()
        }
        return words
    }
}
