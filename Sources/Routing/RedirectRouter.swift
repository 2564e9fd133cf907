import Bytes
import Configuration
import Expansion
import MailText

/// The redirect router: aliases, forward files, and special items (manual, chapter 22).
struct RedirectRouter: Sendable {
    /// How deep `:include:` may nest.
    private static let maximumIncludes = 16

    private let data: Template?
    private let file: Template?
    private let fileRules: RedirectionFileRules
    private let includeDirectory: ByteString?
    private let pipeTransport: Template?
    private let fileTransport: Template?
    private let directoryTransport: Template?
    private let qualifyDomain: Template?
    private let preservesDomain: Bool
    private let allowsFail: Bool
    private let allowsDefer: Bool
    private let forbidsBlackhole: Bool
    private let forbidsFile: Bool
    private let forbidsPipe: Bool
    private let forbidsInclude: Bool
    private let checksAncestor: Bool
    private let isOneTime: Bool
    private let hidesChild: Bool
    private let rewrites: Bool
    private let skipsSyntaxErrors: Bool
    /// `repeat_use`.
    let mayRepeat: Bool

    init(_ block: OptionBlock) throws(RoutingConfigurationError) {
        data = block.template("data")
        file = block.template("file")
        fileRules = Self.fileRules(block)
        includeDirectory = block.text("include_directory")
        pipeTransport = block.template("pipe_transport")
        fileTransport = block.template("file_transport")
        directoryTransport = block.template("directory_transport")
        qualifyDomain = block.template("qualify_domain")
        preservesDomain = block.flag("qualify_preserve_domain") ?? false
        allowsFail = block.flag("allow_fail") ?? false
        allowsDefer = block.flag("allow_defer") ?? false
        forbidsBlackhole = block.flag("forbid_blackhole") ?? false
        isOneTime = block.flag("one_time") ?? false
        forbidsFile = isOneTime || (block.flag("forbid_file") ?? false)
        forbidsPipe = isOneTime || (block.flag("forbid_pipe") ?? false)
        forbidsInclude = block.flag("forbid_include") ?? false
        checksAncestor = block.flag("check_ancestor") ?? false
        hidesChild = block.flag("hide_child_in_errmsg") ?? false
        rewrites = block.flag("rewrite") ?? true
        skipsSyntaxErrors = block.flag("skip_syntax_errors") ?? false
        mayRepeat = block.flag("repeat_use") ?? true
        guard (data == nil) != (file == nil) else {
            throw RoutingConfigurationError(
                router: block.name, problem: "one of \"file\" or \"data\" must be specified, and not both")
        }
        if isOneTime, block.template("headers_add") != nil || block.template("headers_remove") != nil {
            throw RoutingConfigurationError(
                router: block.name,
                problem: "\"headers_add\" and \"headers_remove\" are not permitted with \"one_time\"")
        }
    }

    private static func fileRules(_ block: OptionBlock) -> RedirectionFileRules {
        var rules = RedirectionFileRules()
        if let mask = block.number("modemask") { rules.modeMask = UInt32(clamping: mask) }
        rules.checksOwner = block.flag("check_owner")
        rules.checksGroup = block.flag("check_group")
        rules.owners = ItemList.split(block.text("owners"), separator: UInt8(ascii: ":"))
        rules.groups = ItemList.split(block.text("owngroups"), separator: UInt8(ascii: ":"))
        rules.ignoresAccess = block.flag("ignore_eacces") ?? false
        rules.ignoresNotDirectory = block.flag("ignore_enotdir") ?? false
        return rules
    }

    // MARK: Routing

