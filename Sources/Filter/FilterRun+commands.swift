import Bytes
import Expansion
import MailText

extension FilterRun {
    mutating func obey(_ command: FilterCommand) async throws(FilterError) -> Step {
        switch command {
        case .add(let number, let variable): try await add(number, variable)
        case .deliver(let address, let errorsTo, let marks): try await deliver(address, errorsTo, marks)
        case .save(let path, let mode, let marks): try await save(path, mode, marks)
        case .pipe(let command, let marks): pipe(command, marks)
        case .mail(let command, let marks): try await mail(command, marks)
        case .finish(let marks):
            report(marks.isSeen == true ? "Seen finish" : "Finish")
            if marks.isSeen == true { outcome.isSignificant = true }
            return .end
        case .logfile(let path, let mode, let marks): try await openLog(path, mode, marks)
        case .logwrite(let text, let marks): try await writeLog(text, marks)
        case .testprint(let text, let marks):
            if marks.isSeen == true { outcome.isSignificant = true }
            guard isTest else { break }
            let value = try await expand(text.text, "testprint command").bytes
            report("Testprint: \(shown(value))")
        case .headers(let kind, let value): try await changeHeaders(kind, value)
        case .stop(let kind, let text): return try await stop(kind, text)
        case .choose(let branches): return try await choose(branches)
        }
        return .next
    }

    private mutating func choose(_ branches: [FilterBranch]) async throws(FilterError) -> Step {
        let address = thisAddress
        for branch in branches {
            if let condition = branch.condition, try await !holds(condition, isWhole: true) { continue }
            let step = try await obey(branch.commands)
            thisAddress = address
            showCounters()
            return step
        }
        thisAddress = address
        showCounters()
        return .next
    }

    private mutating func add(_ number: FilterWord, _ variable: FilterWord) async throws(FilterError) {
        let text = try await expand(number.text, "add command").bytes
        let name = try await expand(variable.text, "add command").bytes
        guard let value = text.decimalInteger() else {
            throw FilterError("malformed number \"\(text)\" in \"add\" command")
        }
        guard name.count == 2, name[0] == UInt8(ascii: "n"), name[1].isASCIIDigit else {
            throw FilterError("unknown variable \"\(name)\" in \"add\" command")
        }
        let increment = Int32(truncatingIfNeeded: value)
        report("Add \(increment) to \(name)")
        outcome.counters[Int(name[1] - UInt8(ascii: "0"))] &+= increment
        showCounters()
    }

    // MARK: Deliveries

    mutating func note(_ action: FilterAction, _ marks: FilterMarks, isSignificant: Bool) {
        outcome.deliveries.append(
            FilterDelivery(
                action: action, ignoresErrors: marks.ignoresErrors, captures: facts.captures,
                variables: ["thisaddress": thisAddress]))
        if isSignificant { outcome.isSignificant = true }
    }

    private func prefix(_ marks: FilterMarks, _ verb: ByteString) -> ByteString {
        guard marks.isSeen == false else { return verb }
        return "Unseen \(verb.lowercasedASCII())"
    }

    private func suffix(_ marks: FilterMarks) -> ByteString { marks.ignoresErrors ? " (noerror)" : "" }

    private mutating func deliver(
        _ word: FilterWord, _ errorsTo: FilterWord?, _ marks: FilterMarks
    ) async throws(FilterError) {
        let address = try await address(word, "deliver command")
        var errors: ByteString?
        if let errorsTo {
            errors = try await self.address(errorsTo, "deliver command").bytes
            guard setting.rights.isSystem || errors?.equalsIgnoringCase(setting.ownAddress) == true else {
                throw FilterError("errors_to must point to the caller's address")
            }
        }
        let rest: ByteString = errors.map { " errors_to \($0)" } ?? ""
        report("\(prefix(marks, "Deliver")) message to: \(address.bytes)\(rest)\(suffix(marks))")
        note(.deliver(address, errorsTo: errors), marks, isSignificant: marks.isSeen != false)
    }

    private func address(
        _ word: FilterWord, _ place: ByteString
    ) async throws(FilterError) -> TaintedBytes {
        let expanded = try await expand(word.text, place)
        let text = expanded.bytes
        do throws(AddressError) {
            guard !text.trimmed().isEmpty else { throw AddressError("empty address", in: text) }
            let parsed = try AddressParser.parseOne(text).address
            guard !parsed.isNull else { throw AddressError("missing or malformed local part", in: text) }
            return TaintedBytes(parsed.qualified(with: setting.qualifyDomain).text, expanded.taint)
        } catch {
            throw FilterError("malformed address \"\(text)\" in filter file: \(error.message)")
        }
    }

