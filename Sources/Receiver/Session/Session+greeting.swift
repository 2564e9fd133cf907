import ACL
import Bytes
import Configuration
import EximLog
import Expansion
import MailSystem
import MailText
import SMTP

extension Session {
    /// Looks the peer up, runs the connect ACL, and greets; false when the connection is refused.
    mutating func greet() async -> Bool {
        await askIdent()
        if await isListed(.hostLookup) { await lookUpPeer() }
        if let template = settings.activeHostName, let name = await expanded(template), !name.isEmpty {
            state.facts.connection.activeHostName = name
        }
        let verdict = await runACL(.connect)
        switch verdict.decision {
        case .accept, .discard: break
        case .deny, .drop, .defer:
            log.rejected(.connection, verdict, state)
            await refuse(verdict)
            return false
        }
        guard await waitsForGreeting() else { return false }
        let text = await expanded(settings.banner) ?? "\(activeHostName) ESMTP"
        await say(cut(Reply(220, verdict.message ?? text)))
        return isOpen
    }

    /// Asks the client's host who its user is (`rfc1413_hosts`).
    private mutating func askIdent() async {
        let connection = state.facts.connection
        guard isNetworked, !context.isRehearsal, settings.identTimeout > 0, await isListed(.identAsked),
            let query = IdentQuery(connection, timeout: settings.identTimeout)
        else { return }
        switch await query.answer() {
        case .user(let name): state.facts.connection.ident = name
        case .nothing: break
        case .timedOut:
            guard system.settings.logSelector.has(.identTimeout) else { return }
            log.main("ident connection to \(connection.remoteAddress?.text ?? "") timed out")
        }
    }

    /// Finds the peer's name, verified both ways, and tells when there is none.
    mutating func lookUpPeer() async {
        await context.acls.lookUpHost(&state)
        log.flush(&state)
    }

    /// Whether the client is in the host list of an option; trouble means no.
    mutating func isListed(_ option: ReceptionSettings.HostListOption) async -> Bool {
        await match(option).isMatch
    }

    /// Whether an option's host list has the client, or it cannot be told: for what protects.
    mutating func mayBeListed(_ option: ReceptionSettings.HostListOption) async -> Bool {
        if case .notMatched = await match(option) { false } else { true }
    }

    /// What an option's host list says of the client.
    mutating func match(_ option: ReceptionSettings.HostListOption) async -> ListMatch {
        guard let list = settings.lists[option], !list.source.isEmpty else { return .notMatched }
        let connection = state.facts.connection
        let host = HostIdentity(name: connection.hostName.name, address: connection.remoteAddress)
        return await system.expander.matchHost(host, in: list, &state.facts)
    }

    func expanded(_ template: Template) async -> ByteString? {
        do {
            return try await system.expander.expand(template, state.facts).bytes
        } catch {
            log.panic("failed to expand \"\(template.source)\": \(error.text)")
            return nil
        }
    }

    /// Runs the ACL of a moment, if one is set, and writes its log lines.
    mutating func runACL(_ moment: ACLMoment, unset: ACLVerdict = ACLVerdict(.accept)) async -> ACLVerdict {
        guard let option = system.configuration.main.template(moment.option) else { return unset }
        let verdict = await context.acls.run(option, at: moment, &state)
        log.flush(&state)
        await mark()
        await delay()
        return verdict
    }

    /// `control = dscp`: the last one counts.
    private func mark() async {
        guard let control = state.controls.last(where: { $0.name == "dscp" }),
            let trafficClass = TrafficClass(control.options)
        else { return }
        await wire.mark(trafficClass)
    }

    /// The reply of a refusal: the ACL's own text and code, or the standard one.
    func refusal(_ verdict: ACLVerdict, deny: Reply, defer later: Reply) -> Reply {
        let standard = verdict.decision == .defer ? later : deny
        guard let message = verdict.message else { return standard }
        var reply = Self.custom(LongText.parted(message), standard)
        if let details = verdict.details, !state.has("no_multiline_responses") {
            reply.lines.insert(contentsOf: Reply(reply.code, details).lines, at: 0)
        }
        return cut(reply)
    }

    /// The reply to what an ACL accepts: its own text, or the standard one.
    func acceptance(_ message: ByteString?, _ standard: Reply) -> Reply {
        cut(message.map { Self.custom(LongText.parted($0), standard) } ?? standard)
    }

    /// Tells the client that an ACL refuses, and ends the connection when it drops.
    mutating func refuse(
        _ verdict: ACLVerdict, deny: Reply = Reply(550, "Administrative prohibition")
    ) async {
        await say(
            refusal(
                verdict, deny: deny, defer: Reply(451, "Temporary local problem - please try later")))
        if verdict.decision == .drop { await drop() }
    }

    /// Ends the connection as an ACL wants it.
    mutating func drop() async {
        log.event(.droppedByACL, state.facts)
        await endWithoutQuit(for: "acl-drop")
        isOpen = false
    }

    /// With `control = no_multiline_responses` only the first line.
    func cut(_ reply: Reply) -> Reply {
        state.has("no_multiline_responses") ? Reply(reply.code, lines: Array(reply.lines.prefix(1))) : reply
    }

    /// A text that may begin with a reply code of its own, used when its class is the standard one's.
    static func custom(_ message: ByteString, _ standard: Reply) -> Reply {
        guard let code = ownCode(message) else { return Reply(standard.code, message) }
        return Reply(
            code / 100 == standard.code / 100 ? code : standard.code, ByteString(message.dropFirst(4)))
    }

    /// The reply code at the beginning of a text.
    static func ownCode(_ message: ByteString) -> Int? {
        guard message.count > 3, message.prefix(3).allSatisfy(\.isASCIIDigit), message[3].isASCIISpace else {
            return nil
        }
        return message.prefix(3).decimalInteger().map { Int($0) }
    }
}

/// Texts for clients in lines that are not too long.
private enum LongText {
    /// What fits into a line.
    static let width = 75

    /// The text with newlines in place of blanks, so that its lines are no longer than `width` where blanks allow it.
    static func parted(_ text: ByteString) -> ByteString {
        var lines: [ByteString] = []
        for line in text.split(separator: .newline, omittingEmptySubsequences: false) {
            var rest = line
            while rest.count > width, let place = breakPlace(rest) {
                lines.append(ByteString(rest[..<place]))
                rest = rest[(place + 1)...]
            }
            lines.append(ByteString(rest))
        }
        return ByteString(lines.joined(separator: "\n"))
    }

    /// Where a line begins to be long enough.
    static let least = 35

    /// Behind a colon where there is one, else at the last blank that fits; the line's first part stays whole.
    private static func breakPlace(_ line: ArraySlice<UInt8>) -> Int? {
        let (first, last) = (line.startIndex + least, line.startIndex + width)
        let colon = line.indices.last { place in
            (first...last).contains(place) && line[place] == UInt8(ascii: ":")
                && place + 1 < line.endIndex && line[place + 1] == .blank
        }
        if let colon { return colon + 1 }
        return line[first...last].lastIndex(of: .blank) ?? line[last...].firstIndex(of: .blank)
    }
}
