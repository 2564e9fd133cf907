import Bytes
import Glibc
import Lookups
import MailText
import OpenSSL

extension Evaluation {
    /// Expands an operator's text and applies the operator (manual, section 11.6).
    mutating func operate(_ call: OperatorCall, _ body: [Node]) async throws(ExpansionError) -> TaintedBytes {
        if let result = try operate(call, onCertificate: body) { return result }
        let subject = try await text(body)
        switch call.name {
        case .expand: return try await expandAgain(subject)
        case .listnamed: return try namedList(subject.bytes, kind: call.suffix)
        case .listcount: return Variables.number(ListItems(subject.bytes).reduce(0) { count, _ in count + 1 })
        case .quote where !call.suffix.isEmpty: return try quote(subject, for: call.suffix)
        case .stat: return try stat(subject.bytes)
        case .randint:
            let limit = try EximNumber.read(subject.bytes)
            return Variables.number(environment.random(UInt32(clamping: limit)))
        case .rfc2047:
            let charset = environment.settings.headersCharset
            return TaintedBytes(EncodedWords.encode(subject.bytes, charset: charset), subject.taint)
        case .rfc2047d:
            let decoded = try EncodedWords.decode(
                subject.bytes, into: environment.settings.headersCharset,
                checksLength: environment.settings.checkRFC2047Length)
            return TaintedBytes(decoded, subject.taint)
        case .escape:
            return TaintedBytes(environment.shown(subject.bytes, tabPrints: true), subject.taint)
        case .utf8DomainToALabel, .utf8DomainFromALabel, .utf8LocalPartToALabel, .utf8LocalPartFromALabel:
            return TaintedBytes(try internationalName(call.name, subject.bytes), subject.taint)
        case .address, .addresses, .domain, .localPart: return operateOnAddress(call.name, subject)
        default: return TaintedBytes(try Self.apply(call, subject.bytes), subject.taint)
        }
    }

    private mutating func expandAgain(_ subject: TaintedBytes) async throws(ExpansionError) -> TaintedBytes {
        guard !subject.taint.isTainted else {
            throw .failed(
                "internal expansion of \"\(subject.bytes)\" failed: attempt to expand tainted string '\(subject.bytes)'"
            )
        }
        do {
            return try await expand(Template(subject.bytes))
        } catch {
            guard case .failed(let text) = error else { throw error }
            throw .failed("internal expansion of \"\(subject.bytes)\" failed: \(text)")
        }
    }

    private func namedList(_ name: ByteString, kind: ByteString) throws(ExpansionError) -> TaintedBytes {
        let lists = environment.namedLists
        let (tables, word): ([[ByteString: ListText]], ByteString) =
            switch kind {
            case "d": ([lists.domain], "domain ")
            case "h": ([lists.host], "host ")
            case "a": ([lists.address], "address ")
            case "l": ([lists.localPart], "localpart ")
            default: ([lists.address, lists.domain, lists.host, lists.localPart], "")
            }
        for table in tables {
            if let list = table[name] {
                return TaintedBytes(Self.flattened(list.source, table, depth: depth))
            }
        }
        throw .failed("\"\(name)\" is not a \(word)named list")
    }

    /// A list's items, not expanded, with those of the named lists in it; `:` and blanks stand between them.
    private static func flattened(
        _ source: ByteString, _ table: [ByteString: ListText], depth: Int
    ) -> ByteString {
        guard depth < deepestCall else { return source }
        return ListItems(source).map { item in
            guard item.first == UInt8(ascii: "+"), let inner = table[ByteString(item.dropFirst())] else {
                return item
            }
            return flattened(inner.source, table, depth: depth + 1)
        }.joined(separator: " : ")
    }

    private func quote(_ subject: TaintedBytes, for type: ByteString) throws(ExpansionError) -> TaintedBytes {
        guard let text = environment.lookups.quoted(subject.bytes, for: type) else {
            throw .failed("unknown lookup type \"\(type)\"")
        }
        return TaintedBytes(text, subject.taint.isTainted ? .quoted(for: type) : .clean)
    }

    private func stat(_ path: ByteString) throws(ExpansionError) -> TaintedBytes {
        guard !environment.forbidden.contains(.exists) else {
            throw .failed("Use of the stat() expansion is not permitted")
        }
        return TaintedBytes(try FileAccess.status(path))
    }

    private func operateOnAddress(_ name: Operator, _ subject: TaintedBytes) -> TaintedBytes {
        let text = subject.bytes
        let rules = AddressRules(
            allowsDomainLiterals: environment.settings.allowDomainLiterals,
            stripsExcessAngleBrackets: environment.settings.stripExcessAngleBrackets, allowsUTF8Domains: true)
        if name == .addresses { return TaintedBytes(AddressText.list(text, rules), subject.taint) }
        guard let address = AddressText.one(text, rules) else { return "" }
        let part =
            switch name {
            case .domain: address.domain
            case .localPart: address.localPart
            default: address.text
            }
        return TaintedBytes(part, subject.taint)
    }

