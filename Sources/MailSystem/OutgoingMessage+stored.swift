package import Bytes
import Expansion
package import MailText
import SMTP
package import Spooler
package import Transports

extension OutgoingMessage {
    /// A message of a queue (empty for the default one), as its header file tells of it.
    package init(
        _ header: HeaderFile, _ body: MessageBody, queue: ByteString
    ) {
        let facts = StoredFacts(
            header, bodySize: body.size, queue: queue, readBody: body.octets(at:upTo:)
        ).facts
        self.init(
            id: header.id.bytes, sender: header.sender, headers: header.shownHeaders, body: body,
            bodyLineCount: header.bodyLineCount ?? 0, facts: facts, receivedTime: header.receivedTime)
        isSMTPUTF8 = header.smtpUTF8
        if header.utf8OptionalDownconvert { downconversion = .whereNeeded }
        if header.utf8Downconvert { downconversion = .always }
        returnsHeadersOnly = header.dsnReturn.flatMap { $0 == 0 ? nil : $0 == 2 }
        envelopeID = header.dsnEnvelopeID
        longestLine = header.maxReceivedLineLength ?? 0
        isDryRun = header.dontDeliver
    }
}

extension HeaderFile {
    /// The header lines as MailText has them, removed ones left out.
    package var shownHeaders: [Header] {
        headers.filter { !$0.isDeleted }.map {
            Header($0.text, kind: HeaderKind(rawValue: $0.type) ?? .other)
        }
    }
}

extension MessageBody {
    /// Octets for variables such as `$message_body`; none where they cannot be read, as in Exim.
    fileprivate func octets(at offset: Int, upTo length: Int) -> ByteString {
        let start = offset < 0 ? max(0, size + offset) : offset
        var buffer = [UInt8](repeating: 0, count: min(max(length, 0), max(0, size - start)))
        guard !buffer.isEmpty, let count = try? read(at: start, into: &buffer) else { return "" }
        return ByteString(buffer[..<count])
    }
}
