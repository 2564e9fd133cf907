package import Bytes
package import Expansion

/// The statements of one ACL, in order; what they mean is for module ACL to say.
package struct AccessControlList: Sendable, Hashable {
    /// A verb and the conditions and modifiers under it.
    package struct Statement: Sendable, Hashable {
        /// What the statement does when its conditions hold.
        package var verb: Verb
        /// Conditions and modifiers in the order in which they are obeyed.
        package var clauses: [Clause]
        /// Where it begins.
        package var place: SourcePlace
    }

    /// What a statement does (manual, "ACL verbs").
    package enum Verb: String, Sendable, Hashable, CaseIterable {
        /// Permission is given.
        case accept
        /// A temporary refusal.
        case `defer`
        /// A refusal.
        case deny
        /// Accept, and throw the recipient or message away.
        case discard
        /// A refusal, and the connection ends.
        case drop
        /// A refusal unless the conditions hold.
        case require
        /// Nothing but the modifiers' effects.
        case warn
    }

    /// One condition or modifier.
    package struct Clause: Sendable, Hashable {
        /// Its name, such as `domains`, `message`, `endpass`.
        package var name: ByteString
        /// Whether `!` stood before it.
        package var isNegated: Bool
        /// The variable of a `set`, without `acl_`: `m0`, `c_name`.
        package var variable: ByteString?
        /// The text behind the equals sign.
        package var value: Template
        /// The same text for use as a list.
        package var list: ListText
        /// Where it stands.
        package var place: SourcePlace
    }

    /// The ACL's name.
    package var name: ByteString
    /// Its statements.
    package var statements: [Statement]

    /// Makes an ACL.
    package init(name: ByteString, statements: [Statement] = []) {
        self.name = name
        self.statements = statements
    }
}

/// What the `acl` section may contain (manual, "ACL condition modifiers" and "ACL conditions").
enum ACLVocabulary {
    /// Words that this program obeys.
    static let honoured: Set<ByteString> = [
        "acl", "add_header", "authenticated", "condition", "continue", "control", "decode", "delay",
        "dkim_signers", "dkim_status", "dmarc_status", "dnslists", "domains", "encrypted", "endpass", "hosts",
        "local_parts",
        "log_message",
        "log_reject_target", "logwrite", "malware", "message", "mime_regex", "queue", "ratelimit",
        "recipients", "regex", "remove_header", "seen", "sender_domains", "senders", "set", "spam",
        "spf", "spf_guess", "udpsend", "verify",
    ]
    /// Words that Exim knows; a statement with one of them stops start-up, since it decides who gets in.
    static let known: Set<ByteString> = [
        "attach", "bmi_optin", "bmi_run", "dcc", "demime", "dkim_state", "arc_status",
    ]
    /// Words without a value.
    static let withoutValue: Set<ByteString> = ["endpass"]
    /// Words that may not be negated: they are modifiers.
    static let modifiers: Set<ByteString> = [
        "add_header", "continue", "control", "delay", "endpass", "log_message", "log_reject_target",
        "logwrite", "message", "remove_header", "set", "udpsend", "queue", "attach", "dcc",
    ]
}

/// Reads the `acl` section line by line.
struct ACLSectionParser {
    private(set) var lists: [ByteString: AccessControlList] = [:]
    private(set) var notices: [Configuration.Notice] = []
    private var current: ByteString?

    mutating func take(_ line: SourceLine) throws(ConfigurationError) {
        if let name = newName(line.text) {
            guard lists[name] == nil else {
                throw ConfigurationError("there are two ACLs called \"\(name)\"", at: line.place)
            }
            lists[name] = AccessControlList(name: name)
            current = name
            return
        }
        guard let name = current else {
            throw ConfigurationError(
                "missing or malformed ACL name", at: line.place)
        }
        try statement(line, in: name)
    }

