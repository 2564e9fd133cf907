import Bytes
import EximLog
import Expansion
import Hints
import MailSystem
import MailText
import Routing
import Spooler
import Transports

/// An address with the way that it is to go.
struct PlannedAddress: Sendable {
    var node: Int
    var instruction: DeliveryInstruction
}

extension MessageDelivery {
    /// Takes every address through the routers; what fails or waits is noted, the rest is planned.
    mutating func route() async -> [PlannedAddress] {
        var plans: [PlannedAddress] = []
        var seen: [ByteString: Int] = [:]
        // Exim's order: the last recipient first, then what each became, the last one first again.
        let open = tree.nodes.indices.filter { !tree.nodes[$0].isSettled && !tree.nodes[$0].isSystem }
        let added = open.filter { tree.nodes[$0].parent != nil }
        var pending =
            open.filter { tree.nodes[$0].parent == nil && !withheld.contains($0) }.reversed() + added
        if hasFailedAltogether { return [] }
        while !pending.isEmpty {
            let generation = await ready(pending, &plans, &seen)
            pending = []
            for node in generation { pending += await route(node, &plans, &seen) }
        }
        // What was routed last is delivered first, so that recipients are served in their order.
        return plans.reversed()
    }

    /// Those that are to be routed; who must wait is told of in the order in which they came, as Exim does.
    ///
    /// Pipes, files and replies need no routing: they stand behind what is routed with them.
    private mutating func ready(
        _ generation: [Int], _ plans: inout [PlannedAddress], _ seen: inout [ByteString: Int]
    ) async -> [Int] {
        var others: Set<Int> = []
        for node in generation.reversed() {
            if items[node] != nil {
                await takeItem(node, &plans, &seen)
                others.insert(node)
            } else if await mustWait(node) {
                others.insert(node)
            }
        }
        return generation.filter { !others.contains($0) }
    }

    /// Routes an address; gives what it became.
    private mutating func route(
        _ node: Int, _ plans: inout [PlannedAddress], _ seen: inout [ByteString: Int]
    ) async -> [Int] {
        let result = await runner.router.route(tree.nodes[node].address, outgoing.facts)
        for line in result.logLines {
            if line.isPanic {
                runner.log.panic(line.text, id: id.bytes)
            } else {
                runner.log(line.text, id)
            }
        }
        let parts = EmailParts(tree.nodes[node].address.address)
        if case .deferred = result.verdict {} else { forgetRouting(node, parts) }
        let copy = result.unseenCopy.flatMap { tree.add($0, under: node) }
        mistakes += result.mistakes
        if let change = result.domainChange { rewriteHeaders(change) }
        var children = await take(result, node, &plans, &seen)
        if !result.besides.isEmpty {
            tree.hold(node)
            children += add(result.besides, node)
        }
        let copies = copy.map { [$0] } ?? []
        if case .redirected = result.verdict { return children.reversed() + copies }
        return copies + children.reversed()
    }

    /// Changes a domain in the header lines; the old lines stay in -H, marked as deleted, as Exim keeps them.
    private mutating func rewriteHeaders(_ change: DomainChange) {
        setHeaders(
            tree.header.headers.flatMap { line -> [HeaderLine] in
                let kind = HeaderKind(rawValue: line.type) ?? .other
                guard !line.isDeleted, let new = change.applied(to: Header(line.text, kind: kind)) else {
                    return [line]
                }
                var old = line
                old.isDeleted = true
                return [old, HeaderLine(new.text, type: line.type)]
            })
    }

    /// Replaces the message's header lines: in -H, for transports, and for expansions.
    mutating func setHeaders(_ lines: [HeaderLine]) {
        tree.edit { $0.headers = lines }
        outgoing.facts.message.headers = lines.map { HeaderText(type: $0.type, text: $0.text) }
        outgoing.headers = tree.header.shownHeaders
    }

