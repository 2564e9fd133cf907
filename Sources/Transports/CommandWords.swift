package import Bytes
import Expansion

/// Makes the words of a command from an option, as Exim does: parted first, then expanded one by one, so that an
/// expansion cannot change how many there are (manual, section 29.3).
package struct CommandWords {
    let scene: DeliveryScene
    /// The option's text.
    let source: ByteString

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

    /// The words, expanded; throws what keeps the command from being run.
    func expanded() async throws(TransportTrouble) -> [ByteString] {
        var words: [ByteString] = []
        for word in Self.split(source) {
            if word == "$pipe_addresses" {
                words += scene.items.map { $0.recipient(includingAffixes: true) }
            } else {
                words.append(try await expand(word, words.count))
            }
        }
        return words
    }

    private func expand(_ word: ByteString, _ place: Int) async throws(TransportTrouble) -> ByteString {
        let value: TaintedBytes
        do {
            value = try await scene.environment.expander.expand(Template(word), scene.facts)
        } catch {
            throw TransportTrouble(
                "Expansion of \"\(word)\" from command \"\(source)\" in \(scene.transport.name) transport failed: \(error.text)",
                errno: -1
            ).panicking
        }
        guard !value.taint.isTainted else {
            var trouble = TransportTrouble(
                "Tainted arg \(place) for \(scene.transport.name) transport command: '\(value.bytes)'",
                errno: 0)
            trouble.isFinal = true
            throw trouble
        }
        return value.bytes
    }
}
