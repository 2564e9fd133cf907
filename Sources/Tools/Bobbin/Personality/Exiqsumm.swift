import Bytes
import Glibc

/// The program exiqsumm: sums up what `exim -bp` prints by domains (manual, chapter "Exim utilities").
struct Exiqsumm: Sendable {
    let console: Console

    /// Runs with the words after the program's name: options, then files; none for standard input.
    func run(_ words: [ByteString]) -> ExitStatus {
        var rest = words[...]
        var options: Set<ByteString> = []
        while let word = rest.first, word.first == UInt8(ascii: "-"), word.count > 1 {
            options.insert(word)
            rest = rest.dropFirst()
        }
        var summary = QueueSummary(
            splitsBounces: options.contains("-b"), splitsFrozen: options.contains("-f"),
            splitsSenders: options.contains("-s"))
        if rest.isEmpty {
            while let line = console.readLine() { summary.add(line) }
        }
        for file in rest { read(file, into: &summary) }
        let order: QueueSummary.Order =
            options.contains("-a") ? .oldest : options.contains("-c") ? .count : .domain
        console.write(summary.text(order))
        return .success
    }

    private func read(_ file: ByteString, into summary: inout QueueSummary) {
        if file == "-" {
            while let line = console.readLine() { summary.add(line) }
            return
        }
        guard let octets = FileText.read(file) else {
            let reason = unsafe String(cString: strerror(errno))
            console.say("Can't open \(file): \(reason)\n")
            return
        }
        for line in octets.split(separator: .newline, omittingEmptySubsequences: false) {
            summary.add(ByteString(line))
        }
    }
}

/// Whole files, for the programs that read logs and listings.
enum FileText {
    /// A file's octets; nil, with `errno` set, when it cannot be read.
    static func read(_ path: ByteString) -> ByteString? {
        let descriptor = unsafe open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var text = ByteString()
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe Glibc.read(descriptor, &block, block.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { return nil }
            if count == 0 { return text }
            text += block[..<count]
        }
    }
}

/// Deliveries that wait, by domain.
struct QueueSummary: Sendable {
    /// The order of the lines.
    enum Order: Sendable {
        case domain, oldest, count
    }

    /// A listing's first line of a message, and what follows from it for its recipients.
    private struct Message {
        var age = ListedAge(number: 0, unit: UInt8(ascii: "d"))
        var size = 0.0
        var sender = ByteString()
        var marks = ByteString()
    }

    /// The sums of one line.
    private struct Sum {
        var count = 0
        var volume = 0.0
        var oldest: ListedAge?
        var newest: ListedAge?

        mutating func add(_ message: Message) {
            count += 1
            volume += message.size
            oldest = max(oldest ?? message.age, message.age)
            newest = min(newest ?? message.age, message.age)
        }
    }

    let splitsBounces: Bool
    let splitsFrozen: Bool
    let splitsSenders: Bool
    private var message = Message()
    private var sums: [ByteString: Sum] = [:]
    private var total = Sum()

    init(splitsBounces: Bool, splitsFrozen: Bool, splitsSenders: Bool) {
        self.splitsBounces = splitsBounces
        self.splitsFrozen = splitsFrozen
        self.splitsSenders = splitsSenders
    }

    /// Takes a line of a listing in.
    mutating func add(_ line: ByteString) {
        if let first = ListedLine(line) {
            message.age = first.age
            message.size = first.size
            message.sender = first.senderDomain
            let isBounce = splitsBounces && first.sender.isEmpty
            message.marks = "\(isBounce ? " (b)" : "")\(splitsFrozen && first.isFrozen ? " (f)" : "")"
        } else if let domain = ListedLine.domain(ofRecipient: line) {
            let name = splitsSenders ? "\(message.sender) > \(domain)" : domain
            sums["\(name)\(message.marks)", default: Sum()].add(message)
            total.add(message)
        }
    }

    /// The table.
    func text(_ order: Order) -> ByteString {
        var text: ByteString = """

            Count  Volume  Oldest  Newest  Domain
            -----  ------  ------  ------  ------


            """
        for (name, sum) in sorted(order) { text += Self.line(sum, name) }
        text += ByteString([UInt8](repeating: UInt8(ascii: "-"), count: 63)) + ByteString("\n")
        return text + Self.line(total, "TOTAL") + ByteString("\n")
    }

    /// The lines as JSON, sizes in octets as far as listings tell them.
    func json(_ order: Order) -> ByteString {
        sorted(order).reduce(into: ByteString()) { text, line in
            var object = JSONObject()
            object.add("name", line.0)
            object.add("count", line.1.count)
            object.add("volume", Int64(line.1.volume))
            object.add("oldest", line.1.oldest?.text)
            object.add("newest", line.1.newest?.text)
            text += object.text + ByteString("\n")
        }
    }

    /// How many deliveries wait, and for how many domains.
    var counts: (deliveries: Int, domains: Int) { (total.count, sums.count) }

    /// The first lines of the table.
    func head(_ order: Order, _ limit: Int) -> [ByteString] {
        sorted(order).prefix(limit).map { Self.line($1, $0) }
    }

    private func sorted(_ order: Order) -> [(ByteString, Sum)] {
        let byName = sums.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        switch order {
        case .domain: return byName
        case .count: return byName.stablySorted { $0.1.count > $1.1.count }
        case .oldest:
            return byName.stablySorted { one, other in
                guard let first = one.1.oldest, let second = other.1.oldest else { return false }
                return second < first
            }
        }
    }

