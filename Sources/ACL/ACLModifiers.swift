package import Bytes
import Configuration
import Expansion

extension ACLState {
    /// Adds header lines as `add_header` gives them: a place, a name, continuation lines.
    package mutating func add(header text: ByteString) {
        var rest = text[...]
        while rest.first == .newline { rest = rest.dropFirst() }
        var place = AddedHeader.Place.end
        for (mark, meaning) in Self.places where rest.startsIgnoringCase(with: mark) {
            place = meaning
            rest = rest.dropFirst(mark.count).trimmedStart()
        }
        for line in Self.headerLines(rest) {
            if addedHeaders.contains(where: { $0.text == line }) { continue }
            addedHeaders.append(.init(text: line, place: place))
        }
    }

    private static let places: [(ByteString, AddedHeader.Place)] = [
        (":after_received:", .afterReceived), (":at_start_rfc:", .afterResentOrReceived),
        (":at_start:", .start), (":at_end:", .end),
    ]

    /// Cuts a text into header lines; a line without a name becomes `X-ACL-Warn:`.
    private static func headerLines(_ text: ArraySlice<UInt8>) -> [ByteString] {
        var lines: [ByteString] = []
        for part in text.split(separator: .newline, omittingEmptySubsequences: true) {
            if let first = part.first, first.isASCIISpace, !lines.isEmpty {
                lines[lines.count - 1] += part
                lines[lines.count - 1].append(.newline)
                continue
            }
            let nameEnd = part.firstIndex { $0 <= 0x20 || $0 == UInt8(ascii: ":") || $0 > 126 }
            let isNamed = nameEnd.map { $0 > part.startIndex && part[$0] == UInt8(ascii: ":") } ?? false
            lines.append(isNamed ? "\(part)\n" : "X-ACL-Warn: \(part)\n")
        }
        return lines
    }
}

extension StatementRun {
    /// Obeys a modifier; nil when the clause is a condition.
    mutating func modify(
        _ clause: AccessControlList.Clause, _ state: inout ACLState
    ) async throws(ExpansionError) -> ClauseResult? {
        switch clause.name {
        case "message": message = clause.value
        case "log_message": logMessage = clause.value
        case "endpass": endpass = true
        case "continue": _ = try await expand(clause, state)
        case "set": try await set(clause, &state)
        case "add_header":
            guard moment.hasTransaction else { return notHere(clause) }
            state.add(header: try await expand(clause, state))
        case "remove_header":
            guard moment.hasTransaction else { return notHere(clause) }
            state.removedHeaders.append(try await expand(clause, state))
        case "logwrite": try await logwrite(clause, &state)
        case "control": return try await control(clause, &state)
        case "delay": return try await delay(clause, &state)
        case "log_reject_target": targets = Self.targets(try await expand(clause, state))
        case "queue": state.queue = try await expand(clause, state)
        default: return nil
        }
        return .holds
    }

    func expand(_ clause: AccessControlList.Clause, _ state: ACLState) async throws(ExpansionError)
        -> ByteString
    {
        if let literal = clause.value.literal { return literal }
        return try await evaluator.expander.expand(clause.value, state.facts).bytes
    }

    private func notHere(_ clause: AccessControlList.Clause) -> ClauseResult {
        .broken("cannot use \(clause.name) condition in \(moment.place) ACL")
    }

    private func set(
        _ clause: AccessControlList.Clause, _ state: inout ACLState
    ) async throws(ExpansionError) {
        guard let variable = clause.variable else { return }
        let value = try await evaluator.expander.expand(clause.value, updating: &state.facts)
        state.noteVariables()
        if !state.variableOrder.contains(variable) { state.variableOrder.append(variable) }
        if variable.first == UInt8(ascii: "c") {
            state.facts.connection.aclVariables[variable] = value
        } else {
            state.facts.message.aclVariables[variable] = value
        }
    }

    private func logwrite(
        _ clause: AccessControlList.Clause, _ state: inout ACLState
    ) async throws(ExpansionError) {
        var text = try await expand(clause, state)[...]
        var targets: RejectTargets = .main
        if text.first == UInt8(ascii: ":") {
            let list = text.dropFirst().prefix { !$0.isASCIISpace }
            targets = Self.targets(ByteString(list).replacing(ByteString(","), with: ByteString(":")))
            text = text.dropFirst(1 + list.count)
        }
        state.logLines.append(.init(text: ByteString(text.trimmedStart()), targets: targets))
    }

    static func targets(_ list: ByteString) -> RejectTargets {
        var targets: RejectTargets = []
        for item in list.split(separator: UInt8(ascii: ":")) {
            switch ByteString(item.trimmed()) {
            case "main": targets.insert(.main)
            case "reject": targets.insert(.reject)
            case "panic": targets.insert(.panic)
            default: break
            }
        }
        return targets
    }

    private func control(
        _ clause: AccessControlList.Clause, _ state: inout ACLState
    ) async throws(ExpansionError) -> ClauseResult {
        let text = try await expand(clause, state)
        let parts = text.cut(at: UInt8(ascii: "/")) ?? (text[...], [])
        let name = ByteString(parts.before.trimmed())
        guard Self.controls.contains(name) || name.starts(with: ByteString("fake")) else {
            return .deferred("syntax error in \"control = \(text)\": unknown control")
        }
        state.controls.append(.init(name: name, options: ByteString(parts.after.trimmed())))
        return .holds
    }

    /// Controls that have an effect here, or that ask for what is done anyway.
    static let controls: Set<ByteString> = [
        "caseful_local_part", "caselower_local_part", "dkim_disable_verify", "dmarc_disable_verify",
        "enforce_sync", "error", "freeze", "no_callout_flush", "no_delay_flush", "no_enforce_sync",
        "no_multiline_responses", "no_pipelining", "no_mbox_unspool", "queue", "queue_only", "submission",
        "suppress_local_fixups", "allow_auth_unadvertised",
    ]

    private func delay(
        _ clause: AccessControlList.Clause, _ state: inout ACLState
    ) async throws(ExpansionError) -> ClauseResult {
        let text = try await expand(clause, state)
        guard let seconds = EximInterval.parse(ByteString(text.trimmed())) else {
            return .deferred(
                "syntax error in argument for \"delay\" modifier: \"\(text)\" is not a time value")
        }
        state.delay += seconds
        return .holds
    }
}
