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
        await lookUpPeer()
        if let template = settings.activeHostName, let name = await expanded(template), !name.isEmpty {
            state.facts.connection.activeHostName = name
        }
        let verdict = await runACL(.connect)
        switch verdict.decision {
        case .accept, .discard: break
        case .deny, .drop, .defer:
            log.rejected(.connection, verdict, state)
            await say(
                refusal(
                    verdict, deny: Reply(550, "Administrative prohibition"),
                    defer: Reply(451, "Temporary local problem - please try later")))
            return false
        }
        let text = await expanded(settings.banner) ?? "\(activeHostName) ESMTP"
        await say(Reply(220, verdict.message ?? text))
        return isOpen
    }

    /// `host_lookup`: the peer's name, verified both ways.
    private mutating func lookUpPeer() async {
        guard let address = state.facts.connection.remoteAddress, await isListed(.hostLookup) else { return }
        let known = state.facts.connection.hostName
        if known.known == nil {
            known.settle(await system.expander.environment.namesOfAddress(address))
        }
    }

    /// Whether the client is in the host list of an option; trouble means no.
    mutating func isListed(_ option: ReceptionSettings.HostListOption) async -> Bool {
        guard let list = settings.lists[option], !list.source.isEmpty else { return false }
        let connection = state.facts.connection
        let host = HostIdentity(name: connection.hostName.name, address: connection.remoteAddress)
        return await system.expander.matchHost(host, in: list, &state.facts).isMatch
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
        return verdict
    }

    /// The reply of a refusal: the ACL's own text and code, or the standard one.
    func refusal(_ verdict: ACLVerdict, deny: Reply, defer later: Reply) -> Reply {
        let standard = verdict.decision == .defer ? later : deny
        guard let message = verdict.message else { return standard }
        return Self.custom(message, standard)
    }

    /// A text that may begin with a reply code of its own, used when its class is the standard one's.
    static func custom(_ message: ByteString, _ standard: Reply) -> Reply {
        let digits = message.prefix(3)
        guard digits.count == 3, digits.allSatisfy(\.isASCIIDigit),
            message.count == 3 || message[3] == .blank,
            let code = digits.decimalInteger()
        else { return Reply(standard.code, message) }
        let text = ByteString(message.dropFirst(4))
        return Reply(Int(code) / 100 == standard.code / 100 ? Int(code) : standard.code, text)
    }
}