    private static func line(_ sum: Sum, _ name: ByteString) -> ByteString {
        let (oldest, newest) = (sum.oldest?.text ?? "0m", sum.newest?.text ?? "0000d")
        return """
            \(column("\(sum.count)", 5))  \(column(volume(sum.volume), 6))  \(column(oldest, 6))  \
            \(column(newest, 6))  \(ByteString(name.prefix(80)))

            """
    }

    private static func column(_ text: ByteString, _ width: Int) -> ByteString {
        let shown = text.prefix(width)
        return ByteString([UInt8](repeating: .blank, count: width - shown.count)) + ByteString(shown)
    }

    private static func volume(_ size: Double) -> ByteString {
        switch size {
        case ..<10_000: "\(Int64(size))"
        case ..<10_240_000: "\(Int64((size + 512) / 1024))KB"
        default: "\(Int64((size + 524_288) / 1_048_576))MB"
        }
    }
}

extension Array {
    /// Sorted, equals staying in their order.
    fileprivate func stablySorted(_ precedes: (Element, Element) -> Bool) -> [Element] {
        enumerated().sorted { one, other in
            if precedes(one.element, other.element) { return true }
            return !precedes(other.element, one.element) && one.offset < other.offset
        }.map(\.element)
    }
}

/// An age as listings show it, such as `25h`: by unit first, then by number.
struct ListedAge: Sendable, Hashable, Comparable {
    var number: Int64
    var unit: UInt8

    var text: ByteString { "\(number)\(ByteString([unit]))" }

    private var rank: Int { ByteString("smhdw").firstIndex(of: unit) ?? 0 }

    static func < (one: ListedAge, other: ListedAge) -> Bool {
        (one.rank, one.number) < (other.rank, other.number)
    }
}

/// A message's first line in a listing, read back.
struct ListedLine: Sendable {
    var age: ListedAge
    var size: Double
    var sender: ByteString
    var isFrozen: Bool

    /// Reads `<age> <size> <id> <<sender>>...`; nil for any other line.
    init?(_ line: ByteString) {
        var rest = line[...].trimmedStart()
        let digits = rest.prefix { $0.isASCIIDigit }
        guard let number = digits.decimalInteger(), let unit = rest.dropFirst(digits.count).first,
            ByteString("smhdw").contains(unit)
        else { return nil }
        rest = rest.dropFirst(digits.count + 1)
        guard rest.first == .blank else { return nil }
        rest = rest.trimmedStart()
        guard let size = Self.size(&rest), rest.popFirst() == .blank else { return nil }
        let id = rest.prefix { !$0.isASCIISpace }
        rest = rest.dropFirst(id.count)
        guard !id.isEmpty, rest.starts(with: " <".utf8) else { return nil }
        let field = rest.dropFirst(2).prefix { !$0.isASCIISpace }
        guard let end = field.lastIndex(of: UInt8(ascii: ">")) else { return nil }
        age = ListedAge(number: number, unit: unit)
        self.size = size
        sender = ByteString(field[..<end])
        isFrozen = ByteString(rest[field.endIndex...]).contains(ByteString("*** frozen ***"))
    }

    private static func size(_ rest: inout ArraySlice<UInt8>) -> Double? {
        let digits = rest.prefix { $0.isASCIIDigit || $0 == UInt8(ascii: ".") }
        guard var size = Double(String(decoding: digits, as: UTF8.self)) else { return nil }
        rest = rest.dropFirst(digits.count)
        if rest.first == UInt8(ascii: "K") { size *= 1024 }
        if rest.first == UInt8(ascii: "M") { size *= 1_048_576 }
        if rest.first == UInt8(ascii: "K") || rest.first == UInt8(ascii: "M") { rest = rest.dropFirst() }
        return size
    }

    /// The sender's domain in small letters; `<>` for none at all.
    var senderDomain: ByteString {
        if sender.isEmpty { return "<>" }
        guard let parts = sender.cut(at: UInt8(ascii: "@")) else { return sender.lowercasedASCII() }
        return ByteString(parts.after).lowercasedASCII()
    }

    /// The domain in a recipient's line; nil for lines of served recipients and of anything else.
    static func domain(ofRecipient line: ByteString) -> ByteString? {
        guard let first = line.first, first.isASCIISpace else { return nil }
        var rest = line[...].trimmedStart()
        if rest.first == UInt8(ascii: "D"), rest.dropFirst().first?.isASCIISpace ?? false { return nil }
        while let sign = rest.firstIndex(of: UInt8(ascii: "@")) {
            rest = rest[(sign + 1)...]
            let name = rest.prefix { $0.isASCIIAlphanumeric || ByteString("_.-").contains($0) }
            if !name.isEmpty { return ByteString(name).lowercasedASCII() }
            if let literal = literal(rest) { return literal }
        }
        return nil
    }

    private static func literal(_ text: ArraySlice<UInt8>) -> ByteString? {
        guard text.first == UInt8(ascii: "[") else { return nil }
        let inside = text.dropFirst().prefix { $0.isASCIIDigit || $0 == UInt8(ascii: ".") }
        guard !inside.isEmpty, text[inside.endIndex...].first == UInt8(ascii: "]") else { return nil }
        return "[\(ByteString(inside))]"
    }
}
