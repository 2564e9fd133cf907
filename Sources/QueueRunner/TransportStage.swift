import Bytes
import EximLog
import Expansion
import Hints
import MailSystem
import Routing
import SMTP
import Spooler
import Synchronization
import Transports

/// Addresses that go to a transport in one call.
struct DeliveryGroup: Sendable {
    var transport: Transport
    var nodes: [Int]
    var items: [DeliveryItem]
    /// What `batch_id` came to; only addresses with the same go together.
    var batch: ByteString?
}

extension MessageDelivery {
    /// Delivers what is planned: local ones one after the other, remote ones beside each other.
    mutating func deliver(_ plans: [PlannedAddress]) async throws {
        let groups = await grouped(await inOrder(plans))
        for group in groups where !group.transport.isRemote {
            if await isLocalTooEarly(group) { continue }
            try prepare(groups)
            let (outcomes, lines) = await deliver(group)
            await take(outcomes, lines, group)
        }
        var remote = groups.filter(\.transport.isRemote)
        await holdBack(&remote)
        guard !remote.isEmpty else { return }
        if runner.options.localOnly {
            return suppress(remote, TransportTrouble("remote deliveries suppressed", errno: -55))
        }
        if runner.options.isFirstStage { return noteWaiting(remote) }
        try prepare(remote)
        await deliverRemote(remote)
    }

    /// The first of two stages: the hosts are noted in the wait hints, and nothing is logged (manual, option -qq).
    private mutating func noteWaiting(_ groups: [DeliveryGroup]) {
        for group in groups {
            for (node, item) in zip(group.nodes, group.items) {
                deferred.append(
                    DeferredAddress(node: node, errno: 0, text: "", instruction: item.instruction))
            }
            let hosts = group.items.first?.instruction.hosts.map(\.name) ?? []
            if !hosts.isEmpty { waits.append((group.transport.name, hosts)) }
        }
    }

    /// As in Exim, nobody is served before there is a journal: on a full disk each run would serve everybody again.
    ///
    /// One recipient, of whose delivery nobody is to be told, needs none: the removal of the message says it all.
    private mutating func prepare(_ groups: [DeliveryGroup]) throws {
        if outgoing.isDryRun { return }
        sole = onlyRecipient(groups)
        if sole == nil { try desk.prepareJournal() } else { try desk.prepareRemoval() }
    }

    private func onlyRecipient(_ groups: [DeliveryGroup]) -> Int? {
        guard runner.settings.removalIsEnough, groups.count == 1, groups[0].nodes.count == 1,
            let node = groups[0].nodes.first, !groups[0].transport.handsOver,
            // What an action does may last, and a crash meanwhile must not serve somebody twice.
            eventAction(of: groups[0].transport.name) == nil,
            deferred.isEmpty, failed.isEmpty, served.isEmpty, freezing == nil,
            tree.nodes.count(where: { !$0.isSettled && $0.openChildren == 0 }) == 1
                + tree.nodes[node].duplicates.count,
            !tree.notify(of: node).contains(.success)
        else { return nil }
        return node
    }

    private mutating func deliverRemote(_ groups: [DeliveryGroup]) async {
        let limit = max(1, runner.settings.remoteMaxParallel)
        let call = TransportCall(self)
        if groups.count == 1 {
            let (_, outcomes, lines) = await call.run(0, groups[0])
            return await take(outcomes, lines, groups[0])
        }
        var next = groups.startIndex
        await withTaskGroup(of: (Int, [TransportOutcome], [TransportLogLine]).self) { tasks in
            while next < min(limit, groups.count) {
                let (index, group) = (next, groups[next])
                tasks.addTask { await call.run(index, group) }
                next += 1
            }
            while let (index, outcomes, lines) = await tasks.next() {
                await take(outcomes, lines, groups[index])
                guard next < groups.count else { continue }
                let (following, group) = (next, groups[next])
                tasks.addTask { await call.run(following, group) }
                next += 1
            }
        }
    }

    /// `queue_smtp_domains`, or every domain by -odqs or while a file of `queue_only_file` with `smtp` before it is there.
    private var queuedSMTP: (domains: ListText, trouble: TransportTrouble)? {
        let files = runner.settings.queueSMTPFiles
        if runner.options.queuesSMTP || files.contains(where: QueueOnlyFiles.exists) {
            return (ListText("*"), TransportTrouble("SMTP delivery explicitly queued", errno: 0))
        }
        return runner.settings.queueSMTPDomains.map { domains in
            (
                domains,
                TransportTrouble(
                    "first-pass only routing due to -odqs, queue_smtp_domains or control=queue", errno: -1)
            )
        }
    }

