import Bytes
import Configuration
import Expansion

extension StatementRun {
    /// Goes through the clauses in order until one does not hold.
    mutating func clauses(
        _ clauses: [AccessControlList.Clause], _ state: inout ACLState
    ) async -> ClauseResult {
        for clause in clauses {
            let result: ClauseResult
            do throws(ExpansionError) {
                if let done = try await modify(clause, &state) {
                    result = done
                } else {
                    result = negate(clause, try await condition(clause, &state))
                }
            } catch {
                // A forced failure leaves the clause out, as if it were not there.
                if case .forcedFailure = error { continue }
                // No statement may be passed over because of that, not even `warn`.
                let isValue = error.text.starts(with: ByteString("invalid \"condition\""))
                result = .broken(
                    isValue
                        ? error.text
                        : "failed to expand ACL string \"\(clause.value.source)\": \(error.text)")
            }
            if result != .holds { return result }
        }
        return .holds
    }

    private func negate(_ clause: AccessControlList.Clause, _ result: ClauseResult) -> ClauseResult {
        guard clause.isNegated else { return result }
        switch result {
        case .holds: return .fails
        case .fails: return .holds
        default: return result
        }
    }

    private mutating func condition(
        _ clause: AccessControlList.Clause, _ state: inout ACLState
    ) async throws(ExpansionError) -> ClauseResult {
        switch clause.name {
        case "acl": return try await nested(clause, &state)
        case "authenticated": return await authenticated(clause, &state)
        case "condition":
            let holds = try await evaluator.expander.isTrue(condition: clause.value, &state.facts)
            state.noteVariables()
            return holds ? .holds : .fails
        case "dnslists": return try await dnsLists(clause, &state)
        case "encrypted": return await encrypted(clause, &state)
        case "domains", "local_parts", "recipients": return await recipientList(clause, &state)
        case "hosts": return await hosts(clause, &state)
        case "senders", "sender_domains": return await senderList(clause, &state)
        case "verify": return try await verify(clause, &state)
        default: return .deferred("ACL condition \"\(clause.name)\" is not supported yet")
        }
    }

    private func result(_ match: ListMatch) -> ClauseResult {
        switch match {
        case .matched: .holds
        case .notMatched: .fails
        case .deferred(let reason): .deferred(reason)
        }
    }

    private func hosts(_ clause: AccessControlList.Clause, _ state: inout ACLState) async -> ClauseResult {
        let connection = state.facts.connection
        let host = HostIdentity(name: connection.hostName.name, address: connection.remoteAddress)
        return result(await evaluator.expander.matchHost(host, in: clause.list, &state.facts))
    }

    private func senderList(_ clause: AccessControlList.Clause, _ state: inout ACLState) async -> ClauseResult
    {
        let sender = state.facts.message.sender ?? ""
        guard clause.name == "sender_domains" else {
            return result(await evaluator.expander.matchAddress(sender, in: clause.list, &state.facts))
        }
        let domain = sender.cutAtLast(UInt8(ascii: "@")).map { ByteString($0.after) } ?? ""
        return result(await evaluator.expander.matchDomain(domain, in: clause.list, &state.facts))
    }

    private func recipientList(
        _ clause: AccessControlList.Clause, _ state: inout ACLState
    ) async -> ClauseResult {
        guard let recipient = state.recipient else {
            return .deferred("cannot test \(clause.name) condition in \(moment.place) ACL")
        }
        let expander = evaluator.expander
        let parts = recipient.cutAtLast(UInt8(ascii: "@")) ?? (recipient[...], [])
        switch clause.name {
        case "domains":
            let match = await expander.matchDomain(ByteString(parts.after), in: clause.list, &state.facts)
            if case .matched(let data) = match { state.facts.address.domainData = data }
            return result(match)
        case "local_parts":
            let match = await expander.matchLocalPart(ByteString(parts.before), in: clause.list, &state.facts)
            if case .matched(let data) = match { state.facts.address.localPartData = data }
            return result(match)
        default:
            return result(await expander.matchAddress(recipient, in: clause.list, &state.facts))
        }
    }

    private func authenticated(
        _ clause: AccessControlList.Clause, _ state: inout ACLState
    ) async -> ClauseResult {
        guard let name = state.facts.connection.authenticatorName else { return .fails }
        return result(
            await evaluator.expander.matchLocalPart(name, in: clause.list, &state.facts, caseful: true))
    }

    private func encrypted(_ clause: AccessControlList.Clause, _ state: inout ACLState) async -> ClauseResult
    {
        guard let cipher = state.facts.connection.tlsIn.cipher else { return .fails }
        return result(
            await evaluator.expander.matchLocalPart(cipher, in: clause.list, &state.facts, caseful: true))
    }

    /// `acl = name arg1 arg2`: the nested ACL's verdict is the condition's.
    private mutating func nested(
        _ clause: AccessControlList.Clause, _ state: inout ACLState
    ) async throws(ExpansionError) -> ClauseResult {
        let words = try await expand(clause, state).split { $0.isASCIISpace }.map { ByteString($0) }
        guard let name = words.first else { return .deferred("\"acl =\" names no ACL") }
        let outer = state.facts.extra
        for (index, word) in words.dropFirst().enumerated() {
            state.facts.extra["acl_arg\(index + 1)"] = TaintedBytes(word, .tainted)
        }
        state.facts.extra["acl_narg"] = TaintedBytes("\(words.count - 1)")
        let verdict = await evaluator.run(named: name, at: moment, &state, depth: depth + 1)
        state.facts.extra = outer
        conditionMessage = verdict.message
        conditionLogMessage = verdict.logMessage
        switch verdict.decision {
        case .accept, .discard: return .holds
        case .deny: return .fails
        case .drop: return .drops
        case .defer: return .deferred(verdict.logMessage ?? "nested ACL \"\(name)\" deferred")
        }
    }
}
