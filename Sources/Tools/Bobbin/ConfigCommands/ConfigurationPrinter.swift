import Bytes
import Configuration
import Expansion

/// Answers the words that may follow -bP (manual, option -bP).
struct ConfigurationPrinter: Sendable {
    let options: OptionPrinter
    private var configuration: Configuration { options.site.configuration }

    init(_ options: OptionPrinter) { self.options = options }

    /// What a request answers: the text, and whether what was asked for exists.
    struct Answer: Sendable, Hashable {
        var text: ByteString
        var isFound = true
    }

    /// All main options.
    func mainOptions() -> Answer { Answer(text: options.lines(of: configuration.main)) }

    /// What one word, or two for an instance, asks for.
    func answer(_ word: ByteString, _ name: ByteString? = nil) -> Answer {
        if let name { return instance(word, name) }
        if word.first == UInt8(ascii: "+") { return namedList(ByteString(word.dropFirst())) }
        switch word {
        case "all": return mainOptions()
        case "config_file", "configure_file": return Answer(text: "\(configuration.file)\n")
        case "routers": return instances(configuration.routers)
        case "transports": return instances(transports)
        case "authenticators": return instances(configuration.authenticators)
        case "router_list": return names(configuration.routers)
        case "transport_list": return names(transports)
        case "authenticator_list": return names(configuration.authenticators)
        case "macros": return macros { "\($0.name)=\($0.text)\n" }
        case "macro_list": return macros { "\($0.name)\n" }
        default: return mainOption(word)
        }
    }

    /// Whether the word wants the name of an instance after it.
    static func takesName(_ word: ByteString) -> Bool {
        ["router", "transport", "authenticator", "macro"].contains(word)
    }

    /// Whether only admin users may ask for it: macros often hold passwords.
    static func needsAdmin(_ word: ByteString) -> Bool { ["macro", "macros", "macro_list"].contains(word) }

    private var transports: [OptionBlock] {
        configuration.transportOrder.compactMap { configuration.transports[$0] }
    }

    private func mainOption(_ name: ByteString) -> Answer {
        guard let line = options.line(name, of: configuration.main) else {
            return Answer(text: "\(name) is not a known option\n", isFound: false)
        }
        return Answer(text: line)
    }

    private func instances(_ blocks: [OptionBlock]) -> Answer {
        let texts = blocks.map { "\n\($0.name) \($0.kind.rawValue):\n\(options.lines(of: $0))" as ByteString }
        return Answer(text: texts.joined(separator: ""))
    }

    private func names(_ blocks: [OptionBlock]) -> Answer {
        Answer(text: blocks.map { "\($0.name)\n" as ByteString }.joined(separator: ""))
    }

    private func macros(_ line: (Macro) -> ByteString) -> Answer {
        Answer(text: (PredefinedMacros.all + configuration.macros).map(line).joined(separator: ""))
    }

    private func instance(_ kind: ByteString, _ name: ByteString) -> Answer {
        if kind == "macro" {
            let macros = configuration.macros + PredefinedMacros.all
            guard let macro = macros.first(where: { $0.name == name }) else {
                return Answer(text: "macro \(name) not found\n", isFound: false)
            }
            return Answer(text: "\(macro.name)=\(macro.text)\n")
        }
        let blocks =
            kind == "router"
            ? configuration.routers : kind == "transport" ? transports : configuration.authenticators
        guard let block = blocks.first(where: { $0.name == name }) else {
            return Answer(text: "\(kind) \(name) not found\n", isFound: false)
        }
        return Answer(text: options.lines(of: block))
    }

    private func namedList(_ name: ByteString) -> Answer {
        let lists = configuration.namedLists
        let found: [(ByteString, ListText?)] = [
            ("addresslist", lists.address[name]), ("domainlist", lists.domain[name]),
            ("hostlist", lists.host[name]), ("localpartlist", lists.localPart[name]),
        ]
        let lines = found.compactMap { kind, list in
            let isHidden = configuration.hiddenLists.contains("\(kind) \(name)")
            return list.map {
                "\(kind) \(name) = \(isHidden ? "<value not displayable>" : $0.source)\n" as ByteString
            }
        }
        guard !lines.isEmpty else {
            let text: ByteString = "no address, domain, host, or local part list called \"\(name)\" exists\n"
            return Answer(text: text, isFound: false)
        }
        return Answer(text: lines.joined(separator: ""))
    }
}