    /// Takes a verdict; gives children to route.
    private mutating func take(
        _ result: RoutingResult, _ node: Int, _ plans: inout [PlannedAddress], _ seen: inout [ByteString: Int]
    ) async -> [Int] {
        switch result.verdict {
        case .deliver(let instruction):
            var node = node
            if result.unseenCopy != nil {
                // The address is now a parent: of the copy, and of what is delivered.
                guard
                    let child = tree.add(
                        result.address.child(result.address.address, by: instruction.router), under: node)
                else { return [] }
                node = child
            }
            plan(node, instruction, result.address, &plans, &seen)
        case .redirected(let items):
            // An address that was expanded counts as delivered, for who asked to be told; one with another domain does not.
            if !outgoing.isDryRun, !result.isRerouted { served.append(ServedAddress(node: node)) }
            let children = add(items, node)
            tree.settleIfChildless(node)
            return children
        case .discarded:
            served.append(ServedAddress(node: node))
            await discard(node, result.router ?? "")
        case .finished:
            served.append(ServedAddress(node: node))
            await discard(node, result.router ?? "", byFilter: true)
        case .failed(let trouble):
            await fail(
                FailedAddress(
                    node: node, text: trouble.text, userText: trouble.userText, router: result.router))
            logFailure(node, trouble, router: result.router)
        case .deferred(let trouble): wait(node, trouble, result)
        }
        return []
    }

    private mutating func plan(
        _ node: Int, _ instruction: DeliveryInstruction, _ address: RoutingAddress,
        _ plans: inout [PlannedAddress], _ seen: inout [ByteString: Int]
    ) {
        tree.setAddress(node, address)
        if tree.isServed(node, transport: instruction.transport) {
            tree.settle(node, transport: instruction.transport)
            return
        }
        let place: ByteString = "\(instruction.transport) \(tree.nodes[node].key)"
        if let earlier = seen[place] {
            // Of equals the one that was routed last is delivered, as in Exim.
            tree.join(earlier, to: node)
            plans.removeAll { $0.node == earlier }
        }
        seen[place] = node
        plans.append(PlannedAddress(node: node, instruction: instruction))
    }

    /// Adds what an address became; gives what is to be routed, and what needs no routing.
    private mutating func add(_ redirected: [RedirectedItem], _ node: Int) -> [Int] {
        var replies: [ByteString: Int] = [:]
        return redirected.compactMap { item in
            if case .address(let child) = item { return tree.add(child, under: node) }
            guard let added = tree.add(item.child, key: itemKey(item, node, &replies), under: node) else {
                return nil
            }
            items[added] = item
            return added
        }
    }

    private mutating func takeItem(
        _ node: Int, _ plans: inout [PlannedAddress], _ seen: inout [ByteString: Int]
    ) async {
        switch items[node] {
        case .delivery(let child, let instruction): plan(node, instruction, child, &plans, &seen)
        case .bypassed(let child, let path, _):
            logBypassed(node, path, router: child.ancestors.first?.router)
            tree.settle(node)
        case .refused(let child, _, let trouble):
            deferred.append(DeferredAddress(node: node, errno: trouble.errno, text: trouble.text))
            logDeferral(node, trouble, router: child.ancestors.first?.router, stage: .router)
        case .forbidden(_, let instruction, let trouble, _):
            await fail(
                FailedAddress(node: node, text: trouble.text, instruction: instruction))
            let refusal = TransportTrouble(trouble.text, errno: trouble.errno)
            logFailure(node, instruction, refusal, TransportOutcome(.failed(refusal)))
        case .address, nil: break
        }
    }

    /// A filter may send several replies to one address: none is the other's duplicate.
    private func itemKey(
        _ item: RedirectedItem, _ parent: Int, _ replies: inout [ByteString: Int]
    ) -> ByteString {
        let key: ByteString = "\(item.child.address):\(tree.plainKey(parent))"
        guard case .delivery(_, let instruction) = item, case .reply = instruction.target else { return key }
        let earlier = replies[key, default: 0]
        replies[key] = earlier + 1
        // As in Exim the later ones have more of the sign.
        return ByteString(repeatElement(UInt8(ascii: ">"), count: earlier)) + key
    }

    private mutating func discard(_ node: Int, _ router: ByteString, byFilter: Bool = false) async {
        await journal([tree.journalKey(node, transport: "")])
        logDiscarded(node, router: router, byFilter: byFilter)
        tree.settle(node)
    }