    /// `queue_smtp_domains` holds back what a first attempt would send: it is routed, and waits for its hosts.
    private mutating func holdBack(_ groups: inout [DeliveryGroup]) async {
        guard isImmediate, let (queued, trouble) = queuedSMTP else { return }
        for index in groups.indices {
            for place in groups[index].nodes.indices.reversed() {
                let (node, item) = (groups[index].nodes[place], groups[index].items[place])
                guard await isListed(EmailParts(item.address.address).domain, queued) else { continue }
                groups[index].nodes.remove(at: place)
                groups[index].items.remove(at: place)
                waits.append((groups[index].transport.name, item.instruction.hosts.map(\.name)))
                deferred.append(
                    DeferredAddress(
                        node: node, errno: trouble.errno, text: trouble.text, instruction: item.instruction))
                logDeferral(node, item.instruction, trouble, TransportOutcome(.deferred(trouble)))
            }
        }
        groups.removeAll(where: \.nodes.isEmpty)
    }

    /// Lets addresses wait without an attempt.
    private mutating func suppress(_ groups: [DeliveryGroup], _ trouble: TransportTrouble) {
        for group in groups {
            for (node, item) in zip(group.nodes, group.items) {
                deferred.append(
                    DeferredAddress(
                        node: node, errno: trouble.errno, text: trouble.text, instruction: item.instruction))
                logDeferral(node, item.instruction, trouble, TransportOutcome(.deferred(trouble)))
            }
        }
    }

    // MARK: Local

    private func deliver(_ group: DeliveryGroup) async -> ([TransportOutcome], [TransportLogLine]) {
        let environment = runner.transportEnvironment
        do throws(TransportTrouble) {
            if let target = try await group.transport.handOver(outgoing, group.items, environment) {
                return (await handOver(target, group), [])
            }
        } catch {
            return (group.items.map { _ in TransportOutcome(.deferred(error)) }, [])
        }
        let (_, outcomes, lines) = await TransportCall(self).run(0, group)
        return (outcomes, lines)
    }

    /// Gives a message once to another program, naming those it is for (queuefile).
    private func handOver(_ target: HandOver, _ group: DeliveryGroup) async -> [TransportOutcome] {
        var header = tree.header
        header.recipients = zip(group.nodes, target.recipients).map { node, address in
            var recipient = tree.recipient(of: node)
            recipient.address = address
            recipient.parent = nil
            recipient.errorsTo = tree.nodes[node].address.errorsTo ?? ""
            return recipient
        }
        header.nonRecipients = AddressTree()
        do {
            if !outgoing.isDryRun { try await desk.handOver(to: target.directory, header: header) }
            await journal(group.nodes.map { tree.journalKey($0, transport: group.transport.name) })
            return group.items.indices.map { index in
                var outcome = TransportOutcome(.delivered(confirmation: nil))
                outcome.isFirst = index == 0
                return outcome
            }
        } catch {
            let number = (error as? SpoolError)?.errorNumber ?? -1
            let trouble = TransportTrouble(
                "\(group.transport.name) transport: handing over to \(target.directory) failed: \(String(describing: error))",
                errno: number)
            return group.items.map { _ in TransportOutcome(.deferred(trouble)) }
        }
    }

    private func localKey(_ node: Int, _ transport: Transport, _ item: DeliveryItem) -> RetryKey {
        if let text = item.instruction.target.text {
            return .generated(text, parent: item.address.parent ?? item.address.top)
        }
        let parts = EmailParts(item.address.address)
        return transport.retryUsesLocalPart
            ? .local("\(item.instruction.facts.localPart?.bytes ?? parts.localPart)@\(parts.domain)")
            : .local(parts.domain)
    }

