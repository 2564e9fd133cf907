import Bytes
import Expansion
import Filter
import Glibc

/// Filters in redirection data (manual, section 22.4).
extension RedirectRouter {
    /// What reaches out of the process: a user's own filter may not do that, since it is run with our rights, not his.
    private static let reachingOut: ForbiddenItems = [
        .lookup, .run, .readfile, .readsocket, .exists, .dlfunc, .perl,
    ]

    func filter(
        _ source: Source, _ users: SystemUsers, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> DriverAnswer {
        try checkKind(of: source.text)
        let outcome: FilterOutcome
        do {
            let file = try FilterFile(source.text, rights)
            var run = FilterRun(
                try await setting(users, &scene), expander(source, scene), filterFacts(scene))
            outcome = try await run.run(file)
        } catch let error as FilterError {
            guard skipsSyntaxErrors, !error.isTemporary else { throw badFilter(error.text) }
            try await tell([RedirectionMistake(problem: error.text, item: nil)], isPartly: false, &scene)
            return .declined(nil)
        } catch let trouble as RoutingTrouble {
            throw trouble
        } catch {
            throw badFilter(ByteString(String(describing: error)))
        }
        return try await answer(outcome, users, &scene)
    }

    private func badFilter(_ text: ByteString) -> RoutingTrouble {
        RoutingTrouble("error in filter \(sourceName): \(text)", errno: -17)
    }

    private func checkKind(of text: ByteString) throws(RoutingTrouble) {
        guard filters.isAllowed else { throw badFilter("filtering not enabled") }
        guard FilterFile.kind(of: text) == .exim else {
            if filters.forbidsSieve { throw badFilter("Sieve filtering not enabled") }
            throw badFilter("Sieve filters are not supported: use an Exim filter (\"# Exim filter\")")
        }
        if filters.forbidsExim { throw badFilter("Exim filtering not enabled") }
    }

    private var rights: FilterRights {
        var rights = FilterRights()
        (rights.mayFail, rights.mayDefer, rights.mayFreeze) = (allowsFail, allowsDefer, filters.allowsFreeze)
        rights.mayLog = !filters.forbidsLog
        return rights
    }

    private func setting(
        _ users: SystemUsers, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> FilterRun.Setting {
        var setting = FilterRun.Setting(rights, qualifyDomain: try await qualifier(&scene).bytes)
        setting.ownAddress = "\(scene.localPart)@\(scene.domain)"
        let environment = scene.environment
        guard scene.purpose == .delivery else {
            setting.writeLog = { _ in nil }
            return setting
        }
        var instruction = DeliveryInstruction(
            transport: "", router: scene.options.name, facts: scene.facts.address)
        try await scene.setUser(&instruction, users)
        guard let user = instruction.user else { return setting }
        setting.writeLog = { await environment.writeFilterLog($0, user) }
        return setting
    }

    private func expander(_ source: Source, _ scene: RoutingScene) -> Expander {
        var environment = scene.expander.environment
        environment.forbidden = filters.forbidden
        // What root owns is the postmaster's, and so is what stands in the configuration.
        if let owner = source.owner, owner != 0, owner != geteuid() {
            environment.forbidden.formUnion(Self.reachingOut)
        }
        return Expander(environment)
    }

    private func filterFacts(_ scene: RoutingScene) -> Facts {
        var facts = scene.facts
        facts.message.returnPath = scene.address.errorsTo ?? facts.message.sender
        return facts
    }

    // MARK: What came of it

    private func answer(
        _ outcome: FilterOutcome, _ users: SystemUsers, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> DriverAnswer {
        if case .stopped(.defer, let text) = outcome.ending {
            return .stopped(.deferred(RoutingTrouble(text, userText: text)), besides: [])
        }
        var items: [RedirectedItem] = []
        if !outcome.deliveries.isEmpty {
            try await scene.setErrorsTo()
            try await scene.setHeaders()
        }
        for delivery in outcome.deliveries { items.append(try await item(delivery, users, &scene)) }
        switch outcome.ending {
        case .stopped(.fail, let text):
            return .stopped(.failed(RedirectText.failure(text)), besides: items)
        case .stopped(let kind, let text):
            var trouble = RoutingTrouble(text, userText: text)
            // Whoever has thawed it has seen it.
            trouble.freezes = kind == .freeze && !scene.facts.message.isManuallyThawed
            if kind == .freeze, !trouble.freezes { break }
            return .stopped(.deferred(trouble), besides: items)
        case .finished: break
        }
        if outcome.isSignificant { return items.isEmpty ? .finished : .redirected(items) }
        return items.isEmpty ? .declined(nil) : .added(items)
    }

    private func item(
        _ delivery: FilterDelivery, _ users: SystemUsers, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> RedirectedItem {
        let outer = scene.address.ignoresErrors
        scene.address.ignoresErrors = outer || delivery.ignoresErrors
        defer { scene.address.ignoresErrors = outer }
        var facts = FilterFacts()
        (facts.captures, facts.variables) = (delivery.captures, delivery.variables)
        switch delivery.action {
        case .deliver(let text, let errorsTo):
            // It may have got its domain from the qualifier.
            let own = TaintedBytes(text.bytes, text.taint.joined(with: try await qualifier(&scene).taint))
            let child = try await address(own, scene.environment.qualifyRecipient, &scene)
            guard let errorsTo, case .address(var address) = child else { return child }
            address.errorsTo = errorsTo
            return .address(address)
        case .save(let path, let mode):
            return try await file(path, mode, users, &scene).changing { $0.filterFacts = facts }
        case .pipe(let command):
            return try await self.delivery(
                .pipe("|\(command)"), pipeTransport, "pipe_transport", users, &scene,
                forbidden: forbidsPipe ? "delivery to pipe forbidden" : nil
            ).changing { $0.filterFacts = facts }
        case .reply(let reply):
            return try await self.delivery(
                .reply(RedirectText.address(of: reply)), replyTransport, "reply_transport", users, &scene,
                forbidden: filters.forbidsReply ? "autoreply forbidden" : nil
            ).changing {
                ($0.filterFacts, $0.reply) = (facts, reply)
            }
        }
    }

    private func file(
        _ given: TaintedBytes, _ mode: UInt32?, _ users: SystemUsers, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> RedirectedItem {
        var path = given
        let home = (scene.facts.address.home ?? scene.home)?.bytes ?? ""
        if filters.prependsHome, path.bytes.first != UInt8(ascii: "/"), !home.isEmpty {
            path.bytes = "\(home)/\(path.bytes)"
        }
        let isDirectory = path.bytes.last == UInt8(ascii: "/")
        return try await delivery(
            .file(path.bytes), isDirectory ? directoryTransport : fileTransport,
            isDirectory ? "directory_transport" : "file_transport", users, &scene,
            forbidden: forbidsFile ? "delivery to file forbidden" : nil
        ).changing {
            $0.fileMode = mode
            $0.facts.addressFile = path
        }
    }
}

extension RedirectedItem {
    /// The same with a changed instruction, where it has one.
    fileprivate func changing(_ change: (inout DeliveryInstruction) -> Void) -> RedirectedItem {
        switch self {
        case .delivery(let child, var instruction):
            change(&instruction)
            return .delivery(child, instruction)
        case .forbidden(let child, var instruction, let trouble, let lacking):
            change(&instruction)
            return .forbidden(child, instruction, trouble, lacking: lacking)
        case .address, .bypassed, .refused: return self
        }
    }
}
