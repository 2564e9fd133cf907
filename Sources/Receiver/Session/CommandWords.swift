import Bytes
import Expansion
import Routing

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
        for word in CommandLine.split(command) {
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
}