    func route(_ scene: inout RoutingScene, users: SystemUsers) async throws(RoutingTrouble) -> DriverAnswer {
        guard let text = try await listText(&scene, users) else { return .declined(nil) }
        if Self.isFilter(text) {
            throw RoutingTrouble("error in filter data: filtering not enabled", errno: -17)
        }
        var gathered = Gathered()
        let rules = AddressRules(allowsDomainLiterals: scene.environment.allowsDomainLiterals)
        if let answer = try gather(text, rules, depth: 0, &gathered, &scene) { return answer }
        if gathered.items.isEmpty { return .declined(nil) }
        try await scene.setErrorsTo()
        try await scene.setHeaders()
        let qualifier = try await qualifier(&scene)
        var children: [RedirectedItem] = []
        for item in gathered.items {
            guard let child = try await child(item, qualifier, users, &scene) else { continue }
            children.append(child)
        }
        return .redirected(children)
    }

    /// Whether the data's first line makes it a filter (`# Exim filter`, `# Sieve filter`).
    ///
    /// A filter read as a list would send mail to strange places, so it is deferred, with Exim's words for a
    /// router without `allow_filter`.
    private static func isFilter(_ text: ByteString) -> Bool {
        let first = text.prefix { $0 != .newline }.trimmed()
        guard first.first == UInt8(ascii: "#") else { return false }
        let words = first.dropFirst().split { $0.isASCIISpace }.prefix(2).map { $0.lowercasedASCII() }
        return words.count == 2 && (words[0] == "exim" || words[0] == "sieve")
            && words[1].starts(with: ByteString("filter"))
    }

    private func listText(
        _ scene: inout RoutingScene, _ users: SystemUsers
    ) async throws(RoutingTrouble) -> ByteString? {
        if let data {
            return try await scene.expand(data, failing: "failed to expand \"\(data.source)\"")?.bytes
        }
        guard let file,
            let path = try await scene.expand(file, failing: "failed to expand \"\(file.source)\"")
        else { return nil }
        if path.taint.isTainted {
            throw RoutingTrouble("attempt to use tainted value '\(path.bytes)' for a filename", errno: -51)
        }
        switch try fileRules.read(path.bytes, account: scene.account, users: users) {
        case .text(let text): return text
        case .absent: return nil
        }
    }

    private struct Gathered {
        var items: [RedirectionItem] = []
    }

    /// Reads a list and its includes; an answer ends the search (`:fail:` and the like).
    private func gather(
        _ text: ByteString, _ rules: AddressRules, depth: Int, _ gathered: inout Gathered,
        _ scene: inout RoutingScene
    ) throws(RoutingTrouble) -> DriverAnswer? {
        for item in RedirectionList.items(text, rules: rules) {
            switch item {
            case .address, .pipe, .file: gathered.items.append(item)
            case .blackhole:
                if forbidsBlackhole { throw badData("\":blackhole:\" is not permitted") }
                return .discarded
            case .unknown: return .declined(nil)
            case .fail(let said):
                guard allowsFail else {
                    throw badData(
                        "\":fail:\(said.isEmpty ? "" : " \(said)" as ByteString)\" is not permitted")
                }
                return .failed(RoutingTrouble(said, userText: said))
            case .defer(let said):
                guard allowsDefer else {
                    throw badData(
                        "\":defer:\(said.isEmpty ? "" : " \(said)" as ByteString)\" is not permitted")
                }
                throw RoutingTrouble(said, userText: said)
            case .include(let path):
                let included = try include(path, depth)
                if let answer = try gather(included, rules, depth: depth + 1, &gathered, &scene) {
                    return answer
                }
            case .malformed(let item, let problem):
                let said: ByteString = "\(problem) in \"\(item)\""
                guard skipsSyntaxErrors else { throw badData(said) }
                scene.log("\(scene.options.name) router: skipped error: \(said)")
            }
        }
        return nil
    }

    private func badData(_ problem: ByteString) -> RoutingTrouble {
        RoutingTrouble("error in redirect data: \(problem)", errno: -17)
    }

