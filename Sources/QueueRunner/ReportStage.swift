import Bytes
import EximLog
import Expansion
import MailSystem
import MailText
import Routing
import SMTP
import Spooler
import Transports

extension MessageDelivery {
    // MARK: Failures

    /// Tells senders of failures, freezes what nobody can be told, ignores what nobody wants to hear (delivery.md 2.6).
    mutating func reportFailures() async throws {
        var byRecipient: [(to: ByteString, addresses: [FailedAddress])] = []
        // The last to fail is the first to be told of, as in Exim.
        for address in failed.reversed() {
            let errorsTo = tree.nodes[address.node].address.errorsTo
            if let silence = silence(about: address) {
                await ignore(address, silence)
            } else if errorsTo == nil, original.sender.isEmpty, runner.options.cancelledBy != nil {
                tree.settle(address.node)
            } else if errorsTo == nil, original.sender.isEmpty {
                freezing = " (delivery error message)"
                frozen.append(address)
            } else {
                let to = errorsTo ?? original.sender
                if let place = byRecipient.firstIndex(where: { $0.to == to }) {
                    byRecipient[place].addresses.append(address)
                } else {
                    byRecipient.append((to, [address]))
                }
            }
        }
        for group in byRecipient { try await bounce(group.addresses, to: group.to) }
    }

    /// Why nobody hears of a failure.
    private enum Silence {
        /// Nobody is interested, or it is too late to tell.
        case ignored
        /// NOTIFY says so.
        case unwanted
    }

    /// Nil when somebody is to hear of it.
    private func silence(about address: FailedAddress) -> Silence? {
        let routed = tree.nodes[address.node].address
        if routed.errorsTo?.isEmpty == true || routed.ignoresErrors || isTooOldToReport(routed.errorsTo) {
            return .ignored
        }
        return isUnwanted(address) ? .unwanted : nil
    }

    /// Takes an address as failed for good; its event comes now, or when it is told of that nobody is told.
    mutating func fail(_ address: FailedAddress) async {
        failed.append(address)
        if silence(about: address) == nil { await tell(of: address) }
    }

    /// Tells of what has failed before anything was tried.
    mutating func tellOfFailures() async {
        for address in failed where silence(about: address) == nil { await tell(of: address) }
    }

    private func isTooOldToReport(_ errorsTo: ByteString?) -> Bool {
        guard errorsTo == nil, original.sender.isEmpty else { return false }
        let age = runner.expander.environment.now().seconds - original.receivedTime
        return age >= runner.settings.ignoreBounceErrorsAfter
    }

    private func isUnwanted(_ address: FailedAddress) -> Bool {
        let notify = tree.notify(of: address.node)
        return !notify.isEmpty && !notify.contains(.failure)
    }

    private mutating func ignore(_ address: FailedAddress, _ silence: Silence) async {
        await tell(of: address)
        let reason: ByteString? =
            switch silence {
            case .ignored: nil
            case .unwanted: "RFC 3461 DSN, failure notify not requested"
            }
        let line = Failure.ignored(
            logged(address.node, address.instruction), reason: reason, by: runner.selector)
        runner.log(line, id)
        tree.settle(address.node)
    }

    private mutating func bounce(_ addresses: [FailedAddress], to recipient: ByteString) async throws {
        let frame = await frame(to: recipient)
        let content = returnedContent
        var bounce = Bounce(
            frame: frame, failed: addresses.map { notified($0.node, $0.instruction, $0.host, $0.userText) },
            content: content)
        bounce.text = runner.settings.bounceText
        bounce.output = addresses.compactMap { failed in
            failed.output.map {
                (notified(failed.node, failed.instruction, failed.host, nil).outputTitle, $0)
            }
        }
        bounce.copies = await copies(for: recipient)
        var facts = outgoing.facts
        facts.message.bounceRecipient = recipient
        if let own = await ReportTemplate(runner, id).items(runner.settings.bounceFile, "error", facts) {
            (bounce.ownHeader, bounce.ownIntroduction) = (own[0], own[1])
            bounce.ownOutputIntroduction = own[2]
        }
        let isFull: Bool
        if case .full = content { isFull = true } else { isFull = false }
        let composed = bounce.composed()
        let outcome = await submit(composed, withBody: isFull)
        switch outcome {
        case .accepted(let bounceID):
            if let bounceID { submitted.append(bounceID) }
            // As in Exim the first to fail is the first to be settled.
            for address in addresses.reversed() { tree.settle(address.node) }
            // So that a crash from here on does not tell the sender twice.
            if !deferred.isEmpty { try await desk.write(tree.header) }
        case .refused(let reason, _):
            runner.log.main(
                "Process failed when writing error message to \(recipient)\(reason.isEmpty ? "" : ": \(reason)" as ByteString)",
                id: id.bytes)
            for address in addresses {
                deferred.append(DeferredAddress(node: address.node, errno: 0, text: address.text))
            }
        }
    }

