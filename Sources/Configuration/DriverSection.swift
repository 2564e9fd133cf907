import Bytes
import Expansion

/// One `option = value` line, cut into its parts.
struct OptionLine {
    var name: ByteString
    /// Nil when there is no equals sign.
    var value: ByteString?
    /// What follows the name where there is no equals sign.
    var rest = ByteString()
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
        guard isHidden || !name.isEmpty else {
            throw ConfigurationError("option setting expected: \(line.text)", at: line.place)
        }
        rest = rest[end...].trimmedStart()
        guard rest.first == UInt8(ascii: "=") else {
            self.rest = ByteString(rest)
            return
        }
        let text = rest.dropFirst().trimmedStart()
        value = try Self.unquoted(text, of: name, at: line.place)
    }

    static func nameEnd(_ text: ArraySlice<UInt8>) -> Int {
        text.firstIndex { !($0.isASCIIAlphanumeric || $0 == UInt8(ascii: "_")) } ?? text.endIndex
    }

    private static func unquoted(
        _ text: ArraySlice<UInt8>, of name: ByteString, at place: SourcePlace
    ) throws(ConfigurationError) -> ByteString {
        guard text.first == UInt8(ascii: "\"") else { return ByteString(text) }
        guard let (value, end) = QuotedString.read(text) else {
            throw ConfigurationError("missing quote at end of string value for \(name)", at: place)
        }
        guard text[end...].trimmed().isEmpty else {
            throw ConfigurationError("extra characters follow string value for \(name)", at: place)
        }
        return value
    }
}

/// Puts option lines into a block, checking names and kinds.
struct OptionAssigner {
    private(set) var block: OptionBlock
    private(set) var notices: [Configuration.Notice] = []

    init(_ block: OptionBlock) { self.block = block }

    /// Tells the driver, whose own options may follow.
    mutating func setDriver(_ driver: ByteString) { block.driver = driver }

    /// Options that may be set several times, and how the values are put together.
    private static let joining: [ByteString: @Sendable (ByteString, ByteString) -> ByteString] = [
        "headers_add": { "\($0)\n\($1)" },
        "headers_remove": { "\($0) : \($1)" },
        "set": { "\($0);\($1)" },
        "condition": { "${if and{{bool_lax{\($0)}}{bool_lax{\($1)}}}}" },
    ]

    mutating func take(_ line: OptionLine) throws(ConfigurationError) {
        let (name, entry, forced) = try entry(of: line)
        let value = try value(of: line, entry.kind, forced: forced)
        if case .template(let template) = value, let complaint = template.historicVariable {
            throw ConfigurationError("\(name): \(complaint)", at: line.place)
        }
        var source = line.value ?? (forced == false ? "false" : "true")
        var setting = value
        if let earlier = block.values[name] {
            guard let join = Self.joining[name] else {
                throw ConfigurationError("\"\(line.name)\" option set for the second time", at: line.place)
            }
            source = join(earlier.source, source)
            setting = .template(Template(source))
        }
        block.set(name, to: .init(value: setting, source: source, place: line.place, isHidden: line.isHidden))
        if name == "headers_rewrite" {
            block.headerRules = try RewriteRuleParser(place: line.place).parseHeaderRules(source)
        }
        note(name, entry.support, at: line.place)
        if name == "av_scanner" { noteScanner(source, at: line.place) }
    }

    /// A virus scanner that is not spoken to is not found out only when a message comes.
    private mutating func noteScanner(_ setting: ByteString, at place: SourcePlace) {
        let kind = ItemList.split(setting, separator: UInt8(ascii: ":")).first ?? ""
        guard setting.first != UInt8(ascii: "$"), !Capabilities.malware.contains(kind) else { return }
        let known = Capabilities.malware.joined(separator: ", ")
        notices.append(
            .init(
                place: place, option: "av_scanner: \(kind)",
                consequence: .deferring("malware conditions are deferred; take one of \(known)")))
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

    /// What options were called before they were released.
    private static let formerNames: [ByteString: ByteString] = [
        "proxy_required_hosts": "hosts_proxy", "acl_data_smtp_prdr": "acl_smtp_data_prdr",
    ]

    /// The option that a line names, and the value that `no_` gives a switch.
    private func entry(
        of line: OptionLine
    ) throws(ConfigurationError) -> (ByteString, OptionTable.Entry, forced: Bool?) {
        let name = Self.formerNames[line.name] ?? line.name
        if let entry = find(name) { return (name, entry, nil) }
        for prefix in ["no_", "not_"] as [ByteString] where line.name.starts(with: prefix) {
            let name = ByteString(line.name.dropFirst(prefix.count))
            guard let entry = find(name) else { continue }
            guard entry.kind.isSwitch else {
                throw ConfigurationError("negation prefix applied to a non-boolean option", at: line.place)
            }
            guard line.value == nil, line.rest.isEmpty else {
                throw ConfigurationError(
                    "extra characters follow boolean option \(line.name)", at: line.place)
            }
            return (name, entry, false)
        }
        throw ConfigurationError(
            unknown(line.name) + HistoricNames.remark(HistoricNames.option(line.name)), at: line.place)
    }

    private func unknown(_ name: ByteString) -> ByteString {
        if block.kind == .main { return "main option \"\(name)\" unknown" }
        let hint: ByteString =
            block.driver.isEmpty ? " (\"driver\" must be specified before any private options)" : ""
        return "option \"\(name)\" unknown\(hint)"
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
            guard kind.isSwitch || line.rest.isEmpty else {
                throw ConfigurationError("missing \"=\" after \(line.name)", at: line.place)
            }
            guard kind.isSwitch else {
                throw ConfigurationError(
                    "unexpected end of line (data missing) after \(line.name)", at: line.place)
            }
            guard line.rest.isEmpty else {
                throw ConfigurationError(
                    "extra characters follow boolean option \(line.name)", at: line.place)
            }
            return .flag(true)
        }
        switch kind.value(of: text, for: line.name) {
        case .success(let value): return value
        case .failure(let problem): throw ConfigurationError(problem.sentence, at: line.place)
        }
    }
}

