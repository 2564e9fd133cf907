import Bytes
import Glibc
import Spooler

/// Renders messages as `exim -bp` does (manual, option -bp).
struct MessageListing: Sendable {
    let style: ListingStyle
    /// The present, in seconds since 1970.
    let now: Int64

    /// A message's lines with the blank one after them.
    func text(of message: StoredMessage) -> ByteString {
        let size = message.bodySize.map { message.header.messageSize(bodySize: $0) } ?? 0
        var text = firstLine(message.header, size: size)
        appendRecipients(message.header, to: &text)
        text.append(.newline)
        return text
    }

    /// Appends an ordinary message's lines with the blank one after them; nothing is allocated for a line.
    func append(_ message: ListedMessage, to text: inout ByteString) {
        ListingNumbers.appendAge(seconds: now - message.receivedTime, to: &text)
        ListingNumbers.appendSize(message.size ?? 0, to: &text)
        text.append(.blank)
        message.id.append(to: &text)
        text += Self.senderOpening
        text += message.sender
        text.append(UInt8(ascii: ">"))
        if message.senderSetUntrusted {
            text += Self.loginOpening
            text += message.login
            text.append(UInt8(ascii: ")"))
        }
        if message.isFrozen { text += Self.frozenMark }
        text.append(.newline)
        // Nobody has been served yet, so that all styles show the same.
        message.forEachRecipient { address in
            text += Self.recipientIndent
            text += address
            text.append(.newline)
            return true
        }
        text.append(.newline)
    }

    private static let senderOpening = ByteString(" <").bytes
    private static let loginOpening = ByteString(" (").bytes
    private static let frozenMark = ByteString(" *** frozen ***").bytes
    private static let recipientIndent = ByteString("          ").bytes

    /// The lines of a message whose header file is refused.
    ///
    /// `file` is that file, for the size: Exim counts the header lines up to the broken one.
    func text(of message: MalformedMessage, file: ByteString? = nil) -> ByteString {
        let problem: ByteString = "\n    *** spool format error: size=\(message.headerFileSize) ***\n"
        guard let envelope = message.envelope else { return "      \(message.id.bytes)\(problem)\n" }
        let announced = file.map { AnnouncedSize.ofHeaders(in: $0, after: envelope.serialized().count) } ?? 0
        let size = message.bodySize.map { envelope.messageSize(bodySize: $0) + announced } ?? 0
        var text = ByteString(firstLine(envelope, size: size).dropLast()) + problem
        appendRecipients(envelope, to: &text)
        text.append(.newline)
        return text
    }

    /// The lines of a message that cannot be read; `id` as it was given.
    static func text(ofUnreadable id: ByteString, _ reason: ByteString) -> ByteString {
        "      \(id)\n    *** spool read error: \(reason) ***\n\n"
    }

    private func firstLine(_ header: HeaderFile, size: Int) -> ByteString {
        var line = ListingNumbers.age(seconds: now - header.receivedTime)
        line += ListingNumbers.size(size)
        line += " \(header.id.bytes) <\(header.sender)>" as ByteString
        if header.senderSetUntrusted { line += " (\(header.login))" as ByteString }
        if header.isFrozen { line += " *** frozen ***" as ByteString }
        line.append(.newline)
        return line
    }

    private func appendRecipients(_ header: HeaderFile, to text: inout ByteString) {
        for recipient in header.recipients {
            let isDelivered = header.isListedAsDelivered(recipient)
            if isDelivered, !style.showsDelivered { continue }
            text += isDelivered ? "        D " as ByteString : "          "
            text += recipient.address
            text.append(.newline)
        }
        guard style.showsGenerated else { return }
        let known = Set(header.recipients.map(\.address))
        for name in header.nonRecipients.names where !known.contains(name) {
            text += "       +D \(name)\n" as ByteString
        }
    }
}

/// The size of header lines in a broken file.
enum AnnouncedSize {
    /// The sum of the lengths that the header lines announce, from an offset to the first line that is no header line.
    static func ofHeaders(in file: ByteString, after start: Int) -> Int {
        guard start > 0, start <= file.count, file[start - 1] == .newline else { return 0 }
        var offset = start
        var sum = 0
        while offset < file.count {
            let digits = file[offset...].prefix { $0.isASCIIDigit }
            guard let length = digits.decimalInteger(), length < 1 << 40, digits.endIndex < file.count else {
                break
            }
            if file[digits.endIndex] != HeaderLine.deletedType { sum += Int(length) }
            offset = digits.endIndex + 2 + Int(length)
        }
        return sum
    }
}

extension SpoolError {
    /// The operating system's words, or our own, for the places where Exim prints `strerror`.
    var systemText: ByteString {
        guard let errorNumber else { return ByteString(description) }
        return unsafe ByteString(String(cString: strerror(errorNumber)))
    }
}