    private mutating func isLocalTooEarly(_ group: DeliveryGroup) async -> Bool {
        guard runner.options.regardsRoutingRetries, !isForced, let first = group.items.first else {
            return false
        }
        let key = localKey(group.nodes[0], group.transport, first)
        let now = runner.expander.environment.now().seconds
        guard let record = await runner.transportEnvironment.hosts.record(key, now: now),
            record.nextTry > now,
            !record.expired,
            !(await isPastCutoff(key, record, domain: EmailParts(first.address.address).domain))
        else { return false }
        let trouble = TransportTrouble("Retry time not yet reached", errno: -53)
        for (node, item) in zip(group.nodes, group.items) {
            deferred.append(
                DeferredAddress(node: node, errno: -53, text: trouble.text, instruction: item.instruction))
            logDeferral(node, item.instruction, trouble, TransportOutcome(.deferred(trouble)))
        }
        return true
    }

    // MARK: Groups

    private func grouped(_ plans: [PlannedAddress]) async -> [DeliveryGroup] {
        var groups: [DeliveryGroup] = []
        for plan in plans {
            guard let transport = runner.transports[plan.instruction.transport] else { continue }
            let item = item(plan)
            let multi = await allowsSeveralDomains(transport)
            let batch = await batchID(item, transport)
            if let place = groups.firstIndex(where: {
                $0.batch == batch && mayJoin(item, $0, transport, multi)
            }) {
                groups[place].nodes.append(plan.node)
                groups[place].items.append(item)
            } else {
                groups.append(
                    DeliveryGroup(transport: transport, nodes: [plan.node], items: [item], batch: batch))
            }
        }
        return groups
    }

    private func item(_ plan: PlannedAddress) -> DeliveryItem {
        var item = DeliveryItem(
            address: tree.nodes[plan.node].address, instruction: plan.instruction,
            uniqueKey: tree.plainKey(plan.node))
        item.alsoFor = tree.recipientsOfDuplicates(of: plan.node)
        if !tree.isRedirected(plan.node) {
            item.notify = tree.notify(of: plan.node)
            let original = tree.recipient(of: plan.node).orcpt
            item.originalRecipient = original.isEmpty ? nil : original
        }
        return item
    }

    private func allowsSeveralDomains(_ transport: Transport) async -> Bool {
        guard let template = transport.multiDomain else { return true }
        return (try? await runner.expander.expandToBool(template, outgoing.facts, default: true)) ?? false
    }

    /// `batch_id` for an address; one that cannot be expanded keeps the address by itself.
    private func batchID(_ item: DeliveryItem, _ transport: Transport) async -> ByteString? {
        guard let template = transport.batchID, transport.batchLimit > 1 else { return nil }
        var facts = outgoing.facts
        facts.address = item.instruction.facts
        do throws(ExpansionError) {
            return try await runner.expander.expand(template, facts).bytes
        } catch {
            if case .forcedFailure = error { return "" }
            runner.log.panic(
                "Failed to expand batch_id option in \(transport.name) transport (\(item.address.address)): \(error.text)",
                id: id.bytes)
            return "<\(item.uniqueKey)>"
        }
    }

    private func mayJoin(
        _ item: DeliveryItem, _ group: DeliveryGroup, _ transport: Transport, _ multiDomain: Bool
    ) -> Bool {
        guard group.transport.name == transport.name, let first = group.items.first,
            transport.batchLimit == 0 || group.items.count < transport.batchLimit
        else { return false }
        let (one, other) = (first.instruction, item.instruction)
        let (firstParts, parts) = (EmailParts(first.address.address), EmailParts(item.address.address))
        guard first.address.errorsTo == item.address.errorsTo,
            first.address.headersToAdd == item.address.headersToAdd,
            first.address.headersToRemove == item.address.headersToRemove, one.user == other.user,
            one.target == other.target, one.hosts.map(\.name) == other.hosts.map(\.name),
            one.hosts.map(\.port) == other.hosts.map(\.port),
            Set(one.hosts.map(\.address)) == Set(other.hosts.map(\.address))
        else { return false }
        if transport.isRemote {
            // Either side's signatures count: all of a call go by the hosts of its first address.
            if transport.separatesDomains(for: one.hosts + other.hosts) {
                return firstParts.domain == parts.domain && Set(one.hosts) == Set(other.hosts)
            }
            return multiDomain || firstParts.domain == parts.domain
        }
        if transport.dependsOnDomain, firstParts.domain != parts.domain { return false }
        return !transport.dependsOnLocalPart || one.facts.localPart == other.facts.localPart
    }

    // MARK: Outcomes

