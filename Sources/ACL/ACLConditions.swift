import Bytes
import Configuration
import Expansion
import MailText

extension StatementRun {
    /// Goes through the clauses in order until one does not hold.
    mutating func clauses(
        _ clauses: [AccessControlList.Clause], _ state: inout ACLState
    ) async -> ClauseResult {
        for clause in clauses {
            let result: ClauseResult
            do throws(ExpansionError) {
                result = try await obey(clause, &state)
            } catch {
                // A forced failure leaves the clause out, as if it were not there.
                if case .forcedFailure = error { continue }
                // No statement may be passed over because of that, not even `warn`.
                result = .broken("failed to expand ACL string \"\(clause.value.source)\": \(error.text)")
            }
            if result != .holds { return result }
        }
        return .holds
    }

    /// Clauses whose argument is expanded before anything else; the others expand it themselves, as lists.
    private static let expanded: Set<ByteString> = [
        "add_header", "condition", "continue", "control", "decode", "delay", "dmarc_status", "dnslists",
        "log_reject_target", "logwrite", "malware", "mime_regex", "queue", "ratelimit", "regex",
        "remove_header", "seen", "set",
        "spam", "spf", "spf_guess", "udpsend", "verify",
    ]

    private mutating func obey(
        _ clause: AccessControlList.Clause, _ state: inout ACLState
    ) async throws(ExpansionError) -> ClauseResult {
        switch clause.name {
        case "message":
            note("  message: \(clause.value.source)")
            message = clause.value
            return .holds
        case "log_message":
            note("l_message: \(clause.value.source)")
            logMessage = clause.value
            return .holds
        case "endpass":
            endpass = true
            return .holds
        default: break
        }
        var argument = TaintedBytes(clause.value.source)
        if Self.expanded.contains(clause.name) {
            argument = try await evaluator.expander.expand(clause.value, updating: &state.facts)
            state.noteVariables()
        }
        noteCheck(clause, argument.bytes)
        if let misfit = misfit(clause) { return misfit }
        if let result = await modify(clause, argument, &state) { return result }
        if let result = await scan(clause, argument, &state) { return negate(clause, result) }
        return negate(clause, try await condition(clause, argument.bytes, &state))
    }

    /// What does not fit the moment is a mistake of the configuration.
    private func misfit(_ clause: AccessControlList.Clause) -> ClauseResult? {
        if ACLFitness.fits(clause.name, at: moment) { return nil }
        let isModifier = ["add_header", "remove_header", "queue", "delay"].contains(clause.name)
        return .broken("cannot \(isModifier ? "use" : "test") \(clause.name) condition in \(moment.name) ACL")
    }

    private func negate(_ clause: AccessControlList.Clause, _ result: ClauseResult) -> ClauseResult {
        guard clause.isNegated else { return result }
        switch result {
        case .holds: return .fails
        case .fails, .drops: return .holds
        default: return result
        }
    }

    /// The conditions that look into the message; nil for another.
    private func scan(
        _ clause: AccessControlList.Clause, _ argument: TaintedBytes, _ state: inout ACLState
    ) async -> ClauseResult? {
        switch clause.name {
        case "decode": await decode(argument, &state)
        case "malware": await malware(argument.bytes, &state)
        case "mime_regex": await mimeRegex(argument.bytes, &state)
        case "regex": await regex(argument.bytes, &state)
        case "spam": await spam(argument.bytes, &state)
        default: nil
        }
    }

    private mutating func condition(
        _ clause: AccessControlList.Clause, _ argument: ByteString, _ state: inout ACLState
    ) async throws(ExpansionError) -> ClauseResult {
        switch clause.name {
        case "acl": return try await nested(clause, &state)
        case "authenticated":
            return await name(state.facts.connection.authenticatorName, clause, &state)
        case "condition": return truth(argument)
        case "dkim_signers", "dkim_status": return await signature(clause, &state)
        case "dmarc_status": return await authorPolicy(argument, &state)
        case "dnslists": return await dnsLists(argument, &state)
        case "encrypted": return await name(state.facts.connection.tlsIn.cipher, clause, &state)
        case "domains", "local_parts", "recipients": return await recipientList(clause, &state)
        case "hosts": return await hosts(clause, &state)
        case "ratelimit": return await rateLimit(argument, &state)
        case "seen": return await seen(argument, &state)
        case "senders", "sender_domains": return await senderList(clause, &state)
        case "spf", "spf_guess":
            return await senderPolicy(argument, guessing: clause.name == "spf_guess", &state)
        case "verify": return await verify(argument, &state)
        default: return .broken("ACL condition \"\(clause.name)\" is not supported yet")
        }
    }

    func result(_ match: ListMatch) -> ClauseResult {
        switch match {
        case .matched: .holds
        case .notMatched: .fails
        case .deferred(let reason): .deferred(reason)
        }
    }

