import Bytes
import EximLog
import Expansion
import Routing
import Spooler

/// The files `bounce_message_file` and `warn_message_file` (manual, chapter 50).
struct ReportTemplate {
    private let runner: RunnerSystem
    private let id: MessageID

    init(_ runner: RunnerSystem, _ id: MessageID) {
        self.runner = runner
        self.id = id
    }

    /// The first three items of the file that an option names, expanded; nil for an empty item, which means the usual text.
    ///
    /// Without the option, or when the file cannot be read, which is logged, there are none.
    func items(_ option: Template?, _ kind: ByteString, _ facts: Facts) async -> [ByteString?]? {
        guard let option, let path = await expanded(option, facts), !path.isEmpty else { return nil }
        let file = SmallFile.text(of: path)
        guard let text = file.text else {
            runner.log.panic(
                "Failed to open \(path) for \(kind) message texts: \(SystemErrorText.of(Int(file.errno)))",
                id: id.bytes)
            return nil
        }
        var items: [ByteString?] = []
        for item in Self.parts(of: text).prefix(3) {
            items.append(item.isEmpty ? nil : await expanded(Template(item), facts))
        }
        return items + Array(repeating: nil, count: 3 - items.count)
    }

    private func expanded(_ template: Template, _ facts: Facts) async -> ByteString? {
        do {
            return try await runner.expander.expand(template, facts).bytes
        } catch {
            runner.log.panic("Failed to expand report text: \(error.text)", id: id.bytes)
            return nil
        }
    }

    /// The items, which lines of exactly four asterisks part.
    private static func parts(of text: ByteString) -> [ByteString] {
        var parts: [ByteString] = [""]
        let whole = text.last == .newline ? text[..<(text.count - 1)] : text[...]
        for line in whole.split(separator: .newline, omittingEmptySubsequences: false) {
            if line.elementsEqual("****".utf8) {
                parts.append("")
            } else {
                parts[parts.count - 1] += ByteString(line) + ByteString("\n")
            }
        }
        return parts
    }
}