    private mutating func take(
        _ outcomes: [TransportOutcome], _ lines: [TransportLogLine], _ group: DeliveryGroup
    ) async {
        for line in lines { transportLog.write(line) }
        for (index, outcome) in outcomes.enumerated() {
            let node = group.nodes[index]
            var item = group.items[index]
            // What another transport did in its place is told under that one's name.
            if let other = outcome.transport { item.instruction.transport = other }
            retries += outcome.retries.map { (node, $0) }
            submitted += outcome.submitted.compactMap { MessageID($0) }
            switch outcome.verdict {
            case .delivered(let said):
                logDelivery(node, item.instruction, outcome, said)
                served.append(
                    ServedAddress(
                        node: node, instruction: item.instruction, host: outcome.host,
                        peerKnowsDSN: outcome.peerKnowsDSN))
                if !group.transport.isRemote {
                    retries.append((node, RetryItem(localKey(node, group.transport, item), .delete)))
                }
                tree.settle(node, transport: group.transport.name)
                await tellOfDelivery(node, item.instruction, outcome.host, said)
            case .deferred(let trouble): wait(node, item, trouble, outcome, group.transport)
            case .failed(let trouble):
                await fail(
                    FailedAddress(
                        node: node, text: trouble.text, userText: trouble.userText,
                        instruction: item.instruction, host: outcome.host,
                        // What one run wrote is shown once.
                        output: index == 0 ? trouble.output : trouble.output.map { _ in "" }))
                logFailure(node, item.instruction, trouble, outcome)
            }
        }
        listWaiting(outcomes, group)
    }

    private mutating func wait(
        _ node: Int, _ item: DeliveryItem, _ trouble: TransportTrouble, _ outcome: TransportOutcome,
        _ transport: Transport
    ) {
        var waiting = DeferredAddress(node: node, errno: trouble.errno, text: trouble.text)
        waiting.userText = trouble.userText
        waiting.instruction = item.instruction
        waiting.host = outcome.host
        waiting.skippedHosts = outcome.skippedHosts
        waiting.keys = outcome.retries.compactMap { if case .record = $0.action { $0.key } else { nil } }
        if !transport.isRemote {
            let key = localKey(node, transport, item)
            let text = trouble.errno > 0 ? SystemErrorText.of(Int(trouble.errno)) : trouble.text
            let error = RetryError(
                basicErrno: trouble.errno, moreErrno: trouble.more,
                text: text.replacing(ByteString("\\n"), with: ByteString("\n")))
            // A configuration that is at fault leaves no record, nor does a turn that has not come.
            if !trouble.isPanic, trouble.errno > EximErrno.routingRetry {
                retries.append((node, RetryItem(key, .record(error))))
                waiting.keys = [key]
            }
        }
        if trouble.freezes { freezing = freezing ?? "" }
        deferred.append(waiting)
        logDeferral(node, item.instruction, trouble, outcome)
    }

    private mutating func listWaiting(_ outcomes: [TransportOutcome], _ group: DeliveryGroup) {
        let hosts = outcomes.first { !$0.waitingHosts.isEmpty }?.waitingHosts ?? []
        if !hosts.isEmpty { waits.append((group.transport.name, hosts)) }
    }

    /// Journals keys of served addresses; a journal that cannot be written is told at once, since a crash would repeat them.
    func journal(_ keys: [ByteString]) async {
        do {
            try await desk.journal(keys)
        } catch {
            runner.log.panic(
                "journal: \(String(describing: error)); served and not noted: \(keys.joined(separator: " "))",
                id: id.bytes)
        }
    }
}

/// A call of a transport, with what it needs of the message and nothing else.
struct TransportCall: Sendable {
    private let runner: RunnerSystem
    private let outgoing: OutgoingMessage
    private let desk: MessageDesk
    private let id: MessageID

    private let tree: DeliveryTree
    private let isJournalled: Bool
    private let transportLog: TransportLog

    init(_ delivery: MessageDelivery) {
        isJournalled = delivery.sole == nil
        transportLog = delivery.transportLog
        runner = delivery.runner
        outgoing = delivery.outgoing
        desk = delivery.desk
        id = delivery.id
        tree = delivery.tree

    }