    private mutating func wait(_ node: Int, _ trouble: RoutingTrouble, _ result: RoutingResult) {
        let parts = EmailParts(tree.nodes[node].address.address)
        let key: RetryKey =
            result.retryUsesLocalPart ? .address(tree.plainKey(node)) : .routing(parts.domain)
        let error = RetryError(
            basicErrno: trouble.errno, text: trouble.text.isEmpty ? "unknown error" : trouble.text)
        retries.append((node, RetryItem(key, .record(error))))
        deferred.append(
            DeferredAddress(
                node: node, errno: trouble.errno, text: trouble.text, userText: trouble.userText, keys: [key])
        )
        if trouble.freezes { freezing = freezing ?? "" }
        logDeferral(node, trouble, router: result.router, stage: .router)
    }

    // MARK: Before routing

    /// Whether the address must wait without being routed: a held domain, or retry times.
    private mutating func mustWait(_ node: Int) async -> Bool {
        let parts = EmailParts(tree.nodes[node].address.address)
        if let held = runner.settings.holdDomains, !isForced, await isListed(parts.domain, held) {
            let trouble = RoutingTrouble("domain is held", errno: -23)
            return putOff(node, trouble, stage: .held)
        }
        if let queued = runner.settings.queueDomains, isImmediate, await isListed(parts.domain, queued) {
            let trouble = RoutingTrouble("domain is in queue_domains", errno: -56)
            return putOff(node, trouble, stage: .beforeRouting)
        }
        guard runner.options.regardsRoutingRetries, !isForced, await isTooEarly(node, parts) else {
            return false
        }
        let trouble = RoutingTrouble("retry time not reached", errno: -52)
        return putOff(node, trouble, stage: .beforeRouting)
    }

    /// Whether this is the first attempt of a new message, or one by name, and nobody forces it.
    var isImmediate: Bool { runner.options.occasion == .message && !isForced }

    func isListed(_ domain: ByteString, _ list: ListText) async -> Bool {
        var facts = outgoing.facts
        return await runner.expander.matchDomain(domain, in: list, &facts).isMatch
    }

    private mutating func putOff(_ node: Int, _ trouble: RoutingTrouble, stage: Deferral.Stage) -> Bool {
        deferred.append(DeferredAddress(node: node, errno: trouble.errno, text: trouble.text))
        logDeferral(node, trouble, router: nil, stage: stage)
        return true
    }

    private func isTooEarly(_ node: Int, _ parts: EmailParts) async -> Bool {
        let now = runner.expander.environment.now().seconds
        let book = runner.transportEnvironment.hosts
        if let record = await book.record(.routing(parts.domain), now: now), record.nextTry > now,
            !record.expired
        {
            return true
        }
        let key = tree.plainKey(node)
        for candidate in [RetryKey.address(key), .address(key, sender: outgoing.sender)] {
            guard let record = await book.record(candidate, now: now) else { continue }
            guard record.nextTry > now else { return false }
            return !(await isPastCutoff(candidate, record, domain: parts.domain))
        }
        return false
    }

    /// The ultimate timeout: whether the message is older than the last cutoff of the rule for that record.
    func isPastCutoff(_ key: RetryKey, _ record: RetryRecord, domain: ByteString?) async -> Bool {
        let now = runner.expander.environment.now().seconds
        let error = RetryError(basicErrno: record.basicErrno, moreErrno: record.moreErrno, text: record.text)
        guard let schedule = await runner.chooser.schedule(for: key, error, domain: domain, outgoing.facts)
        else { return true }
        return now - outgoing.receivedTime > schedule.finalCutoff
    }

    private mutating func forgetRouting(_ node: Int, _ parts: EmailParts) {
        let key = tree.plainKey(node)
        for candidate in [RetryKey.routing(parts.domain), .address(key)] {
            retries.append((node, RetryItem(candidate, .delete)))
        }
    }
}

/// The two parts of an address, the domain in small letters.
struct EmailParts {
    let localPart: ByteString
    let domain: ByteString

    init(_ address: ByteString) {
        let parts = address.cutAtLast(UInt8(ascii: "@"))
        localPart = parts.map { ByteString($0.before) } ?? address
        domain = parts.map { $0.after.lowercasedASCII() } ?? ByteString()
    }
}

extension DeliveryTree {
    /// The key without a homonym's mark: the address with its domain in small letters.
    func plainKey(_ node: Int) -> ByteString {
        let key = nodes[node].key
        guard key.first == UInt8(ascii: "\\"), let end = key[1...].firstIndex(of: UInt8(ascii: "\\")) else {
            return key
        }
        return ByteString(key[(end + 1)...])
    }
}
