import Bytes
import EximLog
import Expansion
import MailSystem
import Routing
import Spooler
import Transports

extension MessageDelivery {
    /// An address as the log shows it.
    ///
    /// `log_as_local` bears on successes only.
    func logged(
        _ node: Int, _ instruction: DeliveryInstruction? = nil, isSuccess: Bool = false
    ) -> LoggedAddress {
        var logged = LoggedAddress(tree.nodes[node].address, by: instruction)
        if isSuccess, let instruction, instruction.logsAsLocal, instruction.target == .address,
            let transport = runner.transports[instruction.transport], !transport.isRemote
        {
            let facts = instruction.facts
            let parts = [facts.localPartPrefix, facts.localPart, facts.localPartSuffix].map {
                $0?.bytes ?? ""
            }
            logged.localPartOnly = transport.includesAffixes ? parts.joined(separator: "") : parts[1]
        }
        return logged
    }

    func path(
        _ node: Int, _ instruction: DeliveryInstruction?, host: UsedHost? = nil, isSuccess: Bool = false
    ) -> DeliveryPath {
        var path = DeliveryPath(
            address: logged(node, instruction, isSuccess: isSuccess), sender: original.sender,
            router: instruction.flatMap { $0.router.isEmpty ? nil : $0.router },
            transport: instruction.flatMap { $0.transport.isEmpty ? nil : $0.transport })
        path.queue = runner.options.queue
        path.returnPath = tree.nodes[node].address.errorsTo ?? original.sender
        path.host = host.map(LoggedHost.init)
        path.tls = host?.tls.flatMap(LoggedTLS.init)
        return path
    }

    /// Writes lines that transports have of their own.
    var transportLog: TransportLog { TransportLog(runner: runner, id: id, notes: notes) }

    // MARK: Routing

    func logFailure(_ node: Int, _ trouble: RoutingTrouble, router: ByteString?) {
        var path = path(node, nil)
        path.router = router
        // No transport has used a return path, or time.
        (path.returnPath, path.deliverTime) = (nil, LogInterval(microseconds: 0))
        let line = Failure(path, message: trouble.text).text(by: runner.selector)
        // A :fail: without words leaves the colon standing.
        runner.log(trouble.text.isEmpty ? "\(line): " : line, id)
        let text = ByteString(line.dropFirst(3))
        note(router == nil ? "routing failed for \(text)" : text)
    }

    func logDeferral(_ node: Int, _ trouble: RoutingTrouble, router: ByteString?, stage: Deferral.Stage) {
        var path = path(node, nil)
        path.router = router
        let line = Deferral(path, stage: stage, errno: Int(trouble.errno), message: trouble.text)
            .text(by: runner.selector)
        runner.log(line, id)
        if let line { noteDeferral(line, trouble.errno) }
    }

    /// Deferrals for retry times are noted at the first attempt only, so that they do not fill the message's log.
    private func noteDeferral(_ line: ByteString, _ errno: Int32) {
        guard original.deliverFirstTime || errno > -52 else { return }
        note(ByteString(line.dropFirst(3)))
    }

    func logDiscarded(_ node: Int, router: ByteString, byFilter: Bool) {
        runner.log(
            "=> \(byFilter ? "discarded" : ":blackhole:" as ByteString) <\(tree.nodes[node].address.top)> R=\(router)",
            id)
    }

    func logBypassed(_ node: Int, _ path: ByteString, router: ByteString?) {
        let address = tree.nodes[node].address
        let between: ByteString = address.ancestors.count > 1 ? " (\(address.parent ?? ""))" : ""
        runner.log("=> \(path)\(between) <\(address.top)> R=\(router ?? "") T=**bypassed**", id)
        note("\(path) <\(address.parent ?? address.top)>: **bypassed** transport succeeded")
    }

    /// Keeps a line for the message's own log, with its time; written when the message stays on the queue.
    func note(_ text: ByteString) { transportLog.note(text) }

    // MARK: Transports