    /// Runs the transport, when it may run once more (`max_parallel`).
    func run(_ index: Int, _ group: DeliveryGroup) async -> (Int, [TransportOutcome], [TransportLogLine]) {
        let transport = group.transport
        let limit: Int
        do throws(TransportTrouble) {
            limit = try await transport.parallelLimit(outgoing.facts, runner.expander)
        } catch {
            let address = group.items.first?.address.address ?? ""
            let line = TransportLogLine(
                "Failed to expand max_parallel option in \(transport.name) transport (\(address)): \(error.text)",
                isPanic: true)
            return (index, group.items.map { _ in TransportOutcome(.deferred(error)) }, [line])
        }
        guard limit > 0 else { return await deliver(index, group) }
        guard let turn = await runner.transportTurns.begin(transport.name, atMost: limit) else {
            let trouble = TransportTrouble(
                "concurrency limit reached for transport", errno: EximErrno.transportConcurrency)
            return (index, group.items.map { _ in TransportOutcome(.deferred(trouble)) }, [])
        }
        let result = await deliver(index, group)
        await runner.transportTurns.end(turn, transport.name)
        return result
    }

    private func deliver(_ index: Int, _ group: DeliveryGroup) async -> (
        Int, [TransportOutcome], [TransportLogLine]
    ) {
        guard !group.transport.isRemote else { return await act(index, group) }
        await runner.localSlots.take()
        let result = await act(index, group)
        runner.localSlots.give()
        return result
    }

    private func act(_ index: Int, _ group: DeliveryGroup) async -> (
        Int, [TransportOutcome], [TransportLogLine]
    ) {
        let journalKeys = group.nodes.map { tree.journalKey($0, transport: group.transport.name) }
        let (runner, desk, id) = (runner, desk, id)
        let isNoted = !outgoing.isDryRun && isJournalled
        let written = Mutex<WrittenJournal?>(nil)
        let (facts, domain) = (outgoing.facts, EmailParts(group.items.first?.address.address ?? "").domain)
        var environment = runner.transportEnvironment
        environment.submit = { await Self.submit($0, runner, id) }
        environment.tellRewriting = { Self.log($0, runner, id) }
        environment.tell = transportLog.write
        runner.activity.note(id, "to \(domain) by \(group.transport.name)")
        let (outcomes, lines) = await group.transport.deliver(
            outgoing, to: group.items, environment,
            served: { indices in
                guard isNoted else { return }
                do {
                    let noted = try desk.note(indices.map { journalKeys[$0] })
                    if let noted { written.withLock { $0 = noted } }
                } catch {
                    runner.log.panic("journal: \(String(describing: error))", id: id.bytes)
                }
            },
            cutoff: { key, record in
                let error = RetryError(
                    basicErrno: record.basicErrno, moreErrno: record.moreErrno, text: record.text)
                return await runner.chooser.schedule(for: key, error, domain: domain, facts)?.finalCutoff ?? 0
            })
        // Before anything is logged; the connection serves others meanwhile.
        do {
            try await desk.sync(written.withLock(\.self))
        } catch {
            runner.log.panic("journal: \(String(describing: error))", id: id.bytes)
        }
        return (index, outcomes, lines)
    }

    /// What rewriting has to tell.
    private static func log(_ event: RewriteEvent, _ runner: RunnerSystem, _ id: MessageID) {
        switch event {
        case .rewritten: if runner.selector.has(.addressRewrite) { runner.log.main(event.text, id: id.bytes) }
        case .problem: runner.log.panic(event.text, id: id.bytes)
        case .noAddress: runner.log.main(event.text, id: id.bytes)
        }
    }

    /// Hands in what a transport has made about the message, by the one door into the spool.
    private static func submit(
        _ message: TransportSubmission, _ runner: RunnerSystem, _ id: MessageID
    ) async -> TransportSubmissionOutcome {
        let isMailUser = message.user.uid == runner.transportEnvironment.mailUser.uid
        let login = isMailUser ? nil : SystemUsers().user(uid: Int64(message.user.uid))?.name
        var submission = Submission(runner: runner, about: id, kind: .reply(ident: login))
        submission.bodyLimit = message.bodyLimit
        switch await submission.submit(head: message.head, body: message.body, tail: "") {
        case .accepted(let new): return .accepted(new?.bytes)
        case .refused(_, Submission.noRecipients?): return .noRecipients
        case .refused(let reason, let status):
            // A receiver that ran has logged why.
            if status == nil { runner.log.main("a reply was not submitted: \(reason)", id: id.bytes) }
            return .failed(status ?? 1)
        }
    }
}
