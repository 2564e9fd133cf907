import Bytes
import Expansion
import MailText

/// A message in a file as a local submission would take it, without a Received: line of its own.
struct SubmittedMessage: Sendable {
    private var headers: [Header]
    private let body: ByteString
    private let longestLine: Int

    init(_ octets: ByteString) {
        var reader = HeaderReader()
        var place = 0
        var step = HeaderReader.Step.more
        while case .more = step, place < octets.count {
            let end = octets[place...].firstIndex(of: .newline) ?? octets.count
            let line = octets[place..<end]
            step = reader.take(line)
            if case .bodyStarted = step { break }
            place = min(end + 1, octets.count)
        }
        if case .more = step { reader.endOfInput() }
        headers = reader.headers
        body = ByteString(octets[place...])
        let lines = body.split(separator: .newline).map(\.count)
        longestLine = max(reader.longestLine, lines.max() ?? 0)
    }

    /// The facts, with sender and caller as they are already known.
    func facts(like known: MessageFacts, takesRecipients: Bool) -> MessageFacts {
        var facts = known
        let body = body
        facts.headers = headers.map { header in
            // What only a delivered message has is taken out, and counted all the same.
            HeaderText(type: header.isNamed("Return-path") ? UInt8(ascii: "*") : .blank, text: header.text)
        }
        facts.bodySize = body.count
        facts.bodyLineCount = body.count { $0 == .newline }
        facts.bodyZeroCount = body.count { $0 == 0 }
        let headerSize = headers.reduce(0) { $0 + $1.text.count }
        let headerLines = headers.reduce(0) { $0 + $1.text.count { $0 == .newline } }
        facts.size = headerSize + 1 + body.count
        facts.lineCount = headerLines + facts.bodyLineCount
        facts.maxReceivedLineLength = longestLine
        if takesRecipients {
            facts.recipients = recipients
            facts.recipientsCount = facts.recipients.count
        }
        facts.readBody = { offset, length in
            let part = offset < 0 ? body.suffix(-offset) : body.dropFirst(offset)
            return ByteString(part.prefix(length))
        }
        return facts
    }

    /// The addresses of To:, Cc: and Bcc:.
    private var recipients: [ByteString] {
        headers.filter { [.to, .cc, .bcc].contains($0.kind) }.flatMap { header in
            AddressParser.parseList(header.value).compactMap { item in
                guard case .success(let parsed) = item.outcome, !parsed.address.isNull else { return nil }
                return parsed.address.text
            }
        }
    }
}