    mutating func logDelivery(
        _ node: Int, _ instruction: DeliveryInstruction, _ outcome: TransportOutcome, _ said: ByteString?
    ) {
        guard !instruction.disablesLogging else { return }
        let arrow: Delivery.Arrow = outgoing.isDryRun ? .suppressed : outcome.isFirst ? .first : .further
        var path = path(node, instruction, host: outcome.host, isSuccess: true)
        path.deliverTime = LogInterval(microseconds: outcome.duration)
        var record = Delivery(arrow, path, confirmation: said)
        record.size = outgoing.size
        (record.shadow, record.shadowError) = (outcome.shadow?.transport, outcome.shadow?.error)
        record.usedChunking = outcome.host?.usedChunking ?? false
        if let host = outcome.host {
            record.authentication = host.identity.map {
                LoggedAuthentication(
                    authenticator: $0.authenticator, id: $0.id, sender: host.authenticatedSender)
            }
            record.pipelining =
                host.usedPipelining ? .used : host.offersPipelining ? .offeredOnly : .notOffered
        }
        let now = runner.expander.environment.now().seconds
        record.queueTime = LogInterval(seconds: Int(now - original.receivedTime))
        runner.log(record.text(by: runner.selector), id)
        note("\(noted(node, instruction)): \(instruction.transport) transport succeeded")
        noteCompletions()
    }

    /// An address as the message's own log shows it: what a redirection made names what it was made of.
    private func noted(_ node: Int, _ instruction: DeliveryInstruction) -> ByteString {
        let address = tree.nodes[node].address
        let shown =
            instruction.target == .address ? logged(node, instruction).address : address.address
        return address.parent.map { "\(shown) <\($0)>" } ?? shown
    }

    /// Notes of which addresses all children are settled.
    mutating func noteCompletions() {
        for node in tree.completed { note("\(tree.nodes[node].address.address): children all complete") }
        tree.completed = []
    }

    func logDeferral(
        _ node: Int, _ instruction: DeliveryInstruction, _ trouble: TransportTrouble,
        _ outcome: TransportOutcome
    ) {
        var path = path(node, instruction, host: outcome.host)
        path.deliverTime = LogInterval(microseconds: outcome.duration)
        let line = Deferral(path, stage: .transport, errno: Int(trouble.errno), message: trouble.text)
            .text(by: runner.selector)
        if trouble.isPanic, let line {
            runner.log.panic(line, id: id.bytes)
        } else {
            runner.log(line, id)
        }
        if let line { noteDeferral(line, trouble.errno) }
    }

    func logFailure(
        _ node: Int, _ instruction: DeliveryInstruction, _ trouble: TransportTrouble,
        _ outcome: TransportOutcome
    ) {
        var path = path(node, instruction, host: outcome.host)
        path.deliverTime = LogInterval(microseconds: outcome.duration)
        let line = Failure(path, errno: Int(trouble.errno), message: trouble.text).text(by: runner.selector)
        runner.log(line, id)
        note(ByteString(line.dropFirst(3)))
    }
}

/// Where the lines of a message's transports go: to the logs, and to the message's own.
struct TransportLog: Sendable {
    let runner: RunnerSystem
    let id: MessageID
    let notes: MessageNotes

    /// Writes a line that a transport has of its own.
    func write(_ line: TransportLogLine) {
        guard let host = line.host else {
            if line.isPanic { runner.log.panic(line.text, id: id.bytes) } else { runner.log(line.text, id) }
            return
        }
        var logged = LoggedHost(host)
        // Exim shows these only of hosts that addresses went to, or wait for.
        logged.isSecure = false
        logged.proxy = nil
        var failure = HostFailure(logged, message: line.text, errno: Int(line.errno))
        failure.isRecipientDeferral = line.isNote
        let text = failure.text(by: runner.selector)
        if !line.isNote { runner.log(text, id) }
        if line.isNoted { note(text) }
    }

    /// Keeps a line for the message's own log, with its time.
    func note(_ text: ByteString) { notes.add("\(runner.log.currentStamp()) \(text)") }
}