    private var returnedContent: ReturnedContent {
        let settings = runner.settings
        if outgoing.returnsHeadersOnly == true { return .headers }
        guard settings.bounceReturnsBody else {
            return outgoing.returnsHeadersOnly == false ? .headersByLimit : .headers
        }
        let limit = settings.bounceSizeLimit
        let rounded = (limit / 8192 + 1) * 8192
        if limit > 0, outgoing.body.size > rounded { return .headersByLimit }
        if settings.bounceLineLimit > 0, outgoing.longestLine > settings.bounceLineLimit {
            return .headersByLimit
        }
        return .full(body: "")
    }

    // MARK: Successes

    /// Tells senders that asked for it of deliveries that nobody after us will tell of (delivery.md 8.7).
    mutating func reportSuccesses() async {
        var reports: [(NotifiedAddress, SuccessReport.Relay)] = []
        var lastHops: Set<ByteString> = []
        for address in served where !tree.isRedirected(address.node) {
            let notify = tree.notify(of: address.node)
            guard notify.contains(.success), !notify.contains(.never), !original.sender.isEmpty else {
                continue
            }
            let isLastHop = address.instruction?.isLastHop ?? false
            if let host = address.host {
                guard !address.peerKnowsDSN || isLastHop else { continue }
                if isLastHop { lastHops.insert(tree.nodes[address.node].address.address) }
                reports.append(
                    (notified(address.node, address.instruction, host, nil), .toHost(name: host.host.name)))
            } else {
                reports.append(
                    (notified(address.node, address.instruction, nil, nil), isLastHop ? .lastHop : .byRouter))
            }
        }
        guard !reports.isEmpty, !outgoing.isDryRun else { return }
        var report = SuccessReport(frame: await frame(to: original.sender), delivered: reports)
        report.lastHops = lastHops
        switch await submit(report.composed(), withBody: false) {
        case .accepted(let id): if let id { submitted.append(id) }
        case .refused(let reason, _): runner.log.main("success report not submitted: \(reason)", id: id.bytes)
        }
    }

    // MARK: What reports share

    func frame(to recipient: ByteString) async -> NotificationFrame {
        let from =
            (try? await runner.expander.expand(runner.settings.dsnFrom, outgoing.facts).bytes)
            ?? "Mail Delivery System <Mailer-Daemon@\(runner.system.settings.qualifyDomain)>"
        let now = runner.expander.environment.now().seconds
        var frame = NotificationFrame(
            from: from, to: recipient,
            hostname: original.activeHostname?.bytes ?? runner.system.settings.primaryHostName,
            boundary: "\(now)-eximdsn-\(runner.expander.environment.random(.max))")
        frame.sender = original.sender
        frame.replyTo = runner.settings.errorsReplyTo
        frame.envelopeID = outgoing.envelopeID
        frame.headers = outgoing.headers
        frame.isSMTPUTF8 = outgoing.isSMTPUTF8
        return frame
    }

    func notified(
        _ node: Int, _ instruction: DeliveryInstruction?, _ host: UsedHost?, _ text: ByteString?
    ) -> NotifiedAddress {
        let address = tree.nodes[node].address
        var shown = NotifiedAddress(address.address, text: text)
        shown.top = address.top
        shown.parent = address.parent
        shown.isHidden = address.isHidden
        shown.isPipeFileOrReply = instruction.map { $0.target != .address } ?? false
        if let host { shown.host = (host.host.name, host.host.address?.text ?? "") }
        let original = tree.recipient(of: node).orcpt
        shown.originalRecipient = original.isEmpty ? nil : original
        return shown
    }

    /// Submits a report through the receiver, the one door into the spool.
    func submit(_ message: ComposedNotification, withBody: Bool) async -> SubmissionOutcome {
        await Submission(runner: runner, about: id).submit(
            head: message.head, body: withBody ? outgoing.body : nil, tail: message.tail)
    }
}