    private mutating func save(
        _ word: FilterWord, _ mode: UInt32?, _ marks: FilterMarks
    ) async throws(FilterError) {
        let path = try await expand(word.text, "save command")
        let digits = mode.map { String($0, radix: 8) }
        let shownMode = digits.map { String(repeating: "0", count: max(0, 4 - $0.count)) + $0 }
        let rest: ByteString = shownMode.map { " \($0)" } ?? ""
        report("\(prefix(marks, "Save")) message to: \(path.bytes)\(rest)\(suffix(marks))")
        note(.save(path, mode: mode), marks, isSignificant: marks.isSeen != false)
    }

    private mutating func pipe(_ word: FilterWord, _ marks: FilterMarks) {
        report("\(prefix(marks, "Pipe")) message to: \(word.text)\(suffix(marks))")
        note(.pipe(word.text), marks, isSignificant: marks.isSeen != false)
    }

    // MARK: Log files

    private mutating func openLog(
        _ word: FilterWord, _ mode: UInt32?, _ marks: FilterMarks
    ) async throws(FilterError) {
        let path = try await expand(word.text, "logfile command")
        if marks.isSeen == true { outcome.isSignificant = true }
        report("\(marks.isSeen == true ? "Seen logfile" : "Logfile") \(path.bytes)")
        logFile = (path, mode ?? 0o600)
    }

    private mutating func writeLog(_ word: FilterWord, _ marks: FilterMarks) async throws(FilterError) {
        var text = try await expand(word.text, "logwrite command").bytes
        if text.last != .newline { text.append(.newline) }
        if marks.isSeen == true { outcome.isSignificant = true }
        report("\(marks.isSeen == true ? "Seen logwrite" : "Logwrite") \"\(shown(text))\"")
        guard !isTest else { return }
        guard setting.rights.mayLog else { throw FilterError("logwrite command forbidden") }
        guard let logFile else {
            throw FilterError("attempt to obey \"logwrite\" command without a previous \"logfile\"")
        }
        let line = FilterLogLine(path: logFile.path, mode: logFile.mode, text: text)
        outcome.logLines.append(line)
        if let problem = await setting.writeLog?(line) {
            throw FilterError("failed to open filter log file \"\(logFile.path.bytes)\": \(problem)")
        }
    }

    // MARK: Header lines

    private mutating func changeHeaders(
        _ kind: HeadersCommand, _ word: FilterWord
    ) async throws(FilterError) {
        let value = try await expand(word.text, "headers command").bytes
        switch kind {
        case .charset:
            report("Headers charset \"\(value)\"")
            var environment = expander.environment
            environment.settings.headersCharset = value
            expander = Expander(environment)
        case .add:
            report("Headers add \"\(shown(value))\"")
            addHeaders(ByteString(value.trimmedStart()))
        case .remove:
            report("Headers remove \"\(shown(value))\"")
            for name in value.split(separator: UInt8(ascii: ":")) {
                removeHeaders(ByteString(name.trimmed()))
            }
        }
    }

    private mutating func addHeaders(_ text: ByteString) {
        guard !text.isEmpty else { return }
        var lines: [ByteString] = []
        for line in text.split(separator: .newline) {
            let isContinued = line.first == .blank || line.first == 0x09
            if isContinued, !lines.isEmpty {
                lines[lines.count - 1] += ByteString(line) + [UInt8.newline]
            } else {
                lines.append(ByteString(line) + [UInt8.newline])
            }
        }
        facts.message.headers += lines.map { HeaderText(text: $0) }
        outcome.headers = facts.message.headers
    }

    private mutating func removeHeaders(_ name: ByteString) {
        guard !name.isEmpty else { return }
        for index in facts.message.headers.indices {
            let text = facts.message.headers[index].text
            guard let colon = text.firstIndex(of: UInt8(ascii: ":")),
                text[..<colon].trimmedEnd().equalsIgnoringCase(name)
            else { continue }
            facts.message.headers[index].type = UInt8(ascii: "*")
        }
        outcome.headers = facts.message.headers
    }

    // MARK: Endings

    private mutating func stop(_ kind: StopCommand, _ word: FilterWord) async throws(FilterError) -> Step {
        let text = try await expand(word.text, "\(ByteString(kind.rawValue)) command").bytes
        var name = ByteString(kind.rawValue)
        if let first = name.first { name[0] = first.uppercasedASCII }
        report("\(name) text \"\(shown(text))\"")
        outcome.ending = .stopped(kind, text)
        return .end
    }
}
