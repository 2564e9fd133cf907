import ACL
import Bytes
import EximLog
import MailSystem
import SMTP
import Spooler

/// Messages in chunks.
extension Session {
    /// A message in chunks (RFC 3030): this command's chunk, and those of the BDAT commands that follow.
    mutating func bdat(_ size: Int, _ isLast: Bool) async {
        guard await mayTakeChunk(size) else { return }
        let begun = SpoolTime.now()
        var intake = MessageIntake(
            spool: spool, ids: system.ids, limits: settings.limits.header,
            sizeLimit: await messageSizeLimit(), fromLine: await ignoredFromLine(),
            isWireFormat: settings.usesWireFormat, looksForSignatures: checksSignatures)
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
            switch await hear() {
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
        expectMessage()
        await say(Reply(552, "Message header not CRLF terminated"))
        await endTransaction()
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
}
