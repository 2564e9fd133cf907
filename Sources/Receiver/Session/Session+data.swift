import ACL
import Bytes
import Configuration
import EximLog
import Expansion
import MailSystem
import MailText
import SMTP
import Spooler

extension Session {
    // MARK: DATA

    mutating func data() async {
        guard let said = await mayReceive() else { return }
        await say(said)
        let begun = SpoolTime.now()
        var intake = MessageIntake(
            spool: spool, ids: system.ids, limits: settings.limits.header,
            sizeLimit: await messageSizeLimit(), fromLine: await ignoredFromLine(),
            looksForSignatures: checksSignatures)
        var decoder = DataDecoder(loneLF: .blank)
        var output: [UInt8] = []
        var wireOctets = framer.takeRest()
        var counted = 0
        while true {
            output.removeAll(keepingCapacity: true)
            let progress = decoder.decode(wireOctets, into: &output)
            intake.take(output)
            if context.isBatched { linesRead += decoder.counts.lines - counted + (progress == .more ? 0 : 1) }
            counted = decoder.counts.lines
            if case .finished(let rest) = progress {
                framer.feed(wireOctets[rest...])
                break
            }
            guard let more = await nextOctets(intake) else { return }
            wireOctets = more
        }
        await finish(intake, begun: begun, longestLine: decoder.counts.longestLine, chunking: nil)
    }

    /// Whether DKIM signatures are checked: over SMTP, unless an ACL says no (`control = dkim_disable_verify`).
    var checksSignatures: Bool { !context.isBatched && !state.has("dkim_disable_verify") }

    /// The queue that the message goes to (`queue` in an ACL).
    var spool: Spool { state.queue.map { system.spool.named($0) } ?? system.spool }

    /// What a line before the header looks like that is passed over (`ignore_fromline_hosts`, `ignore_fromline_local`).
    mutating func ignoredFromLine() async -> PCRE2Pattern? {
        let isIgnored = isLocal ? settings.fromLine.isIgnoredLocally : await isListed(.fromLineIgnored)
        return isIgnored ? settings.fromLine.pattern : nil
    }

    /// Runs the predata ACL, and gives what 354 says; nil when it refused, and the client has been told.
    mutating func mayReceive() async -> Reply? {
        if envelope.hasTooMany, settings.limits.rejectsTooManyRecipients {
            await say(Reply(554, "Too many recipients"))
            await endTransaction()
            return nil
        }
        let verdict = await runACL(.predata)
        if verdict.decision == .accept {
            return acceptance(
                verdict.message, Reply(354, "Enter message, ending with \".\" on a line by itself"))
        }
        log.rejected(.data, verdict, state)
        await refuse(verdict)
        return nil
    }

    mutating func outOfStep() async {
        let event = SessionEvent.outOfStep(
            line: lastLine, next: ByteString(framer.takeRest()), isOffered: advertised.contains(.pipelining))
        log.event(event, state, headers: nil)
        await leave(for: "synchronization-error", Reply(554, "SMTP synchronization error"))
    }

    /// More of a message, or nil when the client is lost; then the message is forgotten with its files.
    mutating func nextOctets(_ intake: borrowing MessageIntake) async -> ArraySlice<UInt8>? {
        while true {
            switch await hear() {
            case .octets(let octets): return octets
            case .stopping: isStopping = true
            case .timedOut:
                log.event(.dataTimeout(sender: envelope.sender ?? ""), state.facts)
                await leave(
                    for: "data-timeout",
                    Reply(421, "\(activeHostName): SMTP incoming data timeout - closing connection."))
                return nil
            case .ended:
                let place = intake.whereItStands
                log.event(.lost(while: "reading message data\(place)", duration: nil), state.facts)
                await leave(for: "connection-lost", Reply(421, "Lost incoming connection"))
                return nil
            }
        }
    }

    // MARK: The end of the message

