import Bytes
import Glibc
import MailText

/// The program exigrep: shows all log lines of the messages that a pattern is found in (manual, chapter "Exim utilities").
struct Exigrep: Sendable {
    let console: Console

    /// Runs with the words after the program's name: options, the pattern, log files; none for standard input.
    func run(_ words: [ByteString]) -> ExitStatus {
        var rest = words[...]
        var options = Options()
        while let word = rest.first, word.count > 1, word.first == UInt8(ascii: "-") {
            rest = rest.dropFirst()
            if word == "--" { break }
            guard options.take(word, &rest) else {
                console.say("Unknown option: \(ByteString(word.dropFirst()))\n")
                return usage()
            }
        }
        guard let pattern = rest.popFirst() else { return usage() }
        do throws(PatternError) {
            let source = options.isLiteral ? "\\Q\(pattern)\\E" as ByteString : pattern
            let compiled = try PCRE2Pattern.compile(source, caseless: !options.regardsCase)
            return search(MessageLines(compiled, options, console), in: rest)
        } catch {
            console.say("exigrep: \(pattern): this is no regular expression: \(error.words)\n")
            return .failure
        }
    }

    private func usage() -> ExitStatus {
        console.say("Usage:\n    exigrep [options] pattern [log] ...\n")
        return .addressFailed
    }

    private func search(_ lines: MessageLines, in files: ArraySlice<ByteString>) -> ExitStatus {
        var lines = lines
        var status = ExitStatus.success
        if files.isEmpty {
            while let line = console.readLine() { lines.add(line) }
        }
        for file in files {
            guard let octets = FileText.read(file) else {
                console.say("exigrep: \(file): \(unsafe String(cString: strerror(errno)))\n")
                status = .failure
                continue
            }
            for line in octets.split(separator: .newline) { lines.add(ByteString(line)) }
        }
        lines.finish()
        return status
    }

    /// What the letters ask for.
    struct Options: Sendable {
        /// Messages that took no longer than so many seconds are not shown (-t).
        var longerThan: Int64?
        var regardsCase = false
        var isLiteral = false
        var takesRelated = false
        var isInverted = false

        /// Takes a word in; false when it is unknown.
        mutating func take(_ word: ByteString, _ rest: inout ArraySlice<ByteString>) -> Bool {
            if word.starts(with: ByteString("-t")) {
                let value = word.count > 2 ? ByteString(word.dropFirst(2)) : rest.popFirst() ?? ""
                longerThan = value.decimalInteger()
                return longerThan != nil
            }
            for letter in word.dropFirst() {
                switch letter {
                case UInt8(ascii: "I"): regardsCase = true
                case UInt8(ascii: "l"): isLiteral = true
                case UInt8(ascii: "M"): takesRelated = true
                case UInt8(ascii: "v"): isInverted = true
                default: return false
                }
            }
            return true
        }
    }
}

/// The lines of messages that have not completed yet.
private struct MessageLines {
    private struct Message {
        var lines = ByteString()
        /// Whether the pattern was found in a line, or the message came of one with such a line.
        var isWanted = false
        var begun: Int64
    }

    private let pattern: PCRE2Pattern
    private let options: Exigrep.Options
    private let console: Console
    private var messages: [ByteString: Message] = [:]
    /// The ids in the order in which they came.
    private var order: [ByteString] = []
    /// Messages that were wanted and have completed, for -M.
    private var shown: Set<ByteString> = []

    init(_ pattern: PCRE2Pattern, _ options: Exigrep.Options, _ console: Console) {
        self.pattern = pattern
        self.options = options
        self.console = console
    }

    mutating func add(_ line: ByteString) {
        guard let read = ReadLogLine(line) else { return }
        let isFound = matches(read.text)
        guard let id = read.id else {
            if isFound != options.isInverted { console.write("\(read.text)\n\n") }
            return
        }
        if messages[id] == nil {
            messages[id] = Message(begun: read.time)
            order.append(id)
        }
        messages[id]?.lines += read.text + ByteString("\n")
        if isFound || options.takesRelated && isRelated(read) { messages[id]?.isWanted = true }
        if read.isCompletion { complete(id, at: read.time) }
    }

    /// Whether the line tells of a message that came of a wanted one.
    private func isRelated(_ line: ReadLogLine) -> Bool {
        guard let parent = line.parent else { return false }
        return shown.contains(parent) || messages[parent]?.isWanted ?? false
    }

    private mutating func complete(_ id: ByteString, at time: Int64) {
        guard let message = messages.removeValue(forKey: id), message.isWanted != options.isInverted else {
            return
        }
        if options.takesRelated { shown.insert(id) }
        if let least = options.longerThan, time - message.begun <= least { return }
        console.write("\(message.lines)\n")
    }

