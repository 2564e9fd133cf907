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
        await say(cut(Reply(354, said)))
        let begun = SpoolTime.now()
        var intake = MessageIntake(
            spool: system.spool, ids: system.ids, limits: settings.limits.header,
            sizeLimit: await messageSizeLimit())
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

    /// Runs the predata ACL, and gives what 354 says; nil when it refused, and the client has been told.
    private mutating func mayReceive() async -> ByteString? {
        if envelope.hasTooMany, settings.limits.rejectsTooManyRecipients {
            await say(Reply(554, "Too many recipients"))
            endTransaction()
            return nil
        }
        var verdict = await runACL(.predata)
        if verdict.decision == .accept {
            return verdict.message ?? "Enter message, ending with \".\" on a line by itself"
        }
        // To discard is no answer to DATA: the client is asked to come again, as Exim does.
        if verdict.decision == .discard {
            log.panic("\"discard\" verb not allowed in PREDATA ACL")
            verdict.decision = .defer
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
    private mutating func nextOctets(_ intake: borrowing MessageIntake) async -> ArraySlice<UInt8>? {
        while true {
            switch await wire.read() {
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

    // MARK: BDAT

    /// A message in chunks (RFC 3030): this command's chunk, and those of the BDAT commands that follow.
    mutating func bdat(_ size: Int, _ isLast: Bool) async {
        guard await mayTakeChunk(size) else { return }
        let begun = SpoolTime.now()
        var intake = MessageIntake(
            spool: system.spool, ids: system.ids, limits: settings.limits.header,
            sizeLimit: await messageSizeLimit())
        var decoder = BDATDecoder()
        var chunk: (size: Int, isLast: Bool) = (size, isLast)
        var total = 0
        while true {
            guard await readChunk(chunk.size, isLast: chunk.isLast, &decoder, &intake) else { return }
            total += chunk.size
            if decoder.hasLoneLFInHeader { return await refuseLoneLF(intake) }
            if chunk.isLast { break }
            await say(Reply(250, "\(chunk.size) byte chunk received"))
            guard isOpen, let next = await nextChunk(intake) else { return }
            chunk = next
        }
        // Exim counts the line end that it adds.
        if decoder.hasAddedLineEnd || total == 0 { total += 2 }
        total += decoder.loneLineEnds
        await finish(
            intake, begun: begun, longestLine: decoder.counts.longestLine, chunking: (chunk.size, total))
    }

    /// Whether a chunk may come now; one that is refused is read and thrown away, since it is on its way.
    private mutating func mayTakeChunk(_ size: Int) async -> Bool {
        if case .refuse(let reply, let logged) = phase.check(.bdat, offered: advertised) {
            if advertised.contains(.chunking) { await passOver(size) }
            guard isOpen else { return false }
            if logged.isEmpty {
                await say(reply)
            } else {
                log.event(.protocolError(line: lastLine, text: logged), state.facts)
                await misused(reply)
            }
            return false
        }
        guard await mayReceive() == nil else { return true }
        if isOpen { await passOver(size) }
        return false
    }

    /// Throws that many octets of input away.
    private mutating func passOver(_ size: Int) async {
        var remaining = size - framer.takeRest(atMost: size).count
        while remaining > 0 {
            switch await wire.read() {
            case .octets(let octets):
                framer.feed(octets.dropFirst(remaining))
                remaining -= min(remaining, octets.count)
            case .stopping: isStopping = true
            case .timedOut, .ended:
                isOpen = false
                return
            }
        }
    }

    private mutating func refuseLoneLF(_ intake: consuming MessageIntake) async {
        let who = SessionLog.identity(state.facts).peer.logged(by: system.settings.logSelector)
        let text: ByteString = """
            rejected from <\(envelope.sender ?? "")> \(who): Non-CRLF-terminated header, under CHUNKING: \
            message abandoned
            """
        log.refused(text, state, headers: intake.headers)
        await say(Reply(552, "Message header not CRLF terminated"))
        endTransaction()
    }

    private mutating func readChunk(
        _ size: Int, isLast: Bool, _ decoder: inout BDATDecoder, _ intake: inout MessageIntake
    ) async -> Bool {
        var remaining = size
        var output: [UInt8] = []
        var octets = framer.takeRest()
        while true {
            let part = octets.prefix(remaining)
            remaining -= part.count
            output.removeAll(keepingCapacity: true)
            decoder.decode(part, into: &output)
            if isLast, remaining == 0 { decoder.finish(into: &output) }
            intake.take(output)
            if remaining == 0 {
                framer.feed(octets.dropFirst(part.count))
                return true
            }
            guard let more = await nextOctets(intake) else { return false }
            octets = more
        }
    }

    /// The BDAT command that continues a message; nil when the message was given up.
    private mutating func nextChunk(_ intake: borrowing MessageIntake) async -> (size: Int, isLast: Bool)? {
        while isOpen {
            guard let line = await nextCommandLine(intake) else { return nil }
            lastLine = line
            switch try? SMTP.CommandLine.parse(line, offered: advertised) {
            case .bdat(let size, let isLast): return (size, isLast)
            case .noop: await say(Reply(250, "OK"))
            case .reset, .quit:
                await obey(line)
                return nil
            default: await misused(Reply(503, "only BDAT permissible after non-LAST BDAT"))
            }
        }
        return nil
    }

    private mutating func nextCommandLine(_ intake: borrowing MessageIntake) async -> ByteString? {
        while true {
            switch framer.next() {
            case .line(let line)?: return line
            case .tooLong?:
                await say(Reply(500, "Line too long"))
                isOpen = false
                return nil
            case nil: break
            }
            guard let octets = await nextOctets(intake) else { return nil }
            framer.feed(octets)
        }
    }

    // MARK: The end of the message

    private mutating func finish(
        _ intake: consuming MessageIntake, begun: SpoolTime, longestLine: Int,
        chunking: (last: Int, total: Int)?
    ) async {
        let (headers, size, id) = (intake.headers, intake.size, intake.id)
        let message: ReceivedMessage
        do {
            message = try intake.finish()
        } catch {
            await refuse(error, headers, size: size, id: id)
            return endTransaction()
        }
        var arriving = Reception.Arriving(
            begun: begun, origin: ProcessOrigin.own(login: context.login, owner: system.settings.owner))
        arriving.longestLine = longestLine
        arriving.usedChunking = chunking != nil
        arriving.pipelining =
            !advertised.contains(.pipelining) ? .notOffered : usedPipelining ? .used : .offeredOnly
        applyLocalCaller(&arriving)
        arriving.queued = settings.queueing.reason(context.choice, circumstances)
        queuedFor = arriving.queued
        var reception = Reception(context, log, state, envelope, arriving)
        let outcome = await reception.complete(message)
        let waits = reception.waits
        state.delay = reception.state.delay
        await delay()
        endTransaction()
        await answer(outcome, chunking)
        if case .committed(let id, _) = outcome {
            messagesAccepted += 1
            if !waits { await context.deliver(id) }
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

    private mutating func answer(_ outcome: ReceptionOutcome, _ chunking: (last: Int, total: Int)?) async {
        switch outcome {
        case .committed(let id, let said):
            if let said {
                await say(cut(Self.custom(said, Reply(250, "OK"))))
            } else {
                await say(accepted("OK id=\(id.bytes)", chunking))
            }
        case .discarded(let id): await say(accepted("OK id=\(id.bytes)", chunking))
        case .refused(let verdict):
            await refuse(verdict)
        case .failed:
            await say(Reply(451, "Local error: the message cannot be stored now - please try later"))
        }
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
        if context.isBatched { arriving.moment = .notSMTP }
        guard isLocal else { return }
        // A trusted caller who says MAIL hands on another's message.
        arriving.isLocal = !caller.isTrusted
        arriving.submitter = caller.submitter
        arriving.fixups = caller.fixups
    }
}