    /// The name when the line is `name:`; the rest of such a line must be empty.
    private func newName(_ text: ByteString) -> ByteString? {
        guard let cut = text.cut(at: UInt8(ascii: ":")), cut.after.trimmed().isEmpty else { return nil }
        let name = ByteString(cut.before.trimmed())
        let isName = name.allSatisfy { $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "_") }
        return isName && !name.isEmpty ? name : nil
    }

    private mutating func statement(_ line: SourceLine, in name: ByteString) throws(ConfigurationError) {
        var rest = line.text[...]
        let end = OptionLine.nameEnd(rest)
        let word = ByteString(rest[..<end])
        if let verb = AccessControlList.Verb(rawValue: word.string),
            rest[end...].trimmedStart().first != UInt8(ascii: "=")
        {
            lists[name]?.statements.append(.init(verb: verb, clauses: [], place: line.place))
            rest = rest[end...].trimmedStart()
            if rest.isEmpty { return }
        }
        guard let last = lists[name]?.statements.indices.last else {
            throw Self.fault("unknown ACL verb \"\(word)\" in \"\(line.text)\"", at: line.place)
        }
        let clause = try clause(rest, in: line.text, at: line.place)
        if clause.name == "endpass", let verb = lists[name]?.statements[last].verb,
            ![.accept, .discard].contains(verb)
        {
            throw Self.fault(
                "ACL error: \"endpass\" is not allowed with \"\(verb.rawValue)\"", at: line.place)
        }
        lists[name]?.statements[last].clauses.append(clause)
    }

    private static func fault(
        _ text: ByteString, at place: SourcePlace, hint: ByteString = ""
    ) -> ConfigurationError {
        ConfigurationError("error in ACL: \(text)", at: place, hint: hint)
    }

    private mutating func clause(
        _ text: ArraySlice<UInt8>, in line: ByteString, at place: SourcePlace
    ) throws(ConfigurationError) -> AccessControlList.Clause {
        var rest = text
        let isNegated = rest.first == UInt8(ascii: "!")
        if isNegated { rest = rest.dropFirst().trimmedStart() }
        let end = OptionLine.nameEnd(rest)
        let name = ByteString(rest[..<end])
        let spelled = ByteString(rest)
        rest = rest[end...].trimmedStart()
        try check(name, isNegated: isNegated, in: line, at: place)
        var variable: ByteString?
        if name == "set" { variable = try aclVariable(&rest, in: spelled, at: place) }
        if ACLVocabulary.withoutValue.contains(name) {
            return .init(name: name, isNegated: false, value: Template(""), list: ListText(""), place: place)
        }
        guard rest.popFirst() == UInt8(ascii: "=") else {
            let kind: ByteString = ACLVocabulary.modifiers.contains(name) ? "modifier" : "condition"
            throw Self.fault("\"=\" missing after ACL \"\(name)\" \(kind)", at: place)
        }
        let value = Template(ByteString(rest.trimmedStart()))
        try checkForHistoricNames(name, value, at: place)
        if name.starts(with: ByteString("spf")) { noteOldWords(value.source, of: name, at: place) }
        return .init(
            name: name, isNegated: isNegated, variable: variable, value: value,
            list: ListText(value.source), place: place)
    }

    private func checkForHistoricNames(
        _ name: ByteString, _ value: Template, at place: SourcePlace
    ) throws(ConfigurationError) {
        if name == "control", let told = HistoricNames.control(value.source) {
            throw Self.fault(
                "syntax error in \"control=\(value.source)\"\(HistoricNames.remark(told))", at: place)
        }
        if let complaint = value.historicVariable {
            throw Self.fault("\(name): \(complaint)", at: place)
        }
    }

    /// Two words of `spf` lists mean the contrary of what they say, as they were documented.
    private mutating func noteOldWords(_ list: ByteString, of name: ByteString, at place: SourcePlace) {
        for (word, meaning) in [("err_temp", "permerror"), ("err_perm", "temperror")]
            as [(ByteString, ByteString)]
        where list.contains(word) {
            let advice: ByteString = "it means \(meaning); write \(meaning) or what else you mean"
            notices.append(
                .init(place: place, option: "acl: \(name) = \(word)", consequence: .deprecated(advice)))
        }
    }

    private mutating func check(
        _ name: ByteString, isNegated: Bool, in line: ByteString, at place: SourcePlace
    ) throws(ConfigurationError) {
        if isNegated, ACLVocabulary.modifiers.contains(name) {
            throw Self.fault("ACL error: negation is not allowed with \"\(name)\"", at: place)
        }
        if ACLVocabulary.honoured.contains(name) { return }
        guard ACLVocabulary.known.contains(name) else {
            let remark = HistoricNames.remark(HistoricNames.condition(name))
            throw Self.fault("unknown ACL condition/modifier in \"\(line)\"\(remark)", at: place)
        }
        notices.append(.init(place: place, option: "acl: \(name)", consequence: .noStart))
    }

    /// Reads `acl_m0`, `acl_c_name` and the older spelling with a dollar sign.
    private func aclVariable(
        _ rest: inout ArraySlice<UInt8>, in spelled: ByteString, at place: SourcePlace
    ) throws(ConfigurationError) -> ByteString {
        if rest.first == UInt8(ascii: "$") { rest = rest.dropFirst() }
        let end = OptionLine.nameEnd(rest)
        let name = ByteString(rest[..<end])
        rest = rest[end...].trimmedStart()
        if ["dkim_verify_status", "dkim_verify_reason"].contains(name) { return name }
        let short = name.dropFirst(4)
        let problem: ByteString = "invalid variable name after \"set\" in ACL modifier \"\(spelled)\""
        guard name.starts(with: ByteString("acl_")), let kind = short.first, "cm".utf8.contains(kind) else {
            throw Self.fault("\(problem) (must start \"acl_c\" or \"acl_m\")", at: place)
        }
        guard let next = short.dropFirst().first, next.isASCIIDigit || next == UInt8(ascii: "_") else {
            throw Self.fault("\(problem) (digit or underscore must follow acl_c or acl_m)", at: place)
        }
        return ByteString(short)
    }
}
