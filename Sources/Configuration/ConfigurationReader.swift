package import Bytes
import Expansion

extension Configuration {
    /// Reads a configuration file and all that it includes.
    ///
    /// `macros` are those of `-D`, which the file cannot change. Throws the first error, with its place.
    package static func read(file: ByteString, macros: [Macro] = []) throws(ConfigurationError)
        -> Configuration
    {
        switch SourceReader.readFile(file) {
        case .success(let text): return try read(text: text, file: file, macros: macros)
        case .failure(let error): throw error
        }
    }

    /// Reads a configuration from its text; `file` names it in errors.
    package static func read(
        text: ByteString, file: ByteString, macros: [Macro] = []
    ) throws(ConfigurationError) -> Configuration {
        var fixed = macros
        for index in fixed.indices { fixed[index].isFixed = true }
        var reader = ConfigurationReader(SourceReader(text: text, path: file, macros: fixed))
        return try reader.read(file: file)
    }
}

/// Walks the sections of a configuration.
private struct ConfigurationReader {
    private var source: SourceReader
    private var result = Configuration()
    private var seen: Set<ByteString> = []

    init(_ source: SourceReader) { self.source = source }

    mutating func read(file: ByteString) throws(ConfigurationError) -> Configuration {
        result.file = file
        var section = try mainSection()
        while let (name, place) = section {
            guard seen.insert(name).inserted else {
                throw ConfigurationError(
                    "\"\(name)\" section is repeated in the configuration file", at: place)
            }
            source.takesOptions = false
            source.takesMacros = name != "retry" && name != "rewrite"
            section = try self.section(name, at: place)
        }
        result.macros = source.macros.macros
        return result
    }

    /// The section's name when the line is `begin name`.
    private func beginning(_ line: SourceLine) -> (ByteString, SourcePlace)? {
        guard line.text.starts(with: ByteString("begin")), line.text.count > 5, line.text[5].isASCIISpace
        else { return nil }
        return (ByteString(line.text[5...].trimmed()).lowercasedASCII(), line.place)
    }

    // MARK: The main section

    private mutating func mainSection() throws(ConfigurationError) -> (ByteString, SourcePlace)? {
        let place = SourcePlace(file: result.file, line: 1)
        var assigner = OptionAssigner(OptionBlock(kind: .main, name: "main", driver: "", place: place))
        var next: (ByteString, SourcePlace)?
        while let line = try source.next() {
            if let section = beginning(line) {
                next = section
                break
            }
            if try !namedList(line) { try assigner.take(OptionLine(line)) }
        }
        try MainCheck(main: assigner.block).run()
        try TLSOptionCheck.run(assigner.block)
        result.main = assigner.block
        result.notices += assigner.notices
        return next
    }

    /// Takes `domainlist name = ...` and its kin; false for any other line.
    private mutating func namedList(_ line: SourceLine) throws(ConfigurationError) -> Bool {
        var rest = line.text[...]
        var word = ByteString(rest[..<OptionLine.nameEnd(rest)])
        let isHidden = word == "hide"
        if isHidden {
            rest = rest.dropFirst(4).trimmedStart()
            word = ByteString(rest[..<OptionLine.nameEnd(rest)])
        }
        var kind = word
        if kind.ends(with: ByteString("_cache")) { kind = ByteString(kind.dropLast(6)) }
        guard ["domainlist", "hostlist", "addresslist", "localpartlist"].contains(kind) else { return false }
        rest = rest.dropFirst(word.count).trimmedStart()
        guard !rest.isEmpty else {
            throw ConfigurationError("unrecognized configuration line", at: line.place)
        }
        let definition = try OptionLine(SourceLine(text: ByteString(rest), place: line.place))
        guard let value = definition.value else {
            throw ConfigurationError("missing '=' after \"\(definition.name)\"", at: line.place)
        }
        try define(kind, definition.name, ListText(value), at: line.place)
        if isHidden { result.hiddenLists.insert("\(kind) \(definition.name)") }
        return true
    }

    private mutating func define(
        _ kind: ByteString, _ name: ByteString, _ list: ListText, at place: SourcePlace
    ) throws(ConfigurationError) {
        let earlier: ListText? =
            switch kind {
            case "domainlist": result.namedLists.domain.updateValue(list, forKey: name)
            case "hostlist": result.namedLists.host.updateValue(list, forKey: name)
            case "addresslist": result.namedLists.address.updateValue(list, forKey: name)
            default: result.namedLists.localPart.updateValue(list, forKey: name)
            }
        if earlier != nil {
            let spelled = ByteString(kind.dropLast(4))
            let shown: ByteString = spelled == "localpart" ? "local part" : spelled
            throw ConfigurationError("duplicate name \"\(name)\" for a named \(shown) list", at: place)
        }
    }

    // MARK: The other sections

    private mutating func section(
        _ name: ByteString, at place: SourcePlace
    ) throws(ConfigurationError) -> (ByteString, SourcePlace)? {
        switch name {
        case "acl": return try aclSection()
        case "routers": return try drivers(.router, at: place)
        case "transports": return try drivers(.transport, at: place)
        case "authenticators": return try drivers(.authenticator, at: place)
        case "retry":
            return try lines { rules, line throws(ConfigurationError) in
                rules.retryRules.append(try RetryRuleParser(place: line.place).parse(line.text))
            }
        case "rewrite":
            return try lines { rules, line throws(ConfigurationError) in
                rules.rewriteRules.append(try RewriteRuleParser(place: line.place).parse(line.text))
            }
        case "local_scan":
            throw ConfigurationError(
                "local_scan() options not supported: (LOCAL_SCAN_HAS_OPTIONS not defined in Local/Makefile)",
                at: place, hint: "there is no local_scan() here")
        default:
            throw ConfigurationError("\"\(name)\" is not a known configuration section name", at: place)
        }
    }

    private mutating func aclSection() throws(ConfigurationError) -> (ByteString, SourcePlace)? {
        var parser = ACLSectionParser()
        let next = try lines { (_, line) throws(ConfigurationError) in try parser.take(line) }
        result.acls = parser.lists
        result.notices += parser.notices
        return next
    }

    private mutating func drivers(
        _ kind: OptionBlock.Kind, at place: SourcePlace
    ) throws(ConfigurationError) -> (ByteString, SourcePlace)? {
        var parser = DriverSectionParser(kind: kind)
        let next = try lines { (_, line) throws(ConfigurationError) in try parser.take(line) }
        try parser.finish()
        if kind == .authenticator { try AuthenticatorCheck.run(parser.blocks) }
        if kind == .router { try InstanceCheck.crossing(parser.blocks) }
        store(parser.blocks, kind)
        result.notices += parser.notices
        return next
    }

    private mutating func store(_ blocks: [OptionBlock], _ kind: OptionBlock.Kind) {
        switch kind {
        case .router: result.routers = blocks
        case .authenticator: result.authenticators = blocks
        case .transport:
            result.transportOrder = blocks.map(\.name)
            for block in blocks { result.transports[block.name] = block }
        case .main: break
        }
    }

    /// Takes each line up to the next section; gives that one.
    private mutating func lines(
        _ take: (inout Configuration, SourceLine) throws(ConfigurationError) -> Void
    ) throws(ConfigurationError) -> (ByteString, SourcePlace)? {
        while let line = try source.next() {
            if let section = beginning(line) { return section }
            try take(&result, line)
        }
        return nil
    }
}
