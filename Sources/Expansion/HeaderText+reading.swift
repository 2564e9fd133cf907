import Bytes
import MailText

/// `$h_subject:`, `$message_headers` and `$reply_address` (manual, section 11.5).
extension HeaderText {
    /// The most octets that header lines of one name give together.
    static let longestValue = 64 * 1024

    private static let addressHeaders: Set<ByteString> = [
        "from", "to", "cc", "bcc", "reply-to", "sender", "resent-from", "resent-to", "resent-cc",
        "resent-bcc",
        "resent-sender", "resent-reply-to",
    ]

    private var isDeleted: Bool { type == UInt8(ascii: "*") }

    /// What follows the colon, with the newline; nil when the name is another one.
    private func value(named name: ByteString) -> ArraySlice<UInt8>? {
        guard !isDeleted, let parts = text.cut(at: UInt8(ascii: ":")),
            parts.before.trimmedEnd().equalsIgnoringCase(name)
        else { return nil }
        return parts.after
    }

    /// Whether a header line of that name is there.
    static func exists(_ reference: HeaderReference, _ facts: Facts) -> Bool {
        facts.message.headers.contains { $0.value(named: reference.name) != nil }
    }

    /// The value of all header lines of one name, put together as the form wants it.
    static func value(
        of reference: HeaderReference, _ facts: Facts, _ environment: Environment
    ) throws(ExpansionError) -> TaintedBytes {
        let values = facts.message.headers.compactMap { $0.value(named: reference.name) }
        guard !values.isEmpty else { return "" }
        var result = ByteString()
        switch reference.form {
        case .raw: for value in values { result += value }
        case .list:
            var output = ListOutput(separator: UInt8(ascii: ":"))
            for value in values {
                output.add(TaintedBytes(ByteString(value.last == .newline ? value.dropLast() : value)))
            }
            result = output.value.bytes
        case .decoded, .basic:
            let isAddress = addressHeaders.contains(reference.name.lowercasedASCII())
            result = values.map { ByteString($0.trimmed()) }.filter { !$0.isEmpty }
                .joined(separator: isAddress ? ",\n" : "\n")
            result = try decode(result, environment, converts: reference.form == .decoded)
        }
        return TaintedBytes(ByteString(result.prefix(longestValue)), .tainted)
    }

    private static func decode(
        _ text: ByteString, _ environment: Environment, converts: Bool
    ) throws(ExpansionError) -> ByteString {
        try EncodedWords.decode(
            text, into: converts ? environment.settings.headersCharset : nil,
            checksLength: environment.settings.checkRFC2047Length, keepsStrange: true)
    }

    /// All header lines that are not deleted.
    static func all(_ facts: Facts, _ environment: Environment, isRaw: Bool) -> TaintedBytes {
        var result = ByteString()
        for header in facts.message.headers where !header.isDeleted { result += header.text }
        guard !isRaw else { return TaintedBytes(result, .tainted) }
        if result.last == .newline { result = ByteString(result.dropLast()) }
        do {
            return TaintedBytes(try decode(result, environment, converts: false), .tainted)
        } catch {
            return TaintedBytes(result, .tainted)
        }
    }

    /// The Reply-To: line, or else the From: line.
    static func replyAddress(
        _ facts: Facts, _ environment: Environment
    ) throws(ExpansionError) -> TaintedBytes {
        let reply = try value(of: HeaderReference(form: .decoded, name: "reply-to"), facts, environment)
        if !reply.bytes.isEmpty { return reply }
        return try value(of: HeaderReference(form: .decoded, name: "from"), facts, environment)
    }
}
