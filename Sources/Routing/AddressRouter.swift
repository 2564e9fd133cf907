package import Bytes
package import Configuration
package import Expansion

/// The routers of a configuration, in order: takes an address through them (manual, sections 3.10 and 3.12).
package struct AddressRouter: Sendable {
    /// After how many generations of redirection an address is given up.
    package static let maximumGenerations = 100

    /// What may be asked of the world.
    package var environment: RoutingEnvironment
    private let routers: [Router]
    private let indices: [ByteString: Int]
    private var users: SystemUsers { environment.users }

    /// Decodes the routers; throws for one that cannot work as configured.
    package init(
        _ blocks: [OptionBlock], _ environment: RoutingEnvironment
    ) throws(RoutingConfigurationError) {
        self.environment = environment
        var routers: [Router] = []
        for block in blocks { routers.append(try Router(block)) }
        self.routers = routers
        indices = Dictionary(
            routers.enumerated().map { ($1.options.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The same routers, which tell what they do.
    package func traced(_ trace: @escaping @Sendable (ByteString) -> Void) -> AddressRouter {
        var router = self
        router.environment.trace = trace
        return router
    }

    /// The same routers, which print what their `debug_print` says.
    package func debugging(_ print: @escaping @Sendable (ByteString) -> Void) -> AddressRouter {
        var router = self
        router.environment.debugPrint = print
        return router
    }

    /// Decides what to do with an address; `facts` holds what is known of message and connection.
    package func route(
        _ address: RoutingAddress, _ facts: Facts, purpose: RoutingPurpose = .delivery
    ) async -> RoutingResult {
        var walk = RoutingWalk(address: address, index: start(of: address))
        guard address.ancestors.count <= Self.maximumGenerations else {
            return walk.result(.failed(RoutingTrouble("routing loop")), by: nil)
        }
        do throws(RoutingTrouble) {
            if let meant = try await environment.percentHack?.meaning(of: address.address, facts) {
                return walk.result(.redirected([.address(address.child(meant, by: nil))]), by: nil)
            }
        } catch {
            return walk.result(.deferred(error), by: nil)
        }
        while walk.index < routers.count {
            let router = routers[walk.index]
            walk.last = router.options
            var scene = RoutingScene(
                router, walk.address, facts: facts, purpose: purpose, environment: environment)
            if purpose == .delivery { scene.isRouteable = { await isRouteable($0, facts) } }
            do throws(RoutingTrouble) {
                if let result = try await visit(router, &scene, &walk) { return result }
            } catch {
                environment.trace?("router \(router.options.name): defers: \(error.text)")
                walk.take(scene)
                return walk.result(.deferred(error), by: router.options)
            }
        }
        return await unrouteable(walk)
    }

    /// Whether bounces could be sent to an address, as far as routers tell.
    private func isRouteable(_ address: ByteString, _ facts: Facts) async -> Bool {
        switch await route(RoutingAddress(address), facts, purpose: .verifyRecipient).verdict {
        case .deliver, .redirected, .discarded, .finished: true
        case .failed, .deferred: false
        }
    }

    private func start(of address: RoutingAddress) -> Int {
        address.startRouter.flatMap { indices[$0] } ?? 0
    }

    /// Offers the address to one router; nil when routing goes on.
    private func visit(
        _ router: Router, _ scene: inout RoutingScene, _ walk: inout RoutingWalk
    ) async throws(RoutingTrouble) -> RoutingResult? {
        guard !router.hasHandled(scene.address),
            try await scene.testPreconditions(knownUsers: users) == .holds
        else {
            let reason: ByteString =
                scene.skipReason.isEmpty ? "it has handled the address before" : scene.skipReason
            environment.trace?("router \(router.options.name): passed over: \(reason)")
            walk.logLines += scene.logLines
            walk.lastScene = scene
            walk.index += 1
            return nil
        }
        walk.lastScene = scene
        let answer = try await run(router, &scene)
        environment.trace?("router \(router.options.name): \(answer.words)")
        walk.take(scene)
        if router.options.failingPurposes.contains(scene.purpose), answer.takesAddress {
            let text: ByteString = "\(router.options.name) router forced verify failure"
            return walk.result(.failed(RoutingTrouble(text)), by: router.options)
        }
        switch answer {
        case .declined(let text):
            walk.text = text ?? walk.text
            walk.address = scene.address
            walk.index = try await scene.hasMore() ? walk.index + 1 : routers.count
            walk.logLines += scene.logLines.dropFirst(walk.seenLines(scene))
            return nil
        case .passed:
            walk.index = router.options.passRouter.flatMap { indices[$0] } ?? walk.index + 1
            return nil
        case .accepted(let hosts, let transport):
            let instruction = try await scene.instruction(hosts: hosts, transport: transport, users: users)
            return try await conclude(.deliver(instruction), &scene, &walk)
        case .redirected(let items): return try await conclude(.redirected(items), &scene, &walk)
        case .added(let items): return try await conclude(.redirected(items), &scene, &walk, goesOn: true)
        case .stopped(let verdict, let besides):
            var result = walk.result(verdict, by: router.options)
            result.besides = besides
            return result
        case .finished: return try await conclude(.finished, &scene, &walk)
        case .discarded: return try await conclude(.discarded, &scene, &walk)
        case .failed(let trouble): return walk.result(.failed(trouble), by: router.options)
        case .rerouted(let domain, let rewritesHeaders):
            let child = scene.address.child("\(scene.fullLocalPart)@\(domain)", by: router.options.name)
            var result = walk.result(.redirected([.address(child)]), by: router.options)
            result.isRerouted = true
            if rewritesHeaders { result.domainChange = DomainChange(from: scene.domain, to: domain) }
            return result
        }
    }

    private func conclude(
        _ verdict: RoutingVerdict, _ scene: inout RoutingScene, _ walk: inout RoutingWalk,
        goesOn: Bool = false
    ) async throws(RoutingTrouble) -> RoutingResult {
        let isUnseen = try await goesOn ? true : scene.isUnseen()
        walk.address = scene.address
        walk.replaceLines(scene.logLines)
        var result = walk.result(verdict, by: scene.options)
        if isUnseen {
            var copy = scene.address.child(scene.address.address, by: scene.options.name)
            copy.headersToAdd = []
            copy.headersToRemove = []
            copy.isUnseenCopy = true
            copy.startRouter = walk.index + 1 < routers.count ? routers[walk.index + 1].options.name : nil
            if copy.startRouter != nil { result.unseenCopy = copy }
        }
        return result
    }

    private func run(_ router: Router, _ scene: inout RoutingScene) async throws(RoutingTrouble)
        -> DriverAnswer
    {
        guard try await scene.setVariables(), try await scene.setAddressData() else { return .declined(nil) }
        switch router.driver {
        case .accept: return .accepted(hosts: [], transport: nil)
        case .dnslookup(let driver): return try await driver.route(&scene)
        case .ipliteral(let driver): return try await driver.route(&scene)
        case .manualroute(let driver): return try await driver.route(&scene)
        case .queryprogram(let driver): return try await driver.route(&scene)
        case .redirect(let driver): return try await driver.route(&scene, users: users)
        case .unavailable(let driver):
            throw RoutingTrouble("\(scene.options.name) router: driver \(driver) is not available")
        }
    }

    private func unrouteable(
        _ walk: RoutingWalk
    ) async -> RoutingResult {
        var walk = walk
        let text = walk.text ?? "Unrouteable address"
        // The last router's affixes are off `$local_part`, as in Exim.
        guard let last = walk.last, let template = last.cannotRouteMessage, var scene = walk.lastScene
        else { return walk.result(.failed(RoutingTrouble(text, userText: text)), by: nil) }
        scene.logLines = []
        do {
            let message = try await environment.expander.expand(template, scene.facts)
            return walk.result(
                .failed(RoutingTrouble(message.bytes, userText: message.bytes)), by: nil)
        } catch {
            if case .forcedFailure = error {
            } else {
                scene.log(
                    "failed to expand cannot_route_message in \(last.name) router: \(error.text)",
                    isPanic: true)
                walk.logLines += scene.logLines
            }
            return walk.result(.failed(RoutingTrouble(text, userText: text)), by: nil)
        }
    }
}

/// Where routing of one address stands between two routers.
private struct RoutingWalk {
    var address: RoutingAddress
    var index: Int
    /// The last router that was considered, skipped ones included.
    var last: RouterOptions?
    var lastScene: RoutingScene?
    /// What a router that declined had to say.
    var text: ByteString?
    var logLines: [RoutingLogLine] = []
    var mistakes: [RedirectionMistakes] = []
    private var base = 0

    init(address: RoutingAddress, index: Int) {
        self.address = address
        self.index = index
    }

    mutating func take(_ scene: RoutingScene) {
        address = scene.address
        base = logLines.count
        logLines += scene.logLines
        mistakes += scene.mistakes
    }

    func seenLines(_ scene: RoutingScene) -> Int { logLines.count - base }

    mutating func replaceLines(_ lines: [RoutingLogLine]) {
        logLines.removeLast(logLines.count - base)
        logLines += lines
    }

    func result(_ verdict: RoutingVerdict, by options: RouterOptions?) -> RoutingResult {
        var result = RoutingResult(address: address, router: options?.name, verdict: verdict)
        result.retryUsesLocalPart = options?.retryUsesLocalPart ?? true
        result.logLines = logLines
        result.mistakes = mistakes
        return result
    }
}

extension Router {
    /// Whether the address would go in a circle: an ancestor is the same and this router made a child of it.
    fileprivate func hasHandled(_ address: RoutingAddress) -> Bool {
        address.ancestors.contains { ancestor in
            guard ancestor.router == options.name, !address.isUnseenCopy else { return false }
            if case .redirect(let redirect) = driver, !redirect.mayRepeat { return true }
            return isSame(ancestor.address, address.address)
        }
    }

    private func isSame(_ one: ByteString, _ other: ByteString) -> Bool {
        guard options.isCaseful else { return one.equalsIgnoringCase(other) }
        let (first, second) = (AddressParts(one), AddressParts(other))
        return first.localPart == second.localPart && first.domain.equalsIgnoringCase(second.domain)
    }
}

extension RoutingScene {
    /// `more`, after a router declined.
    fileprivate func hasMore() async throws(RoutingTrouble) -> Bool {
        try await flag(options.more, "more", default: true)
    }

    /// `unseen`, after a router accepted.
    fileprivate func isUnseen() async throws(RoutingTrouble) -> Bool {
        try await flag(options.unseen, "unseen", default: false)
    }

    private func flag(
        _ template: Template?, _ option: ByteString, default fallback: Bool
    ) async throws(RoutingTrouble) -> Bool {
        guard let template else { return fallback }
        let name = options.name
        let value: ByteString
        do {
            value = try await expander.expand(template, facts).bytes
        } catch {
            if case .forcedFailure = error { return fallback }
            throw RoutingTrouble("failed to expand \"\(option)\" in \(name) router: \(error.text)")
        }
        switch value.lowercasedASCII() {
        case "yes", "true": return true
        case "no", "false": return false
        default:
            throw RoutingTrouble(
                "\"\(value)\" is not a valid value for the \"\(option)\" option in the \(name) router")
        }
    }

    /// `set`: makes `$r_...`; false when an expansion is forced to fail, and then the router declines.
    fileprivate mutating func setVariables() async throws(RoutingTrouble) -> Bool {
        for item in ItemList.split(options.variables, separator: UInt8(ascii: ";")) {
            let parts = item.cut(at: UInt8(ascii: "=")) ?? (item[...], [])
            let name = ByteString(parts.before.trimmed())
            guard name.starts(with: ByteString("r_")) else {
                throw RoutingTrouble("bad item for set in \(options.name) router: \(item)")
            }
            let source = ByteString(parts.after.trimmed())
            let router = options.name
            guard
                let value = try await expand(
                    Template(source), failing: "expansion of \"\(source)\" failed in \(router) router")
            else { return false }
            address.variables[name] = value
            facts.address.routerVariables[name] = value
        }
        return true
    }

    /// `address_data`; false when the expansion is forced to fail, and then the router declines.
    fileprivate mutating func setAddressData() async throws(RoutingTrouble) -> Bool {
        guard let template = options.addressData else { return true }
        let name = options.name
        guard
            let value = try await expand(
                template, failing: "expansion of \"\(template.source)\" failed in \(name) router")
        else { return false }
        address.addressData = value
        facts.address.addressData = value
        return true
    }
}
