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
        facts.message.headersAdded = Self.shown(addedHeaders)
    }

    /// `$headers_added`: a list of lines with newlines between them, in which a newline of an item is doubled.
    private static func shown(_ headers: [AddedHeader]) -> ByteString {
        let lines = headers.map { header in
            ByteString(header.text.dropLast()).replacing(ByteString("\n"), with: ByteString("\n\n"))
        }
        return ByteString(lines.joined(separator: "\n"))
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
        _ clause: AccessControlList.Clause, _ argument: TaintedBytes, _ state: inout ACLState
    ) async -> ClauseResult? {
        switch clause.name {
        case "continue": break
        case "set": set(clause, argument, &state)
        case "add_header": state.add(header: argument.bytes)
        case "remove_header": state.removedHeaders.append(argument.bytes)
        case "logwrite": logwrite(argument.bytes, &state)
        case "control": return control(argument.bytes, &state)
        case "delay": return delay(argument.bytes, &state)
        case "log_reject_target": targets = Self.targets(argument.bytes)
        case "queue": return queue(argument, &state)
        case "udpsend": return await udpSend(argument.bytes)
        default: return nil
        }
        return .holds
    }

    private func set(
        _ clause: AccessControlList.Clause, _ value: TaintedBytes, _ state: inout ACLState
    ) {
        guard let variable = clause.variable else { return }
        if setSignatureVerdict(variable, value, &state) { return }
        if !state.variableOrder.contains(variable) { state.variableOrder.append(variable) }
        if variable.first == UInt8(ascii: "c") {
            state.facts.connection.aclVariables[variable] = value
        } else {
            state.facts.message.aclVariables[variable] = value
        }
    }

    private func logwrite(_ argument: ByteString, _ state: inout ACLState) {
        var text = argument[...]
        var targets: RejectTargets = .main
        if text.first == UInt8(ascii: ":"), let end = text.dropFirst().firstIndex(of: UInt8(ascii: ":")) {
            let list = text[(text.startIndex + 1)..<end]
            targets = Self.targets(ByteString(list).replacing(ByteString(","), with: ByteString(":")))
            text = text[(end + 1)...]
        }
        evaluator.log(.init(text: ByteString(text.trimmedStart()), targets: targets), &state)
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

    private func delay(_ text: ByteString, _ state: inout ACLState) -> ClauseResult {
        guard let seconds = EximInterval.parse(ByteString(text.trimmed())) else {
            return .broken(
                "syntax error in argument for \"delay\" modifier: \"\(text)\" is not a time value")
        }
        note("delay modifier requests \(seconds)-second delay")
        if evaluator.services.observer == nil {
            state.delay += seconds
        } else {
            note("delay skipped in -bh checking mode")
        }
        return .holds
    }

    private func queue(_ name: TaintedBytes, _ state: inout ACLState) -> ClauseResult {
        guard !name.bytes.contains(UInt8(ascii: "/")) else {
            return .broken("Directory separator not permitted in queue name: \"\(name.bytes)\"")
        }
        // The name is that of a directory, and a word of the line that asks for the delivery.
        guard name.bytes.allSatisfy({ $0 > .blank && $0 != 0x7F }),
            name.bytes.isEmpty || !name.bytes.allSatisfy({ $0 == UInt8(ascii: ".") })
        else {
            return .broken("queue name \"\(name.bytes)\" is not usable")
        }
        state.queue = name.bytes
        state.facts.message.queueName = name.bytes
        return .holds
    }
}
