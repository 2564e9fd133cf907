import Bytes
import MailText
import OpenSSL

/// Signed bounce addresses (draft-levine-smtp-batv; manual, section 44.53): `prvs=KDDDSSSSSS=local@domain`.
enum PRVS {
    /// Days for which a signed address is good.
    static let lifetime: Int64 = 7

    /// The item `${prvs{address}{secret}{key number}}`.
    static func sign(_ arguments: [ByteString], now: Int64) throws(ExpansionError) -> ByteString {
        let address = EmailAddress(arguments[0])
        guard address.isQualified else {
            throw .failed("prvs first argument must be a qualified email address")
        }
        let key = arguments.count > 2 && !arguments[2].isEmpty ? arguments[2] : "0"
        guard key.count == 1, key.allSatisfy(\.isASCIIDigit) else {
            throw .failed("prvs third argument must be a single digit")
        }
        let day: ByteString = "\((now / 86_400 + lifetime) % 1000, zeroPadded: 3)"
        let hash = try hash(address.text, secret: arguments[1], key: key, day: day)
        return "prvs=\(key)\(day)\(hash)=\(address.text)"
    }

    private static func hash(
        _ address: ByteString, secret: ByteString, key: ByteString, day: ByteString
    ) throws(ExpansionError) -> ByteString {
        let octets = try Hashing.hmac("\(key)\(day)\(address)", key: secret, .sha1)
        return Hex.encode(octets.prefix(3))
    }

    /// What a signed address says.
    struct Parts: Sendable, Hashable {
        var key: ByteString
        var day: ByteString
        var hash: ByteString
        var address: ByteString

        /// Nil for an address that is not signed.
        init?(_ text: ByteString) {
            guard text.startsIgnoringCase(with: ByteString("prvs=")), text.count > 16,
                text[15] == UInt8(ascii: "="),
                text[5..<9].allSatisfy(\.isASCIIDigit), text[9..<15].allSatisfy(\.isHexDigit)
            else { return nil }
            key = ByteString(text[5..<6])
            day = ByteString(text[6..<9])
            hash = ByteString(text[9..<15]).lowercasedASCII()
            address = ByteString(text[16...])
            guard EmailAddress(address).isQualified else { return nil }
        }

        /// Whether the signature is right and has not run out.
        func isGood(secret: ByteString, now: Int64) throws(ExpansionError) -> Bool {
            guard try PRVS.hash(address, secret: secret, key: key, day: day) == hash else { return false }
            let distance = ((day.decimalInteger() ?? 0) - now / 86_400 % 1000 + 1000) % 1000
            return distance < 500
        }
    }
}

extension Evaluation {
    /// The item `${prvscheck{address}{secret}{string}}`.
    mutating func checkPRVS(_ call: ItemCall) async throws(ExpansionError) -> TaintedBytes {
        let address = try await text(call.groups[0].nodes)
        guard let parts = PRVS.Parts(address.bytes) else { return "" }
        facts.extra["prvscheck_address"] = TaintedBytes(parts.address, address.taint)
        facts.extra["prvscheck_keynum"] = TaintedBytes(parts.key, address.taint)
        let secret = try await text(call.groups[1].nodes).bytes
        let isGood = try parts.isGood(secret: secret, now: environment.now().seconds)
        facts.extra["prvscheck_result"] = isGood ? "1" : ""
        let string = call.groups.count > 2 ? try await text(call.groups[2].nodes) : ""
        let result = string.bytes.isEmpty ? TaintedBytes(parts.address, address.taint) : string
        facts.extra["prvscheck_address"] = nil
        facts.extra["prvscheck_keynum"] = nil
        return result
    }

    /// The item `${run{command}{yes}{no}}`.
    mutating func run(_ item: RunItem) async throws(ExpansionError) -> TaintedBytes {
        guard !environment.forbidden.contains(.run) else {
            throw .failed("running a command is not permitted")
        }
        guard let runProgram = environment.runProgram else {
            throw .failed("programs cannot be run in this place")
        }
        var arguments: [ByteString] = []
        if let templates = item.arguments {
            for (index, template) in templates.enumerated() {
                let argument = try await commandArgument(template, item)
                if index == 0 { try Self.refuseTaint(argument) }
                arguments.append(argument.bytes)
            }
        } else {
            let whole = try await text(item.whole)
            try Self.refuseTaint(whole)
            arguments = CommandLine.split(whole.bytes)
        }
        let outcome =
            arguments.isEmpty ? ProgramOutcome(output: "", status: 127) : await runProgram(arguments)
        facts.extra["runrc"] = Variables.number(outcome.status)
        let before = facts.value
        facts.value = TaintedBytes(outcome.output, .tainted)
        let result =
            outcome.status == 0
            ? try await yes(item.branches, otherwise: facts.value ?? "")
            : try await no(item.branches, of: "run")
        facts.value = before
        return result
    }

    private mutating func commandArgument(
        _ template: Template, _ item: RunItem
    ) async throws(ExpansionError) -> TaintedBytes {
        do {
            return try await expand(template)
        } catch {
            guard case .failed(let text) = error else { throw error }
            throw .failed(
                "Expansion of \"\(template.source)\" from command \"\(item.command)\" in ${run} expansion failed: \(text)"
            )
        }
    }

    private static func refuseTaint(_ command: TaintedBytes) throws(ExpansionError) {
        guard !command.taint.isTainted else {
            throw .failed("Attempt to exec tainted path: '\(command.bytes)'")
        }
    }
}
