import Bytes
import MailText
import OpenSSL

extension Evaluation {
    /// Items with plain arguments, and those whose groups are arguments and then branches.
    mutating func item(_ call: ItemCall) async throws(ExpansionError) -> TaintedBytes {
        switch call.name {
        case .acl: return try await callACL(call.groups).message ?? ""
        case .extract: return try await extract(call)
        case .listextract: return try await listExtract(call)
        case .env: return try await processVariable(call)
        case .certextract: return try await certificateField(call)
        case .prvscheck: return try await checkPRVS(call)
        case .readsocket: return try await readSocket(call.groups)
        default:
            var arguments: [TaintedBytes] = []
            for group in call.groups { arguments.append(try await text(group.nodes)) }
            return try await apply(call.name, arguments)
        }
    }

    private mutating func apply(
        _ name: ItemName, _ arguments: [TaintedBytes]
    ) async throws(ExpansionError) -> TaintedBytes {
        switch name {
        case .length, .substr, .hash, .nhash: return try numeric(name, arguments)
        case .sg: return try await substitute(arguments[0], arguments[1].bytes, arguments[2])
        case .tr: return translate(arguments)
        case .hmac: return TaintedBytes(try hmac(arguments))
        case .listquote: return listQuote(arguments)
        case .imapfolder: return try folderName(arguments)
        case .prvs: return TaintedBytes(try PRVS.sign(arguments.map(\.bytes), now: environment.now().seconds))
        case .readfile: return try readFile(arguments)
        case .authresults:
            let methods = facts.extra["authresults"] ?? AuthenticationResults.known(facts)
            return TaintedBytes(
                "Authentication-Results: \(arguments[0].bytes)\(methods.bytes)", methods.taint)
        case .perl: throw .failed("A setting of perl_startup is needed when using the Perl interpreter")
        case .dlfunc:
            throw .failed("dlopen \"\(arguments[0].bytes)\" failed: loading of code is not supported")
        case .srsEncode:
            let sender = try SRS.encode(
                arguments[1].bytes, secret: arguments[0].bytes, forwarder: arguments[2].bytes,
                now: environment.now().seconds)
            return TaintedBytes(sender, arguments[1].taint)
        default: throw .failed("\"\(name.rawValue)\" has no arguments of its own")
        }
    }

    private func number(_ text: ByteString, _ name: ItemName) throws(ExpansionError) -> Int {
        let trimmed = text.trimmed()
        if trimmed.isEmpty { return 0 }
        guard let value = trimmed.decimalInteger(), let number = Int(exactly: value) else {
            let kind: ByteString = name == .length ? "positive number" : "number"
            throw .failed("\"\(text)\" is not a \(kind) (in \"\(name.rawValue)\" expansion)")
        }
        if number < 0, name != .substr {
            throw .failed("\"\(text)\" is not a positive number (in \"\(name.rawValue)\" expansion)")
        }
        return number
    }

    private func numeric(
        _ name: ItemName, _ arguments: [TaintedBytes]
    ) throws(ExpansionError) -> TaintedBytes {
        guard let subject = arguments.last else { return "" }
        let first = try number(arguments[0].bytes, name)
        let second = arguments.count > 2 ? try number(arguments[1].bytes, name) : nil
        if let second, second < 0 {
            throw .failed(
                "\"\(arguments[1].bytes)\" is not a positive number (in \"\(name.rawValue)\" expansion)")
        }
        let result: ByteString
        switch name {
        case .length: result = ByteString(subject.bytes.prefix(first))
        case .substr: result = Substring.of(subject.bytes, start: first, length: second)
        case .hash: result = try Hashing.letterHash(subject.bytes, length: first, letters: second)
        default: result = Hashing.numberHash(subject.bytes, first, second)
        }
        return TaintedBytes(result, subject.taint)
    }

    private func translate(_ arguments: [TaintedBytes]) -> TaintedBytes {
        let (from, to) = (arguments[1].bytes, arguments[2].bytes)
        guard let last = to.last else { return arguments[0] }
        let translated = arguments[0].bytes.map { octet in
            guard let place = from.lastIndex(of: octet) else { return octet }
            return place < to.count ? to[place] : last
        }
        return TaintedBytes(ByteString(translated), arguments[0].taint.joined(with: arguments[2].taint))
    }

    private func hmac(_ arguments: [TaintedBytes]) throws(ExpansionError) -> ByteString {
        let name = arguments[0].bytes
        guard name == "md5" || name == "sha1" else {
            throw .failed("hmac algorithm \"\(name)\" is not recognised")
        }
        let algorithm: Digest.Algorithm = name == "md5" ? .md5 : .sha1
        return Hex.encode(try Hashing.hmac(arguments[2].bytes, key: arguments[1].bytes, algorithm))
    }

    private func listQuote(_ arguments: [TaintedBytes]) -> TaintedBytes {
        guard let separator = arguments[0].bytes.first else { return arguments[1] }
        if arguments[1].bytes.isEmpty { return " " }
        var output = ListOutput(separator: separator)
        output.add(arguments[1])
        return output.value
    }

    private func folderName(_ arguments: [TaintedBytes]) throws(ExpansionError) -> TaintedBytes {
        let separator = arguments.count > 1 ? arguments[1].bytes : "/"
        guard separator.count == 1, let octet = separator.first else {
            throw .failed("IMAP folder separator must be one character, found \"\(separator)\"")
        }
        let special = arguments.count > 2 ? arguments[2].bytes : ""
        let name = try FolderName(separator: octet, special: special)
            .encode(arguments[0].bytes, from: environment.settings.headersCharset)
        return TaintedBytes(name, arguments[0].taint)
    }

    private func readFile(_ arguments: [TaintedBytes]) throws(ExpansionError) -> TaintedBytes {
        guard !environment.forbidden.contains(.readfile) else {
            throw .failed("file insertions are not permitted")
        }
        guard !arguments[0].taint.isTainted else { throw .failed("Tainted filename '\(arguments[0].bytes)'") }
        let contents = try FileAccess.read(arguments[0].bytes)
        guard arguments.count > 1 else { return TaintedBytes(contents) }
        return TaintedBytes(contents.replacing(ByteString("\n"), with: arguments[1].bytes))
    }

    /// Runs the ACL that the first argument names; the others are `$acl_arg1` and so on.
    mutating func callACL(
        _ groups: [Group]
    ) async throws(ExpansionError) -> (holds: Bool, message: TaintedBytes?) {
        var arguments: [TaintedBytes] = []
        for group in groups { arguments.append(try await text(group.nodes)) }
        let name = arguments.removeFirst()
        guard !name.taint.isTainted else {
            throw .failed("attempt to use tainted ACL text \"\(name.bytes)\"")
        }
        var inner = facts
        for index in 1...9 {
            inner.extra["acl_arg\(index)"] = index <= arguments.count ? arguments[index - 1] : ""
        }
        inner.extra["acl_narg"] = Variables.number(arguments.count)
        guard depth < Self.deepestCall else { throw .failed("ERROR from acl \"\(name.bytes)\"") }
        inner.callDepth = depth + 1
        let result = await environment.callACL(ACLCall(name: name.bytes, facts: inner, expander: expander))
        ranACL = true
        facts.keepACLVariables(of: result.facts)
        switch result.answer {
        case .accepted(let message): return (true, message)
        case .denied(let message): return (false, message)
        case .deferred: throw .forcedFailure("DEFER from acl \"\(name.bytes)\"")
        case .failed(let code): throw .failed("\(code) from acl \"\(name.bytes)\"")
        }
    }
}
