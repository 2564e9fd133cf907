import ArgumentParser
import Bytes
import MailText
import Spooler

/// The selection options, spelled as exiqgrep spells them.
struct SelectionOptions: ParsableArguments {
    @Option(
        name: [.customShort("f"), .customLong("sender")],
        help: ArgumentHelp("Sender, in angle brackets, matches.", valueName: "regexp"))
    var sender: String?

    @Option(
        name: [.customShort("r"), .customLong("recipient")],
        help: ArgumentHelp("A recipient still to be served matches.", valueName: "regexp"))
    var recipient: String?

    @Option(
        name: [.customShort("s"), .customLong("size")],
        help: ArgumentHelp("Size, as the listing shows it, matches.", valueName: "regexp"))
    var size: String?

    @Option(
        name: [.customShort("y"), .customLong("younger")],
        help: ArgumentHelp("Younger than so many seconds.", valueName: "seconds"))
    var younger: Int64?

    @Option(
        name: [.customShort("o"), .customLong("older")],
        help: ArgumentHelp("Older than so many seconds.", valueName: "seconds"))
    var older: Int64?

    @Flag(name: [.customShort("z"), .customLong("frozen")], help: "Frozen messages only.")
    var frozen = false

    @Flag(name: [.customShort("x"), .customLong("not-frozen")], help: "Messages that are not frozen only.")
    var notFrozen = false

    @Argument(help: ArgumentHelp("Message ids; none for the whole queue.", valueName: "id"))
    var ids: [String] = []

    func validate() throws {
        if frozen, notFrozen {
            throw ValidationError("-z and -x exclude each other: give one of them, or none")
        }
        for id in ids where MessageID(id.utf8) == nil {
            throw ValidationError("\"\(id)\" is no message id: expected one such as 1xUfHo-0002UW-1v")
        }
    }

    /// Whether nothing limits the choice.
    var isEmpty: Bool {
        ids.isEmpty && sender == nil && recipient == nil && size == nil && younger == nil && older == nil
            && !frozen && !notFrozen
    }

    /// The criteria, compiled; as in exiqgrep, those for addresses ignore case.
    func selection() throws(ToolFailure) -> QueueSelection {
        var selection = QueueSelection()
        selection.sender = try compile(sender, "-f")
        selection.recipient = try compile(recipient, "-r")
        selection.size = try compile(size, "-s", caseless: false)
        selection.youngerThan = younger
        selection.olderThan = older
        (selection.mustBeFrozen, selection.mustNotBeFrozen) = (frozen, notFrozen)
        return selection
    }

    /// The ids, checked.
    var messageIDs: [MessageID] { ids.compactMap { MessageID($0.utf8) } }

    private func compile(
        _ pattern: String?, _ option: String, caseless: Bool = true
    ) throws(ToolFailure) -> PCRE2Pattern? {
        guard let pattern else { return nil }
        do {
            return try PCRE2Pattern.compile(ByteString(pattern), caseless: caseless)
        } catch {
            throw ToolFailure(.usage, "\(option) \(pattern): this is no regular expression: \(error.words)")
        }
    }
}
