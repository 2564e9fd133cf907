import ArgumentParser
import Bytes
import Configuration

/// `bobbin config options`.
struct ConfigOptionsCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "options",
        abstract: "List every option that Exim knows, with its type and what becomes of it here.",
        discussion: """
            Of each option: where it belongs, name, type, default, and whether it is honoured, has no effect, or is
            refused. No configuration is read.

            Example: what becomes of the options of TLS
              bobbin config options | grep tls_
            """)

    @Flag(name: .long, help: "One JSON object an option: part, driver, option, type, default, state, reason.")
    var json = false
    @Flag(name: .long, help: "Tables in Markdown, as in doc/options.md.")
    var markdown = false

    func validate() throws {
        if json, markdown { throw ValidationError("--json and --markdown exclude each other") }
    }

    func run(on console: Console) throws {
        for group in ConfigurationPart.all {
            if markdown { console.write(group.markdownHead) }
            for option in group.options {
                let row = OptionRow(option, of: group)
                console.write(json ? row.json : markdown ? row.markdown : row.line)
            }
        }
    }
}

/// One option with all that is told of it.
private struct OptionRow {
    private let group: ConfigurationPart
    private let option: ConfigurationPart.Option

    init(_ option: ConfigurationPart.Option, of group: ConfigurationPart) {
        self.option = option
        self.group = group
    }

    private var name: ByteString { option.known.name }

    /// What the option is where the configuration sets nothing; nil where that depends on the machine or on others.
    private var byDefault: ByteString? {
        let kind = option.known.kind
        let printed = OptionDefaults.line(name, driver: group.kind == .main ? nil : group.driver ?? "")
        if Self.dependent.contains(name) { return nil }
        if let value = Self.unprinted[name] { return value }
        if kind.isFlag { return printed == nil ? "false" : "true" }
        return printed.map { ByteString($0.dropFirst(name.count + 3)) } ?? kind.zero
    }

    /// A spelling that sets two options, which -bP does not print.
    private static let unprinted: [ByteString: ByteString] = ["verify": "true"]

    private static let dependent: Set<ByteString> = [
        "check_group", "check_owner", "exim_group", "exim_path", "exim_user", "group", "log_as_local",
        "log_file_path",
        "pid_file_path", "primary_hostname", "process_log_path", "qualify_domain", "qualify_recipient",
        "retry_use_local_part", "server_hostname", "spool_directory", "transport_home_directory", "user",
    ]

    private var state: (word: ByteString, reason: ByteString?) {
        guard group.isRunning else { return ("refused", "its driver is not supported") }
        return switch option.support {
        case .honoured: ("honoured", nil)
        case .needless(let why): ("without effect", ByteString(why))
        case .notYet: ("without effect", "not supported yet")
        case .notYetDecisive:
            ("refused", "not supported yet, and it could change where mail goes or who gets in")
        }
    }

    /// For people, in columns.
    var line: ByteString {
        let (word, reason) = state
        let columns = [(group.part, 25), (name, 36), (option.known.kind.words, 24)]
        let text = columns.reduce(into: ByteString()) { text, column in
            text += column.0
            text += ByteString(repeatElement(.blank, count: max(1, column.1 - column.0.count)))
        }
        return "\(text)\(word)\(reason.map { ": \($0)" } ?? "")\n"
    }

    var markdown: ByteString {
        let (word, reason) = state
        let value =
            byDefault.map {
                $0.isEmpty
                    ? "unset"
                    : "`\($0.replacing("|" as ByteString, with: "\\|" as ByteString))`" as ByteString
            } ?? "see the manual"
        return
            "| `\(name)` | \(option.known.kind.words) | \(value) | \(word)\(reason.map { ": \($0)" } ?? "") |\n"
    }

    var json: ByteString {
        let (word, reason) = state
        var object = JSONObject()
        object.add("part", ByteString(group.kind.rawValue))
        object.add("driver", group.driver)
        object.add("option", name)
        object.add("type", option.known.kind.words)
        object.add("default", byDefault)
        object.add("state", word)
        object.add("reason", reason)
        return "\(object.text)\n"
    }
}

extension ConfigurationPart {
    /// The part of the configuration in one or two words.
    fileprivate var part: ByteString {
        driver.map { "\(kind.rawValue) \($0)" } ?? ByteString(kind.rawValue)
    }

    fileprivate var markdownHead: ByteString {
        let title: ByteString =
            switch (kind, driver) {
            case (.main, _): "Main options"
            case (_, nil): "Options of all \(kind.rawValue)s"
            case (_, let driver?): "\(kind.rawValue) driver \(driver)"
            }
        return "\n## \(title)\n\n| option | type | default | here |\n|---|---|---|---|\n"
    }
}

extension OptionKind {
    fileprivate var isFlag: Bool { self == .boolean || self == .expandedBoolean }

    /// What a number or time is that nobody sets; nothing for others.
    fileprivate var zero: ByteString {
        switch self {
        case .integer, .expandedInteger, .octal: "0"
        case .time, .expandedTime: "0s"
        default: ""
        }
    }

    /// The type in the manual's words; what is expanded has a star.
    fileprivate var words: ByteString {
        switch self {
        case .boolean: "boolean"
        case .expandedBoolean: "boolean*"
        case .integer: "integer"
        case .expandedInteger: "integer*"
        case .octal: "octal integer"
        case .fixed: "fixed-point"
        case .time: "time"
        case .expandedTime: "time*"
        case .timeList: "time list"
        case .keyword, .string: "string"
        case .expanded: "string*"
        case .list: "string list"
        case .expandedList: "string list*"
        case .domainList: "domain list*"
        case .hostList: "host list*"
        case .addressList: "address list*"
        case .localPartList: "local part list*"
        }
    }
}
