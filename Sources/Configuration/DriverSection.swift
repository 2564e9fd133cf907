import Bytes
import Expansion

/// One `option = value` line, cut into its parts.
struct OptionLine {
    var name: ByteString
    /// Nil when there is no equals sign.
    var value: ByteString?
    var isHidden = false
    var place: SourcePlace

    /// Cuts a line; the error tells what the line should look like.
    init(_ line: SourceLine) throws(ConfigurationError) {
        place = line.place
        var rest = line.text[...]
        var end = Self.nameEnd(rest)
        if ByteString(rest[..<end]) == "hide" {
            isHidden = true
            rest = rest[end...].trimmedStart()
            end = Self.nameEnd(rest)
        }
        name = ByteString(rest[..<end])
        guard !name.isEmpty else {
            throw ConfigurationError("option setting expected: \(line.text)", at: line.place)
        }
        rest = rest[end...].trimmedStart()
        guard rest.first == UInt8(ascii: "=") else {
            guard rest.isEmpty else {
                throw ConfigurationError("\"=\" expected after \"\(name)\"", at: line.place)
            }
            return
        }
        let text = rest.dropFirst().trimmedStart()
        value = try Self.unquoted(text, at: line.place)
    }

    static func nameEnd(_ text: ArraySlice<UInt8>) -> Int {
        text.firstIndex { !($0.isASCIIAlphanumeric || $0 == UInt8(ascii: "_")) } ?? text.endIndex
    }

    private static func unquoted(_ text: ArraySlice<UInt8>, at place: SourcePlace) throws(ConfigurationError)
        -> ByteString
    {
        guard text.first == UInt8(ascii: "\"") else { return ByteString(text) }
        guard let (value, end) = QuotedString.read(text) else {
            throw ConfigurationError("missing quote at the end of a string", at: place)
        }
        guard text[end...].trimmed().isEmpty else {
            throw ConfigurationError("extra characters follow the string's closing quote", at: place)
        }
        return value
    }
}

/// Puts option lines into a block, checking names and kinds.
struct OptionAssigner {
    private(set) var block: OptionBlock
    private(set) var notices: [Configuration.Notice] = []

    init(_ block: OptionBlock) { self.block = block }

    /// Options that may be set several times, and how the values are put together.
    private static let joining: [ByteString: @Sendable (ByteString, ByteString) -> ByteString] = [
        "headers_add": { "\($0)\n\($1)" },
        "headers_remove": { "\($0) : \($1)" },
        "set": { "\($0) ; \($1)" },
        "condition": { "${if and {{bool_lax{\($0)}}{bool_lax{\($1)}}}{true}{false}}" },
    ]

    mutating func take(_ line: OptionLine) throws(ConfigurationError) {
        let (name, entry, forced) = try entry(of: line)
        let value = try value(of: line, entry.kind, forced: forced)
        var source = line.value ?? (forced == false ? "false" : "true")
        var setting = value
        if let earlier = block.values[name] {
            guard let join = Self.joining[name] else {
                throw ConfigurationError("\"\(name)\" option set for the second time", at: line.place)
            }
            source = join(earlier.source, source)
            setting = .template(Template(source))
        }
        block.set(name, to: .init(value: setting, source: source, place: line.place, isHidden: line.isHidden))
        note(name, entry.support, at: line.place)
    }

    private mutating func note(_ name: ByteString, _ support: OptionSupport, at place: SourcePlace) {
        let consequence: Configuration.Notice.Consequence
        switch support {
        case .honoured: return
        case .needless(let why): consequence = .needless(ByteString(why))
        case .notYet: consequence = .none
        case .notYetDecisive: consequence = .noStart
        }
        let option = block.kind == .main ? name : "\(block.name) (\(block.driver)): \(name)"
        notices.append(.init(place: place, option: option, consequence: consequence))
    }

    /// The option that a line names, and the value that `no_` gives a switch.
    private func entry(
        of line: OptionLine
    ) throws(ConfigurationError) -> (ByteString, OptionTable.Entry, forced: Bool?) {
        if let entry = find(line.name) { return (line.name, entry, nil) }
        for prefix in ["no_", "not_"] as [ByteString] where line.name.starts(with: prefix) {
            let name = ByteString(line.name.dropFirst(prefix.count))
            if line.value == nil, let entry = find(name),
                entry.kind == .boolean || entry.kind == .expandedBoolean
            {
                return (name, entry, false)
            }
        }
        let whose: ByteString =
            block.kind == .main
            ? "main option" : "option for the \(block.driver) \(ByteString(block.kind.rawValue))"
        throw ConfigurationError("\(whose) \"\(line.name)\" unknown", at: line.place)
    }