/// Reads a section of driver instances: routers, transports or authenticators.
struct DriverSectionParser {
    let kind: OptionBlock.Kind
    private var assigner: OptionAssigner?
    private(set) var blocks: [OptionBlock] = []
    private(set) var notices: [Configuration.Notice] = []

    init(kind: OptionBlock.Kind) { self.kind = kind }

    mutating func take(_ line: SourceLine) throws(ConfigurationError) {
        let end = OptionLine.nameEnd(line.text[...])
        let rest = line.text[end...].trimmedStart()
        if rest.first == UInt8(ascii: ":") {
            try begin(ByteString(line.text[..<end]), rest.dropFirst().trimmed(), at: line.place)
            return
        }
        guard var assigner else {
            throw ConfigurationError("\(kind.rawValue) name missing", at: line.place)
        }
        let option = try OptionLine(line)
        if option.name == "driver", let driver = option.value, assigner.block.driver.isEmpty {
            try check(driver, of: assigner.block.name, at: line.place)
            assigner.setDriver(driver)
        }
        try assigner.take(option)
        self.assigner = assigner
    }

    private mutating func begin(
        _ name: ByteString, _ rest: ArraySlice<UInt8>, at place: SourcePlace
    ) throws(ConfigurationError) {
        try finish()
        guard !name.isEmpty else {
            throw ConfigurationError("\(kind.rawValue) name missing", at: place)
        }
        guard rest.isEmpty else {
            throw ConfigurationError("extra characters follow driver name \(name)", at: place)
        }
        guard !blocks.contains(where: { $0.name == name }) else {
            throw ConfigurationError("there are two \(kind.rawValue)s called \"\(name)\"", at: place)
        }
        assigner = OptionAssigner(OptionBlock(kind: kind, name: name, driver: "", place: place))
    }

    /// Ends the present instance; the section's end calls it too.
    mutating func finish() throws(ConfigurationError) {
        guard let assigner else { return }
        let block = assigner.block
        guard !block.driver.isEmpty else {
            throw ConfigurationError(
                "no driver defined for \(kind.rawValue) \"\(block.name)\"", at: block.place)
        }
        try InstanceCheck(block: block).run()
        blocks.append(block)
        // Options of an instance that does not run decide nothing: its own notice says what happens.
        if isRunning(block.driver) { notices += assigner.notices }
        self.assigner = nil
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

    private mutating func check(
        _ driver: ByteString, of name: ByteString, at place: SourcePlace
    ) throws(ConfigurationError) {
        guard isKnown(driver) else {
            throw ConfigurationError(
                "\(kind.rawValue) \(name): cannot find \(kind.rawValue) driver \"\(driver)\"", at: place)
        }
        guard !isRunning(driver) else { return }
        // Somebody relies on it, as a server or as a client: it is told at once.
        if kind == .authenticator {
            let others = DriverTables.runningAuthenticators.sorted().joined(separator: ", ")
            throw ConfigurationError(
                "authenticator \(name): cannot find authenticator driver \"\(driver)\"", at: place,
                hint: "it is not supported here; there are \(others)")
        }
        // Mail for a transport that cannot run is deferred with a text; only a router that is left out would send mail
        // elsewhere.
        notices.append(
            .init(
                place: place, option: "\(name): driver = \(driver)",
                consequence: kind == .router ? .noStart : .none))
    }
}
