import Bytes
import Expansion
import Lookups
import MailText

/// The conditions `decode`, `regex` and `mime_regex` (manual, sections 45.4 and 45.5).
extension StatementRun {
    /// The copy of the message, made; where there is none, or it cannot be made, the message is left for later.
    func scanned(_ state: inout ACLState) async throws(ScanTrouble) -> ScanCopy {
        guard let copy = state.scanning.copy else { throw ScanTrouble("there is no message to look at") }
        try await copy.make(state.facts, date: evaluator.inboxDate(state))
        return copy
    }

    /// `decode`: puts the part into a file.
    func decode(_ argument: TaintedBytes, _ state: inout ACLState) async -> ClauseResult {
        if argument.bytes == "0" || argument.bytes == "false" { return .fails }
        guard let copy = state.scanning.copy, let path = decodedPath(argument.bytes, copy) else {
            return .deferred("")
        }
        guard argument.taint == .clean else {
            evaluator.log(.init(text: "Tainted filename '\(path)'", targets: [.main, .panic]), &state)
            return .deferred("")
        }
        return await decode(into: path, copy, &state) ? .holds : .deferred("")
    }

    private func decodedPath(_ name: ByteString, _ copy: ScanCopy) -> ByteString? {
        if name == "default" || name.isEmpty { return "\(copy.folder)/\(copy.nextName())" }
        guard name.first == UInt8(ascii: "/") else { return "\(copy.folder)/\(name)" }
        return ScanFolder.isFolder(name) ? "\(name)/\(copy.nextName())" : name
    }

    private func decode(into path: ByteString, _ copy: ScanCopy, _ state: inout ACLState) async -> Bool {
        guard let part = state.facts.message.scan.part, let file = state.scanning.partFile else {
            return false
        }
        do throws(ScanTrouble) {
            state.facts.message.scan.decoded =
                try await MIMEDecoding(file: file, part: part, owner: copy.owner).run(into: path)
            return true
        } catch {
            note("\(error.text)")
            return false
        }
    }

    /// `regex`: whether a line of the message, or of the part, matches one of the expressions.
    func regex(_ argument: ByteString, _ state: inout ACLState) async -> ClauseResult {
        let patterns = patterns(argument, &state)
        if patterns.isEmpty { return .fails }
        do throws(ScanTrouble) {
            let copy = try await scanned(&state)
            let part = state.facts.message.scan.part
            let file = state.scanning.partFile ?? copy.path
            let found = await ScanThread.run {
                Result { () throws(ScanTrouble) in try Self.search(file, part, patterns) }
            }
            return remember(try found.get(), &state)
        } catch {
            return .deferred(error.text)
        }
    }

    /// `mime_regex`: whether the decoded part matches, as far as the first 32 kilobytes go.
    func mimeRegex(_ argument: ByteString, _ state: inout ACLState) async -> ClauseResult {
        let patterns = patterns(argument, &state)
        if patterns.isEmpty { return .fails }
        guard let copy = state.scanning.copy else { return .deferred("") }
        if state.facts.message.scan.decoded == nil {
            guard await decode(into: "\(copy.folder)/\(copy.nextName())", copy, &state) else {
                return .deferred("")
            }
        }
        guard let path = state.facts.message.scan.decoded?.path else { return .deferred("") }
        do throws(ScanTrouble) {
            let found = await ScanThread.run {
                Result { () throws(ScanTrouble) in
                    var reader = try ScanReader(path)
                    let text = ByteString(try reader.nextBlock().prefix(ScanReader.longestPiece - 1))
                    return try Self.match(text, patterns)
                }
            }
            return remember(try found.get(), &state)
        } catch {
            return .deferred(error.text)
        }
    }

    /// What was found: the expression as it was written, and its captures.
    private struct Find: Sendable {
        let pattern: ByteString
        let captures: [TaintedBytes]
    }

    /// The most captures that have a variable.
    private static let mostCaptures = 9

    private func patterns(
        _ list: ByteString, _ state: inout ACLState
    ) -> [(source: ByteString, code: PCRE2Pattern)] {
        state.facts.message.scan.regexMatch = nil
        state.facts.message.scan.regexCaptures = []
        var result: [(source: ByteString, code: PCRE2Pattern)] = []
        for source in ListItems(list) {
            do throws(PatternError) {
                // Where several match, Exim tells the last.
                result.insert((source, try PCRE2Pattern.compile(source)), at: 0)
            } catch {
                evaluator.log(
                    .init(
                        text: """
                            regex acl condition warning - error in regex '\(source)': \(error.words), skipped.
                            """, targets: .main), &state)
            }
        }
        return result
    }

    private static func search(
        _ file: ByteString, _ part: MIMEPart?, _ patterns: [(source: ByteString, code: PCRE2Pattern)]
    ) throws(ScanTrouble) -> Find? {
        var reader = try ScanReader(file, from: part?.bodyStart ?? 0)
        while let line = try reader.next() {
            if line.beginsLine, let enclosing = part?.enclosing, line.octets.behindBoundary(enclosing) != nil
            {
                return nil
            }
            if let find = try match(ByteString(line.octets), patterns) { return find }
        }
        return nil
    }

    private static func match(
        _ text: ByteString, _ patterns: [(source: ByteString, code: PCRE2Pattern)]
    ) throws(ScanTrouble) -> Find? {
        for (source, code) in patterns {
            let match: PatternMatch?
            do throws(PatternError) { match = try code.firstMatch(in: text) } catch {
                throw ScanTrouble("regex '\(source)': \(error.words)")
            }
            guard let match else { continue }
            let captures = match.captures.indices.dropFirst().prefix(mostCaptures).map { index in
                TaintedBytes(ByteString(match.octets(of: index, in: text) ?? []), .tainted)
            }
            return Find(pattern: source, captures: captures)
        }
        return nil
    }

    private func remember(_ find: Find?, _ state: inout ACLState) -> ClauseResult {
        guard let find else { return .fails }
        state.facts.message.scan.regexMatch = TaintedBytes(find.pattern)
        state.facts.message.scan.regexCaptures = find.captures
        return .holds
    }
}