    private func find(_ name: ByteString) -> OptionTable.Entry? {
        for table in block.tables { if let entry = table[name] { return entry } }
        return nil
    }

    private func value(
        of line: OptionLine, _ kind: OptionKind, forced: Bool?
    ) throws(ConfigurationError) -> OptionValue {
        if let forced { return .flag(forced) }
        guard let text = line.value else {
            guard kind == .boolean || kind == .expandedBoolean else {
                throw ConfigurationError(
                    "missing \"=\" and value for option \"\(line.name)\"", at: line.place)
            }
            return .flag(true)
        }
        switch kind.value(of: text) {
        case .success(let value): return value
        case .failure(let problem):
            throw ConfigurationError("\(line.name): \(problem.sentence)", at: line.place)
        }
    }
}

/// Reads a section of driver instances: routers, transports or authenticators.
struct DriverSectionParser {
    let kind: OptionBlock.Kind
    private var name: ByteString?
    private var place: SourcePlace
    private var lines: [OptionLine] = []
    private(set) var blocks: [OptionBlock] = []
    private(set) var notices: [Configuration.Notice] = []

    init(kind: OptionBlock.Kind, at place: SourcePlace) {
        self.kind = kind
        self.place = place
    }

    mutating func take(_ line: SourceLine) throws(ConfigurationError) {
        let end =
            line.text.firstIndex { $0.isASCIISpace || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "=") }
            ?? line.text.count
        let rest = line.text[end...].trimmedStart()
        if rest.first == UInt8(ascii: ":") {
            guard rest.dropFirst().trimmed().isEmpty else {
                throw ConfigurationError(
                    "extra text after \"\(ByteString(line.text[..<end])):\"", at: line.place)
            }
            try finish()
            let new = ByteString(line.text[..<end])
            guard !blocks.contains(where: { $0.name == new }) else {
                throw ConfigurationError("there are two \(kind.rawValue)s called \"\(new)\"", at: line.place)
            }
            (name, place) = (new, line.place)
            return
        }
        guard name != nil else {
            throw ConfigurationError(
                "\(kind.rawValue) name missing: \"name:\" must come before its options", at: line.place)
        }
        lines.append(try OptionLine(line))
    }

    /// Ends the present instance; the section's end calls it too.
    mutating func finish() throws(ConfigurationError) {
        guard let name else { return }
        guard let driver = lines.first(where: { $0.name == "driver" })?.value else {
            throw ConfigurationError("no driver given for \(kind.rawValue) \"\(name)\"", at: place)
        }
        try check(driver)
        var assigner = OptionAssigner(OptionBlock(kind: kind, name: name, driver: driver, place: place))
        for line in lines { try assigner.take(line) }
        blocks.append(assigner.block)
        // Options of an instance that does not run decide nothing: its own notice says what happens.
        if isRunning(driver) { notices += assigner.notices }
        (self.name, lines) = (nil, [])
    }

    private func isRunning(_ driver: ByteString) -> Bool {
        switch kind {
        case .router: DriverTables.runningRouters.contains(driver)
        case .transport: DriverTables.runningTransports.contains(driver)
        case .authenticator: DriverTables.runningAuthenticators.contains(driver)
        case .main: false
        }
    }

    private func isKnown(_ driver: ByteString) -> Bool {
        switch kind {
        case .router: DriverTables.routers[driver] != nil
        case .transport: DriverTables.transports[driver] != nil
        case .authenticator: DriverTables.authenticators[driver] != nil
        case .main: false
        }
    }

    private mutating func check(_ driver: ByteString) throws(ConfigurationError) {
        guard isKnown(driver) else {
            throw ConfigurationError(
                "\(kind.rawValue) \(name ?? ""): cannot find \(kind.rawValue) driver \"\(driver)\"", at: place
            )
        }
        // Somebody relies on it, as a server or as a client: it is told at once.
        if kind == .authenticator, !isRunning(driver) {
            let others = DriverTables.runningAuthenticators.sorted().joined(separator: ", ")
            throw ConfigurationError(
                "authenticator \(name ?? ""): cannot find authenticator driver \"\(driver)\": it is not supported here; there are \(others)",
                at: place)
        }
        // Mail for a transport that cannot run is deferred with a text, and without an authenticator nobody
        // gets in; only a router that is left out would send mail elsewhere.
        if !isRunning(driver) {
            notices.append(
                .init(
                    place: place, option: "\(name ?? ""): driver = \(driver)",
                    consequence: kind == .router ? .noStart : .none))
        }
    }
}