    mutating func finish(
        _ intake: consuming MessageIntake, begun: SpoolTime, longestLine: Int,
        chunking: (last: Int, total: Int)?
    ) async {
        let (headers, size, id) = (intake.headers, intake.size, intake.id)
        expectMessage()
        let message: ReceivedMessage
        do {
            message = try intake.finish()
        } catch {
            await refuse(error, headers, size: size, id: id)
            return await endTransaction()
        }
        var arriving = Reception.Arriving(
            begun: begun, origin: ProcessOrigin.own(login: context.login, owner: system.settings.owner))
        arriving.longestLine = longestLine
        arriving.usedChunking = chunking != nil
        arriving.beganInTLS = beganInTLS
        arriving.checksSignatures = checksSignatures
        arriving.isWireFormat = chunking != nil && settings.usesWireFormat
        arriving.pipelining =
            !advertised.contains(.pipelining) ? .notOffered : usedPipelining ? .used : .offeredOnly
        applyLocalCaller(&arriving)
        arriving.queued = settings.queueing.reason(context.choice, circumstances)
        queuedFor = arriving.queued
        var reception = Reception(context, log, state, envelope, arriving)
        reception.held = held
        let outcome = await reception.complete(message)
        let (waits, pretence) = (reception.waits, PretendedRefusal(reception.state))
        let queue = reception.state.queue ?? ""
        state.delay = reception.state.delay
        await delay()
        await endTransaction()
        await answer(outcome, chunking, pretence)
        if case .committed(let id, _, let queued) = outcome {
            messagesAccepted += 1
            if !waits {
                queued?.whenDeliverable { [deliver = context.deliver] in
                    deliver(DeliveryOrder(id: id, queue: queue))
                }
            }
        }
    }

    private var circumstances: QueueingRules.Circumstances {
        QueueingRules.Circumstances(
            connections: counts?.all, messages: messagesAccepted + 1, before: queuedFor)
    }

    private mutating func refuse(
        _ trouble: MessageIntake.Trouble, _ headers: [Header], size: Int, id: MessageID?
    ) async {
        switch trouble {
        case .tooBig(let limit):
            let event = SessionEvent.tooBig(sender: envelope.sender ?? "", read: size, maximum: limit)
            log.event(event, state, headers: headers, id: id?.bytes)
            await say(Reply(552, "Message size exceeds maximum permitted"))
        case .headerTooLong(let text):
            log.event(tooLong(text), state.facts)
            await say(Reply(552, text))
        case .spool(let error):
            log.panic("spool error while receiving: \(ByteString(error.description))")
            await say(Reply(451, "Local error: the message cannot be stored now - please try later"))
        }
    }

    private func tooLong(_ text: ByteString) -> SessionEvent {
        let isLine = text == HeaderReader.lineTooLong
        let limits = settings.limits.header
        return .headerTooLong(isLine: isLine, maximum: isLine ? limits.line : limits.total)
    }

    private mutating func answer(
        _ outcome: ReceptionOutcome, _ chunking: (last: Int, total: Int)?, _ pretence: PretendedRefusal?
    ) async {
        switch outcome {
        case .committed(let id, let said, _), .passedOn(let id, let said):
            if let pretence {
                await say(acceptance(pretence.text, Reply(pretence.code, "")))
            } else if let said {
                await say(acceptance(said, Reply(250, "OK")))
            } else {
                await say(accepted("OK id=\(id.bytes)", chunking))
            }
            await sayUnreal()
        case .relayed(let reply): await say(reply)
        case .discarded(let id):
            await say(accepted("OK id=\(id.bytes)", chunking))
            await sayUnreal()
        case .refused(let verdict):
            await refuse(verdict)
        case .failed:
            await say(Reply(451, "Local error: the message cannot be stored now - please try later"))
        }
    }

    /// Tells whoever rehearses that there is no message.
    private mutating func sayUnreal() async {
        guard context.isRehearsal else { return }
        _ = await wire.write("\n**** SMTP testing: that is not a real message id!\n\n")
    }

    private func accepted(_ text: ByteString, _ chunking: (last: Int, total: Int)?) -> Reply {
        let reply = Self.custom(text, Reply(250, "OK"))
        guard let chunking else { return reply }
        return Reply(
            reply.code, lines: [" \(chunking.last) byte chunk, total \(chunking.total)"] + reply.lines)
    }

    /// A session without a remote host is a local submission: its messages get the header lines of one.
    private func applyLocalCaller(_ arriving: inout Reception.Arriving) {
        guard let caller = context.localCaller else { return }
        arriving.origin = caller.origin
        arriving.claims = context.claims
        arriving.dontDeliver = context.dontDeliver
        if context.isBatched { arriving.moment = .notSMTP }
        guard isLocal else { return }
        // A trusted caller who says MAIL hands on another's message.
        arriving.isLocal = !caller.isTrusted
        arriving.submitter = caller.submitter
        arriving.fixups = caller.fixups
    }
}

/// What a client is told of a message that is accepted all the same (`control = fakereject`, `fakedefer`).
struct PretendedRefusal {
    let code: Int
    let text: ByteString

    /// The last control counts; nil where there is none.
    init?(_ state: ACLState) {
        guard let control = state.controls.last(where: { $0.name == "fakereject" || $0.name == "fakedefer" })
        else { return nil }
        code = control.name == "fakereject" ? 550 : 450
        text =
            control.options.isEmpty
            ? """
            Your message has been rejected but is being kept for evaluation.
            If it was a legitimate message, it may still be delivered to the target recipient(s).
            """ : control.options
    }
}