    /// Shows what has not completed; with -v that is everything of the kind, as in Debian's program.
    func finish() {
        for id in order {
            guard let message = messages[id], message.isWanted || options.isInverted else { continue }
            console.write("+++ \(id) has not completed +++\n\(message.lines)\n")
        }
    }

    /// Whether the pattern is found; one that gives up finds nothing.
    private func matches(_ text: ByteString) -> Bool {
        do {
            return try pattern.matches(text)
        } catch {
            return false
        }
    }
}

/// A line of a main log, or of syslog with such a line behind its own beginning.
struct ReadLogLine: Sendable {
    /// The line as the main log has it.
    var text: ByteString
    /// The moment, in seconds of no particular zone's year 0; only differences mean something.
    var time: Int64
    /// The message.
    var id: ByteString?
    /// What follows the id.
    var rest: ByteString

    /// Reads a line; nil for one without a moment.
    init?(_ line: ByteString) {
        guard let start = Self.start(of: line) else { return nil }
        text = ByteString(line[start...])
        time = Self.seconds(line[start...])
        var rest = line[start...].dropFirst(19)
        if rest.first == UInt8(ascii: ".") { rest = rest.dropFirst().drop { $0.isASCIIDigit } }
        if let zone = Self.zone(rest) {
            rest = rest.dropFirst(6)
            time -= zone
        }
        if rest.starts(with: " [".utf8), let end = rest.firstIndex(of: UInt8(ascii: "]")) {
            rest = rest[(end + 1)...]
        }
        let word = rest.dropFirst().prefix { !$0.isASCIISpace }
        id = Self.isID(word) ? ByteString(word) : nil
        self.rest = ByteString(rest[word.endIndex...].dropFirst())
    }

    /// Whether the line says that the message is done.
    var isCompletion: Bool { rest.starts(with: "Completed".utf8) }

    /// The message that a report is about: `R=<id>` of an arrival.
    var parent: ByteString? {
        guard rest.starts(with: "<= ".utf8) else { return nil }
        return rest.split(separator: .blank).first { $0.starts(with: "R=".utf8) }.map {
            ByteString($0.dropFirst(2))
        }
    }

    private static func start(of line: ByteString) -> Int? {
        if isMoment(line[...]) { return 0 }
        var place = 0
        while let colon = line[place...].firstIndex(of: UInt8(ascii: ":")) {
            if line[colon...].dropFirst().first == .blank, isMoment(line[colon...].dropFirst(2)) {
                return colon + 2
            }
            place = colon + 1
        }
        return nil
    }

    /// Whether a text begins with `2026-11-21 12:00:00`.
    private static func isMoment(_ text: ArraySlice<UInt8>) -> Bool {
        guard text.count >= 19 else { return false }
        return zip(text, "dddd-dd-dd dd:dd:dd".utf8).allSatisfy { octet, form in
            form == UInt8(ascii: "d") ? octet.isASCIIDigit : octet == form
        }
    }

    private static func number(_ text: ArraySlice<UInt8>, _ offset: Int, _ count: Int) -> Int64 {
        text.dropFirst(offset).prefix(count).decimalInteger() ?? 0
    }

    private static func seconds(_ text: ArraySlice<UInt8>) -> Int64 {
        var (year, month) = (number(text, 0, 4), number(text, 5, 2))
        // Years that begin with March have their leap day last.
        if month <= 2 { (year, month) = (year - 1, month + 12) }
        let days =
            year * 365 + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + number(text, 8, 2)
        return days * 86_400 + number(text, 11, 2) * 3_600 + number(text, 14, 2) * 60 + number(text, 17, 2)
    }

    /// The seconds of ` +0100`; nil when there is no zone.
    private static func zone(_ text: ArraySlice<UInt8>) -> Int64? {
        let sign = text.dropFirst().first
        let digits = text.dropFirst(2).prefix(4)
        guard text.first == .blank, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"), digits.count == 4,
            digits.allSatisfy(\.isASCIIDigit)
        else { return nil }
        let seconds = number(digits, 0, 2) * 3_600 + number(digits, 2, 2) * 60
        return sign == UInt8(ascii: "-") ? -seconds : seconds
    }

    /// Whether a word has the form of a message id, of either generation.
    private static func isID(_ word: ArraySlice<UInt8>) -> Bool {
        let hyphens: [Int]
        switch word.count {
        case 16: hyphens = [6, 13]
        case 23: hyphens = [6, 18]
        default: return false
        }
        return word.enumerated().allSatisfy { offset, octet in
            hyphens.contains(offset) ? octet == UInt8(ascii: "-") : octet.isASCIIAlphanumeric
        }
    }
}
