package import Bytes
import Expansion
import Routing

/// Makes the words of a command from an option, as Exim does: parted first, then expanded one by one, so that an
/// expansion cannot change how many there are (manual, section 29.3).
package struct CommandWords {
    /// What a command is for.
    enum Kind {
        /// A transport's command.
        case command
        /// `transport_filter`.
        case filter
    }

    let scene: DeliveryScene
    /// The option's text.
    let source: ByteString
    /// What the command is for.
    var kind = Kind.command
    /// The words of a redirection's command, for `$address_pipe` with `force_command`.
    var addressPipe: [ByteString]?

    /// Parts a command line.
    package static func split(_ text: ByteString) -> [ByteString] { CommandLine.split(text) }

    /// The words, expanded; throws what keeps the command from being run.
    func expanded() async throws(TransportTrouble) -> [ByteString] {
        var words: [TaintedBytes] = []
        for word in Self.split(source) {
            if word == "$pipe_addresses" {
                words += scene.items.map { TaintedBytes($0.recipient(includingAffixes: true)) }
            } else if word == "$address_pipe", let addressPipe {
                words += addressPipe.map { TaintedBytes($0) }
            } else {
                words.append(try await expand(word))
            }
        }
        if let place = words.firstIndex(where: \.taint.isTainted) {
            var trouble = TransportTrouble(
                "Tainted arg \(place) for \(scene.transport.name) transport command: '\(words[place].bytes)'",
                errno: 0)
            trouble.isFinal = true
            throw trouble
        }
        return words.map(\.bytes)
    }

    private func expand(_ word: ByteString) async throws(TransportTrouble) -> TaintedBytes {
        do {
            return try await scene.environment.expander.expand(Template(word), scene.facts)
        } catch {
            let what: ByteString =
                kind == .command
                ? "command \"\(source)\" in \(scene.transport.name) transport" : "transport filter"
            throw TransportTrouble(
                "Expansion of \"\(word)\" from \(what) failed: \(error.text)",
                errno: kind == .command ? scene.transport.commandErrno : -24
            ).panicking
        }
    }
}
