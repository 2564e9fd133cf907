import Bytes
import Configuration
import Expansion
import Filter
import MailText

/// The redirect router: aliases, forward files, and special items (manual, chapter 22).
struct RedirectRouter: Sendable {
    /// How deep `:include:` may nest.
    private static let maximumIncludes = 16

    private let data: Template?
    private let file: Template?
    private let fileRules: RedirectionFileRules
    private let includeDirectory: ByteString?
    let pipeTransport: Template?
    let fileTransport: Template?
    let directoryTransport: Template?
    let replyTransport: Template?
    private let qualifyDomain: Template?
    private let preservesDomain: Bool
    let allowsFail: Bool
    let allowsDefer: Bool
    private let forbidsCodes: Bool
    private let forbidsBlackhole: Bool
    let forbidsFile: Bool
    let forbidsPipe: Bool
    private let forbidsInclude: Bool
    private let checksAncestor: Bool
    private let isOneTime: Bool
    private let hidesChild: Bool
    private let rewrites: Bool
    let skipsSyntaxErrors: Bool
    /// `syntax_errors_to` and `syntax_errors_text`.
    private let mistakesTo: ByteString?
    private let mistakesText: Template?
    let filters: FilterOptions
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
        replyTransport = block.template("reply_transport")
        qualifyDomain = block.template("qualify_domain")
        preservesDomain = block.flag("qualify_preserve_domain") ?? false
        allowsFail = block.flag("allow_fail") ?? false
        allowsDefer = block.flag("allow_defer") ?? false
        forbidsCodes = block.flag("forbid_smtp_code") ?? false
        forbidsBlackhole = block.flag("forbid_blackhole") ?? false
        isOneTime = block.flag("one_time") ?? false
        forbidsFile = isOneTime || (block.flag("forbid_file") ?? false)
        forbidsPipe = isOneTime || (block.flag("forbid_pipe") ?? false)
        forbidsInclude = block.flag("forbid_include") ?? false
        checksAncestor = block.flag("check_ancestor") ?? false
        hidesChild = block.flag("hide_child_in_errmsg") ?? false
        rewrites = block.flag("rewrite") ?? true
        skipsSyntaxErrors = block.flag("skip_syntax_errors") ?? false
        mistakesTo = block.text("syntax_errors_to")
        mistakesText = block.template("syntax_errors_text")
        mayRepeat = block.flag("repeat_use") ?? true
        filters = FilterOptions(block, isOneTime: isOneTime)
        guard (data == nil) != (file == nil) else {
            throw RoutingConfigurationError(
                router: block.name, problem: "one of \"file\" or \"data\" must be specified, and not both")
        }
        if isOneTime, block.template("headers_add") != nil || block.template("headers_remove") != nil {
            throw RoutingConfigurationError(
                router: block.name,
                problem: "\"headers_add\" and \"headers_remove\" are not permitted with \"one_time\"")
        }
        if let problem = Self.problem(block) {
            throw RoutingConfigurationError(router: block.name, problem: problem)
        }
    }

    /// Options that exclude or need each other.
    private static func problem(_ block: OptionBlock) -> ByteString? {
        if block.template("qualify_domain") != nil, block.flag("qualify_preserve_domain") ?? false {
            return "only one of \"qualify_domain\" or \"qualify_preserve_domain\" must be set"
        }
        if block.flag("one_time") ?? false, block.template("unseen") != nil {
            return "\"unseen\" may not be used with \"one_time\""
        }
        let hasUser = block.flag("check_local_user") ?? false || block.template("user") != nil
        guard block.flag("allow_filter") ?? false, !hasUser else { return nil }
        return "\"user\" or \"check_local_user\" must be set with \"allow_filter\""
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
        guard let source = try await source(&scene, users) else { return .declined(nil) }
        if FilterFile.kind(of: source.text) != .list { return try await filter(source, users, &scene) }
        return try await route(list: TaintedBytes(source.text, source.taint), users, &scene)
    }

    /// Takes a list of addresses.
    func route(
        list: TaintedBytes, _ users: SystemUsers, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> DriverAnswer {
        var gathered = Gathered()
        let rules = AddressRules(allowsDomainLiterals: scene.environment.allowsDomainLiterals)
        let ending = try gather(list.bytes, rules, depth: 0, &gathered, &scene)
        try await tell(gathered.mistakes, isPartly: !gathered.items.isEmpty, &scene)
        if let ending, gathered.items.isEmpty || !ending.keepsWhatStoodBefore { return ending.answer }
        if gathered.items.isEmpty { return .declined(nil) }
        let children = try await children(of: gathered.items, list.taint, users, &scene)
        guard let ending else { return .redirected(children) }
        return .stopped(ending.verdict, besides: children)
    }

    /// What the items of a list, or what a filter asks for, become.
    private func children(
        of items: [RedirectionItem], _ taint: Taint, _ users: SystemUsers, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> [RedirectedItem] {
        try await scene.setErrorsTo()
        try await scene.setHeaders()
        let qualifier = try await qualifier(&scene)
        var children: [RedirectedItem] = []
        for item in items {
            guard let child = try await child(item, taint, qualifier, users, &scene) else { continue }
            children.append(child)
        }
        return children
    }

    /// Logs mistakes that are skipped, and has somebody told of them.
    func tell(
        _ mistakes: [RedirectionMistake], isPartly: Bool, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) {
        for mistake in mistakes { scene.log("\(scene.options.name) router: skipped error: \(mistake.text)") }
        guard !mistakes.isEmpty, let mistakesTo, scene.purpose == .delivery else { return }
        var text: ByteString?
        if let mistakesText {
            text = try await scene.expand(
                mistakesText, failing: "failed to expand \"\(mistakesText.source)\"")?.bytes
        }
        scene.mistakes.append(
            RedirectionMistakes(
                to: mistakesTo, router: scene.options.name, text: text, mistakes: mistakes,
                hasGoodAddresses: isPartly))
    }

    /// A list or a filter, and whose it is.
    struct Source {
        var text: ByteString
        /// Where the text came from; what stands in a file that the postmaster has named is taken as his.
        var taint = Taint.clean
        /// The owner of the file; nil when it comes from the configuration.
        var owner: UInt32?
    }

    private func source(
        _ scene: inout RoutingScene, _ users: SystemUsers
    ) async throws(RoutingTrouble) -> Source? {
        if let data {
            return try await scene.expand(data, failing: "failed to expand \"\(data.source)\"").map {
                Source(text: $0.bytes, taint: $0.taint)
            }
        }
        guard let file,
            let path = try await scene.expand(file, failing: "failed to expand \"\(file.source)\"")
        else { return nil }
        if path.taint.isTainted {
            throw RoutingTrouble("attempt to use tainted value '\(path.bytes)' for a filename", errno: -51)
        }
        switch try fileRules.read(path.bytes, account: scene.account, users: users) {
        case .text(let text, let owner): return Source(text: text, owner: owner)
        case .absent: return nil
        }
    }

    private struct Gathered {
        var items: [RedirectionItem] = []
        var mistakes: [RedirectionMistake] = []
    }

    /// What ends a list before its end.
    private enum Ending {
        case discarded
        case failed(ByteString)
        case deferred(ByteString)

        var keepsWhatStoodBefore: Bool { if case .failed = self { true } else { false } }

        var verdict: RoutingVerdict {
            switch self {
            case .discarded: .discarded
            case .failed(let said): .failed(RoutingTrouble(said, userText: said))
            case .deferred(let said): .deferred(RoutingTrouble(said, userText: said))
            }
        }

        var answer: DriverAnswer {
            if case .discarded = self { .discarded } else { .stopped(verdict, besides: []) }
        }
    }

    /// Reads a list and its includes; `:fail:` and the like end that.
    private func gather(
        _ text: ByteString, _ rules: AddressRules, depth: Int, _ gathered: inout Gathered,
        _ scene: inout RoutingScene
    ) throws(RoutingTrouble) -> Ending? {
        for item in RedirectionList.items(text, rules: rules) {
            switch item {
            case .address, .pipe, .file: gathered.items.append(item)
            case .blackhole:
                if forbidsBlackhole { throw badData("\":blackhole:\" is not permitted") }
                return .discarded
            case .unknown: break
            case .fail(let said):
                guard allowsFail else {
                    throw badData(
                        "\":fail:\(said.isEmpty ? "" : " \(said)" as ByteString)\" is not permitted")
                }
                return .failed(forbidsCodes ? LeadingCode.text(of: said) : said)
            case .defer(let said):
                guard allowsDefer else {
                    throw badData(
                        "\":defer:\(said.isEmpty ? "" : " \(said)" as ByteString)\" is not permitted")
                }
                return .deferred(forbidsCodes ? LeadingCode.text(of: said) : said)
            case .include(let path):
                let included = try include(path, depth)
                if let ending = try gather(included, rules, depth: depth + 1, &gathered, &scene) {
                    return ending
                }
            case .malformed(let item, let problem):
                let mistake = RedirectionMistake(problem: problem, item: item)
                guard skipsSyntaxErrors else { throw badData(mistake.text) }
                gathered.mistakes.append(mistake)
            }
        }
        return nil
    }

    /// Where the list or the filter stands, by the option that has it.
    var sourceName: ByteString { data == nil ? "file" : "data" }

    func badData(_ problem: ByteString) -> RoutingTrouble {
        RoutingTrouble("error in redirect \(sourceName): \(problem)", errno: -17)
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

    /// The domain that addresses without one get, and where it came from.
    func qualifier(_ scene: inout RoutingScene) async throws(RoutingTrouble) -> TaintedBytes {
        if preservesDomain { return TaintedBytes(scene.domain, scene.address.taint) }
        let usual = TaintedBytes(scene.environment.qualifyRecipient)
        guard let qualifyDomain else { return usual }
        return try await scene.expand(
            qualifyDomain, failing: "failed to expand \"\(qualifyDomain.source)\"") ?? usual
    }

    private func child(
        _ item: RedirectionItem, _ taint: Taint, _ qualifier: TaintedBytes, _ users: SystemUsers,
        _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> RedirectedItem? {
        switch item {
        case .address(let text, let isBackslashed):
            let domain = isBackslashed ? TaintedBytes(scene.domain, scene.address.taint) : qualifier
            let own = EmailAddress(text).isQualified ? taint : taint.joined(with: domain.taint)
            return try await address(TaintedBytes(text, own), domain.bytes, &scene)
        case .pipe(let command):
            return try await delivery(
                .pipe(command), pipeTransport, "pipe_transport", users, &scene,
                forbidden: forbidsPipe ? "delivery to pipe forbidden" : nil)
        case .file(let path):
            let isDirectory = path.last == UInt8(ascii: "/")
            if path == "/dev/null", !forbidsFile, let fileTransport {
                // The transport is named by -bt alone.
                let transport = try? await scene.transportName(fileTransport, "file_transport")
                return .bypassed(offspring(path, &scene), path: path, transport: transport)
            }
            return try await delivery(
                .file(path), isDirectory ? directoryTransport : fileTransport,
                isDirectory ? "directory_transport" : "file_transport", users, &scene,
                forbidden: forbidsFile ? "delivery to file forbidden" : nil)
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

    func address(
        _ text: TaintedBytes, _ domain: ByteString, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> RedirectedItem {
        var taint = text.taint
        var address = EmailAddress(text.bytes).qualified(with: domain)
        if rewrites, let rewriter = scene.environment.rewriter {
            do {
                address = try await rewriter.rewrite(address, &taint, as: .envelopeTo, scene.facts)
            } catch {
                throw RoutingTrouble("rewriting of \(address.text) failed: \(error.text)")
            }
        }
        var child = offspring(address.text, &scene)
        child.taint = taint
        if checksAncestor, isAncestor(address.text, scene) {
            (child.address, child.taint) = (scene.address.address, scene.address.taint)
        }
        return .address(child)
    }

    private func isAncestor(_ address: ByteString, _ scene: RoutingScene) -> Bool {
        scene.address.ancestors.contains { $0.address.equalsIgnoringCase(address) }
    }

    func delivery(
        _ target: DeliveryInstruction.Target, _ transport: Template?, _ option: ByteString,
        _ users: SystemUsers, _ scene: inout RoutingScene, forbidden: ByteString? = nil
    ) async throws(RoutingTrouble) -> RedirectedItem {
        let child = offspring(target.text ?? ByteString(), &scene)
        var name: ByteString = ""
        var lacking: RoutingTrouble?
        do throws(RoutingTrouble) {
            guard let transport else {
                throw RoutingTrouble("\(option) unset in \(scene.options.name) router", errno: -30)
            }
            name = try await scene.transportName(transport, option)
        } catch {
            // What is forbidden needs no transport.
            guard forbidden != nil else { return .refused(child, target, error) }
            lacking = error
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
        if let forbidden {
            return .forbidden(child, instruction, RoutingTrouble(forbidden, errno: 0), lacking: lacking)
        }
        return .delivery(child, instruction)
    }
}
