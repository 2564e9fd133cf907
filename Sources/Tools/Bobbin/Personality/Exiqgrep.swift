import Bytes
import MailSystem
import MailText
import Spooler

/// The program exiqgrep: selects messages of a queue and shows them (manual, chapter "Exim utilities").
///
/// The queue is read directly; Debian's program reads what `exim -bpu` prints.
struct Exiqgrep: Sendable {
    let console: Console

    /// Runs with the words after the program's name.
    func run(_ words: [ByteString]) -> ExitStatus {
        var options = ExiqgrepOptions()
        switch options.read(words) {
        case .unknown(let letter):
            console.say("Unknown option: \(ByteString([letter]))\n")
            return help(.success)
        case .incomplete: return help(.success)
        case .read(let rest):
            if options.has("h") { return help(.success) }
            guard rest.isEmpty, options.selectsSomething else { return help(.failure) }
        }
        do {
            return try list(options)
        } catch let failure as ToolFailure {
            console.say("exiqgrep: \(failure.message)\n")
        } catch {
            console.say("exiqgrep: \(ByteString(String(describing: error)))\n")
        }
        return .failure
    }

    private func help(_ status: ExitStatus) -> ExitStatus {
        console.write(ByteString(Self.help))
        return status
    }

    private func list(_ options: ExiqgrepOptions) throws -> ExitStatus {
        if options["E"] != nil {
            throw ToolFailure(
                .usage, "-E is not supported, for the queue is read directly; -C names a configuration")
        }
        let site = try Site(ConfigurationSource.locate(files: options["C"], definitions: []))
        guard site.mayList(.current()) else { throw ToolFailure.notAdmin(to: "list the queue", site) }
        let name = options["G"] ?? ""
        guard QueueName.isValid(name) else { throw ToolFailure(.usage, "\(name) is no queue name") }
        let search = ExiqgrepSearch(
            selection: try options.selection(), form: options.form, showsDelivered: options.has("a"),
            now: Clock.now())
        let order = options.has("R") ? QueueReport.Order.reversedNames : .names
        return try list(site.spool.named(name), search, order)
    }

    private func list(
        _ spool: Spool, _ search: ExiqgrepSearch, _ order: QueueReport.Order
    ) throws(SpoolError) -> ExitStatus {
        var (total, matches, refused) = (0, 0, ByteString())
        try QueueReport(spool: spool).gather(order, ExiqgrepSum()) { sum, entry, message in
            search.add(message, entry.id, to: &sum)
        } use: { sum in
            total += sum.total
            matches += sum.matches
            refused += sum.refused
            console.write(sum.text)
        }
        if search.form == .count { console.write("\(matches) matches out of \(total) messages\n") }
        guard !refused.isEmpty else { return .success }
        console.say(refused)
        return .failure
    }

    /// What -h prints.
    static let help = """
        Exim message queue display utility.

        \t-h\t\tThis help message.
        \t-C\t\tSpecify which exim.conf to use.
        \t-E\t\tSpecify exim binary to use.

        Selection criteria:
        \t-f <regexp>\tMatch sender address sender (field is "< >" wrapped)
        \t-r <regexp>\tMatch recipient address
        \t-s <regexp>\tMatch against the size field from long output
        \t-y <seconds>\tMessage younger than
        \t-o <seconds>\tMessage older than
        \t-z\t\tFrozen messages only (exclude non-frozen)
        \t-x\t\tNon-frozen messages only (exclude frozen)
        \t-G <queuename>\tMatch in given queue only

        [ NB: for regexps, provided string sits in /<string>/ ]

        Display options:
        \t-c\t\tDisplay match count
        \t-l\t\tLong Format [Default]
        \t-i\t\tMessage IDs only
        \t-b\t\tBrief Format
        \t-R\t\tReverse order
        \t-a\t\tAll recipients (including delivered)

        """
}

/// The options of exiqgrep: single letters, several in a word, a value in the same word or the next.
struct ExiqgrepOptions: Sendable {
    /// What came of reading words.
    enum Reading: Sendable {
        case unknown(UInt8)
        /// The last option lacks its value.
        case incomplete
        /// The words that are left.
        case read(ArraySlice<ByteString>)
    }

    private static let flags = ByteString("hzxlibRca")
    private static let withValue = ByteString("fryosCGE")
    private var values: [UInt8: ByteString] = [:]

    /// The value of an option; an empty one and `0` count as none, as in Perl.
    subscript(letter: Character) -> ByteString? {
        guard let octet = letter.asciiValue, let value = values[octet], !value.isEmpty, value != "0" else {
            return nil
        }
        return value
    }

    /// Whether an option is given.
    func has(_ letter: Character) -> Bool { self[letter] != nil }

    /// Takes words in.
    mutating func read(_ words: [ByteString]) -> Reading {
        var rest = words[...]
        while let word = rest.first, word.count > 1, word.first == UInt8(ascii: "-") {
            rest = rest.dropFirst()
            if word == "--" { break }
            var letters = word[1...]
            while let letter = letters.popFirst() {
                if Self.flags.contains(letter) {
                    values[letter] = "1"
                } else if Self.withValue.contains(letter) {
                    guard let value = letters.isEmpty ? rest.popFirst() : ByteString(letters) else {
                        return .incomplete
                    }
                    values[letter] = value
                    letters = []
                } else {
                    return .unknown(letter)
                }
            }
        }
        return .read(rest)
    }