    /// Operators that need nothing but their text.
    private static func apply(_ call: OperatorCall, _ text: ByteString) throws(ExpansionError) -> ByteString {
        switch call.name {
        case .lc: return text.lowercasedASCII()
        case .uc: return text.uppercasedASCII()
        case .strlen: return "\(text.count)"
        case .length: return ByteString(text.prefix(call.first ?? 0))
        case .substr: return Substring.of(text, start: call.first ?? 0, length: call.second)
        case .hash: return try Hashing.letterHash(text, length: call.first ?? 0, letters: call.second)
        case .nhash: return Hashing.numberHash(text, call.first ?? 1, call.second)
        case .eval, .eval10: return try Arithmetic.evaluate(text, decimalOnly: call.name == .eval10)
        case .escape8bit: return Escaping.highOctets(text)
        case .hexquote: return Escaping.hexadecimal(text)
        case .quote: return Escaping.quoted(text)
        case .quoteLocalPart: return text.quotedLocalPart
        case .rxquote: return Escaping.regularExpression(text)
        case .utf8clean: return UTF8Text.cleaned(text)
        case .fromUTF8: return UTF8Text.toLatin1(text)
        case .timeEval, .timeInterval: return try interval(call.name, text)
        case .mask: return try AddressOperators.mask(text, isNormal: call.suffix == "n")
        case .reverseIP, .ipv6norm, .ipv6denorm: return try AddressOperators.apply(call.name, text)
        case .md5, .sha1, .sha2, .sha256, .sha3: return try digest(call, text)
        default: return try BaseOperators.apply(call.name, text)
        }
    }

    private static func interval(_ name: Operator, _ text: ByteString) throws(ExpansionError) -> ByteString {
        if name == .timeEval {
            guard let seconds = EximTime.seconds(text) else {
                throw .failed("string \"\(text)\" is not an Exim time interval in \"time_eval\" operator")
            }
            return "\(seconds)"
        }
        if text.isEmpty { return EximTime.text(seconds: 0) }
        guard text.allSatisfy(\.isASCIIDigit), let seconds = text.decimalInteger() else {
            throw .failed("string \"\(text)\" is not a positive number in \"time_interval\" operator")
        }
        return EximTime.text(seconds: Int(seconds))
    }

    private func internationalName(
        _ name: Operator, _ text: ByteString
    ) throws(ExpansionError) -> ByteString {
        do {
            switch name {
            case .utf8DomainToALabel: return try InternationalName.asciiDomain(text)
            case .utf8DomainFromALabel: return try InternationalName.unicodeDomain(text)
            case .utf8LocalPartToALabel: return try InternationalName.asciiLocalPart(text)
            default: return try InternationalName.unicodeLocalPart(text)
            }
        } catch {
            let isEncoding = name == .utf8DomainToALabel || name == .utf8LocalPartToALabel
            let (from, to): (ByteString, ByteString) = isEncoding ? ("utf8", "alabel") : ("alabel", "utf8")
            let shown = environment.shown(text, tabPrints: true)
            throw .failed("error converting \(from) (\(shown)) to \(to): \(error.text)")
        }
    }

    private static func digest(_ call: OperatorCall, _ text: ByteString) throws(ExpansionError) -> ByteString
    {
        switch (call.name, call.suffix.string) {
        case (.md5, _): return Hex.encode(try Hashing.digest(text, .md5))
        case (.sha1, _): return Hex.encode(try Hashing.digest(text, .sha1)).uppercasedASCII()
        case (.sha256, _), (.sha2, ""), (.sha2, "256"):
            return Hex.encode(try Hashing.digest(text, .sha256)).uppercasedASCII()
        case (.sha2, "384"): return Hex.encode(try Hashing.digest(text, .sha384)).uppercasedASCII()
        case (.sha2, "512"): return Hex.encode(try Hashing.digest(text, .sha512)).uppercasedASCII()
        case (.sha3, ""), (.sha3, "256"):
            return Hex.encode(try Hashing.digest(text, .sha3_256)).uppercasedASCII()
        case (.sha3, "224"): return Hex.encode(try Hashing.digest(text, .sha3_224)).uppercasedASCII()
        case (.sha3, "384"): return Hex.encode(try Hashing.digest(text, .sha3_384)).uppercasedASCII()
        case (.sha3, "512"): return Hex.encode(try Hashing.digest(text, .sha3_512)).uppercasedASCII()
        default: throw .failed("unrecognised \(call.name.rawValue) variant")
        }
    }
}

/// `substr`: offsets from either end.
enum Substring {
    static func of(_ text: ByteString, start: Int, length: Int?) -> ByteString {
        guard start < 0 else {
            let rest = text.dropFirst(start)
            return ByteString(length.map { rest.prefix($0) } ?? rest)
        }
        let (place, over) = text.count.addingReportingOverflow(start)
        guard let length else { return ByteString(text.prefix(max(over ? 0 : place, 0))) }
        if place >= 0, !over { return ByteString(text[place...].prefix(length)) }
        let (kept, lost) = length.addingReportingOverflow(place)
        return ByteString(text.prefix(over || lost ? 0 : max(kept, 0)))
    }
}