    /// The rule of `condition =`: what is neither yes nor no cannot be told.
    private func truth(_ text: ByteString) -> ClauseResult {
        var digits = text[...]
        if digits.first == UInt8(ascii: "-") { digits = digits.dropFirst() }
        if !digits.isEmpty, digits.allSatisfy(\.isASCIIDigit) {
            return digits.contains { $0 != UInt8(ascii: "0") } ? .holds : .fails
        }
        switch text.lowercasedASCII() {
        case "", "no", "false": return .fails
        case "yes", "true": return .holds
        default: return .deferred("invalid \"condition\" value \"\(text)\"")
        }
    }

    private func hosts(_ clause: AccessControlList.Clause, _ state: inout ACLState) async -> ClauseResult {
        let host = HostIdentity(
            name: state.facts.connection.hostName.name, address: state.facts.connection.remoteAddress)
        let match = await evaluator.expander.matchHost(host, in: clause.list, &state.facts)
        if case .matched(let data) = match { state.facts.address.hostData = data }
        return result(match)
    }

    private func senderList(_ clause: AccessControlList.Clause, _ state: inout ACLState) async -> ClauseResult
    {
        let sender = state.facts.message.sender ?? ""
        guard clause.name == "sender_domains" else {
            let match = await evaluator.expander.matchAddress(sender, in: clause.list, &state.facts)
            if case .matched(let data) = match, let data { state.facts.message.senderData = data }
            return result(match)
        }
        let domain = sender.cutAtLast(UInt8(ascii: "@")).map { ByteString($0.after) } ?? ""
        return result(await evaluator.expander.matchDomain(domain, in: clause.list, &state.facts))
    }

    private func recipientList(
        _ clause: AccessControlList.Clause, _ state: inout ACLState
    ) async -> ClauseResult {
        guard let recipient = state.recipient else {
            return .broken("cannot test \(clause.name) condition in \(moment.name) ACL")
        }
        let expander = evaluator.expander
        let parts = recipient.cutAtLast(UInt8(ascii: "@")) ?? (recipient[...], [])
        switch clause.name {
        case "domains":
            let match = await expander.matchDomain(ByteString(parts.after), in: clause.list, &state.facts)
            if case .matched(let data) = match { state.facts.address.domainData = data }
            return result(match)
        case "local_parts":
            let match = await expander.matchLocalPart(
                ByteString(parts.before).unquotedLocalPart, in: clause.list, &state.facts)
            if case .matched(let data) = match { state.facts.address.localPartData = data }
            return result(match)
        default:
            let match = await expander.matchAddress(recipient, in: clause.list, &state.facts)
            if case .matched(let data) = match, let data { state.facts.message.recipientData = data }
            return result(match)
        }
    }

    /// `authenticated` and `encrypted`: a name that there is or is not, in a list of strings.
    private func name(
        _ name: ByteString?, _ clause: AccessControlList.Clause, _ state: inout ACLState
    ) async -> ClauseResult {
        guard let name else { return .fails }
        return result(
            await evaluator.expander.matchLocalPart(name, in: clause.list, &state.facts, caseful: true))
    }

    /// `acl = name arg1 arg2`: the nested ACL's verdict is the condition's.
    private mutating func nested(
        _ clause: AccessControlList.Clause, _ state: inout ACLState
    ) async throws(ExpansionError) -> ClauseResult {
        // As in Exim each word is expanded by itself, after the text was split.
        var words: [TaintedBytes] = []
        for word in QuotedString.words(of: clause.value.source).prefix(Self.mostArguments + 1) {
            words.append(try await evaluator.expander.expand(Template(word), updating: &state.facts))
        }
        guard let name = words.first else { return .broken("\"acl =\" names no ACL") }
        let outer = state.facts.extra
        for (index, word) in words.dropFirst().enumerated() {
            state.facts.extra["acl_arg\(index + 1)"] = word
        }
        state.facts.extra["acl_narg"] = TaintedBytes("\(words.count - 1)")
        let verdict = await evaluator.run(named: name, at: moment, &state, depth: scene.depth + 1)
        state.facts.extra = outer
        conditionMessage = verdict.message
        conditionLogMessage = verdict.logMessage
        return nestedResult(verdict)
    }

    /// The most arguments of a nested ACL (manual, condition `acl`).
    private static let mostArguments = 9

    private func nestedResult(_ verdict: ACLVerdict) -> ClauseResult {
        switch verdict.decision {
        case .accept: return .holds
        case .discard:
            guard verb != .accept, verb != .discard else { return .discards(verdict.logMessage) }
            let verb = ByteString(verb.rawValue)
            return .broken(
                "nested ACL returned \"discard\" for \"\(verb)\" command (only allowed with \"accept\" or \"discard\")"
            )
        case .deny: return .fails
        case .drop: return .drops
        case .defer where verdict.isError: return .broken(verdict.logMessage ?? "")
        case .defer: return .deferred(verdict.logMessage ?? "")
        }
    }
}