    private func include(_ path: ByteString, _ depth: Int) throws(RoutingTrouble) -> ByteString {
        if forbidsInclude { throw badData("included files not permitted") }
        guard path.first == UInt8(ascii: "/") else {
            throw badData("included file \"\(path)\" is not an absolute path")
        }
        guard depth < Self.maximumIncludes else { throw badData("included files nest too deep at \(path)") }
        if let directory = includeDirectory,
            !path.starts(with: directory) || path.contains(ByteString("/../"))
        {
            throw badData("included file \(path) is not in directory \(directory)")
        }
        switch SmallFile.read(path) {
        case .success(let file): return file.text
        case .failure(let error): throw badData("failed to open included file \(path): \(error.text)")
        }
    }

    // MARK: Children

    private func qualifier(_ scene: inout RoutingScene) async throws(RoutingTrouble) -> ByteString {
        if preservesDomain { return scene.domain }
        guard let qualifyDomain else { return scene.environment.qualifyRecipient }
        let value = try await scene.expand(
            qualifyDomain, failing: "failed to expand \"\(qualifyDomain.source)\"")
        return value?.bytes ?? scene.environment.qualifyRecipient
    }

    private func child(
        _ item: RedirectionItem, _ qualifier: ByteString, _ users: SystemUsers, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> RedirectedItem? {
        switch item {
        case .address(let text, let isBackslashed):
            return try await address(text, isBackslashed ? scene.domain : qualifier, &scene)
        case .pipe(let command):
            return try await delivery(
                .pipe(command), forbidsPipe ? nil : pipeTransport, "pipe_transport", users, &scene)
        case .file(let path):
            let isDirectory = path.last == UInt8(ascii: "/")
            if path == "/dev/null", !forbidsFile {
                // The transport is named by -bt alone.
                let transport: ByteString?
                if let fileTransport {
                    transport = try? await scene.transportName(fileTransport, "file_transport")
                } else {
                    transport = nil
                }
                return .bypassed(offspring(path, &scene), path: path, transport: transport)
            }
            return try await delivery(
                .file(path), forbidsFile ? nil : isDirectory ? directoryTransport : fileTransport,
                isDirectory ? "directory_transport" : "file_transport", users, &scene)
        case .include, .blackhole, .unknown, .fail, .defer, .malformed: return nil
        }
    }

    private func offspring(_ address: ByteString, _ scene: inout RoutingScene) -> RoutingAddress {
        var child = scene.address.child(address, by: scene.options.name)
        child.isOneTime = isOneTime
        child.isHidden = child.isHidden || hidesChild
        child.startRouter = scene.options.redirectRouter
        return child
    }

    private func address(
        _ text: ByteString, _ domain: ByteString, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> RedirectedItem {
        var address = EmailAddress(text).qualified(with: domain)
        if rewrites, let rewriter = scene.environment.rewriter {
            do {
                address = try await rewriter.rewrite(address, as: .envelopeTo, scene.facts)
            } catch {
                throw RoutingTrouble("rewriting of \(address.text) failed: \(error.text)")
            }
        }
        var child = offspring(address.text, &scene)
        if checksAncestor, isAncestor(address.text, scene) { child.address = scene.address.address }
        return .address(child)
    }

    private func isAncestor(_ address: ByteString, _ scene: RoutingScene) -> Bool {
        scene.address.ancestors.contains { $0.address.equalsIgnoringCase(address) }
    }

    private func delivery(
        _ target: DeliveryInstruction.Target, _ transport: Template?, _ option: ByteString,
        _ users: SystemUsers, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> RedirectedItem {
        let child = offspring(target.text ?? ByteString(), &scene)
        guard let transport else {
            return .refused(child, target, RoutingTrouble("\(option) unset in \(scene.options.name) router"))
        }
        let name: ByteString
        do {
            name = try await scene.transportName(transport, option)
        } catch {
            return .refused(child, target, error)
        }
        var instruction = try await scene.instruction(hosts: [], named: name, users: users)
        instruction.target = target
        switch target {
        case .pipe(let text):
            instruction.facts.addressPipe = TaintedBytes(ByteString(text.dropFirst()), .clean)
        case .file(let text): instruction.facts.addressFile = TaintedBytes(text, .clean)
        case .reply, .address: break
        }
        instruction.facts.transportName = name
        return .delivery(child, instruction)
    }
}