    /// Whether one of the options is given of which there must be one.
    var selectsSomething: Bool { "fryoszxc".contains { has($0) } }

    /// How matches are shown.
    var form: ExiqgrepSearch.Form {
        has("c") ? .count : has("i") ? .ids : has("b") ? .brief : .long
    }

    /// The criteria; ages are those of the ids.
    func selection() throws(ToolFailure) -> QueueSelection {
        var selection = QueueSelection()
        selection.agesAreOfIDs = true
        selection.sender = try compile("f", caseless: true)
        selection.recipient = try compile("r", caseless: true)
        selection.size = try compile("s", caseless: false)
        selection.youngerThan = self["y"].map(Self.seconds)
        selection.olderThan = self["o"].map(Self.seconds)
        (selection.mustBeFrozen, selection.mustNotBeFrozen) = (has("z"), has("x"))
        return selection
    }

    private func compile(_ letter: Character, caseless: Bool) throws(ToolFailure) -> PCRE2Pattern? {
        guard let pattern = self[letter] else { return nil }
        do {
            return try PCRE2Pattern.compile(pattern, caseless: caseless)
        } catch {
            throw ToolFailure(
                .usage, "-\(String(letter)) \(pattern): this is no regular expression: \(error.words)")
        }
    }

    /// The number that a text begins with; 0 when there is none.
    private static func seconds(_ text: ByteString) -> Int64 {
        let start = text.trimmedStart()
        let isNegative = start.first == UInt8(ascii: "-")
        let digits = (isNegative ? start.dropFirst() : start).prefix(15) { $0.isASCIIDigit }
        let number = digits.decimalInteger() ?? 0
        return isNegative ? -number : number
    }
}

extension ArraySlice<UInt8> {
    /// The beginning of which all octets are so, at most `limit`.
    fileprivate func prefix(_ limit: Int, while isSo: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        prefix(limit).prefix(while: isSo)
    }
}

/// What exiqgrep found in some messages.
struct ExiqgrepSum: Sendable {
    /// Messages looked at.
    var total = 0
    /// Messages that match.
    var matches = 0
    /// What is printed of them.
    var text = ByteString()
    /// Words about messages that cannot be shown.
    var refused = ByteString()
}

/// Tests messages and renders those that match.
struct ExiqgrepSearch: Sendable {
    /// How a match is shown.
    enum Form: Sendable {
        case count, ids, brief, long
    }

    let selection: QueueSelection
    let form: Form
    /// Whether recipients that have been served are shown and tested too (-a).
    let showsDelivered: Bool
    /// The present, in seconds since 1970.
    let now: Int64

    /// Adds a message to a sum.
    func add(_ message: ReportedMessage, _ id: MessageID, to sum: inout ExiqgrepSum) {
        switch message {
        case .listed(let message):
            sum.total += 1
            guard selection.contains(.listed(message), now: now) else { return }
            sum.matches += 1
            append(ListedRow(message), id, to: &sum.text)
        case .read(.message(let message)):
            sum.total += 1
            let row = ListedRow(message, showsDelivered: showsDelivered)
            guard selection.contains(row, id, now: now) else { return }
            sum.matches += 1
            append(row, id, to: &sum.text)
        case .read(.gone): break
        case .read(.malformed), .unreadable:
            sum.total += 1
            sum.refused += "Line mismatch:       \(id.bytes)\n" as ByteString
        }
    }

    private func append(_ row: ListedRow, _ id: MessageID, to text: inout ByteString) {
        switch form {
        case .count: break
        case .ids: text += "\(id.bytes)\n" as ByteString
        case .brief:
            text +=
                "\(id.bytes) From: <\(row.sender)> To: \(row.recipients.joined(separator: ";"))\n"
                as ByteString
        case .long:
            ListingNumbers.appendAge(seconds: now - row.receivedTime, to: &text)
            ListingNumbers.appendSize(row.size, to: &text)
            text += " \(id.bytes) <\(row.sender)>\(row.isFrozen ? " *** frozen ***" : "")\n" as ByteString
            for recipient in row.recipients { text += "\t  \(recipient)\n" as ByteString }
            text.append(.newline)
        }
    }
}

/// What a listing shows of a message.
struct ListedRow: Sendable {
    var receivedTime: Int64
    var size: Int
    var sender: ByteString
    var isFrozen: Bool
    /// The addresses as they are shown: served ones with `D ` in front.
    var recipients: [ByteString] = []

    init(_ message: ListedMessage) {
        (receivedTime, size) = (message.receivedTime, message.size ?? 0)
        (sender, isFrozen) = (ByteString(message.sender), message.isFrozen)
        var recipients: [ByteString] = []
        message.forEachRecipient {
            recipients.append(ByteString($0))
            return true
        }
        self.recipients = recipients
    }

    init(_ message: StoredMessage, showsDelivered: Bool) {
        let header = message.header
        receivedTime = header.receivedTime
        size = message.bodySize.map { header.messageSize(bodySize: $0) } ?? 0
        (sender, isFrozen) = (header.sender, header.isFrozen)
        for recipient in header.recipients {
            let isDelivered = header.isListedAsDelivered(recipient)
            if !isDelivered { recipients.append(recipient.address) }
            if isDelivered, showsDelivered { recipients.append("D \(recipient.address)") }
        }
    }
}
