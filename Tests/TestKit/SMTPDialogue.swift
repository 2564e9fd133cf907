package import Bytes

/// The client's side of an SMTP session, written out step by step by the test.
package final class SMTPDialogue: Sendable {
    /// A reply of the server.
    package struct Reply: Sendable, Equatable {
        /// The three digits.
        package let code: Int
        /// The texts behind the digits, one for each line.
        package let lines: [ByteString]
    }

    private let stream: LoopbackStream

    /// Connects to a server on 127.0.0.1; read the greeting with `reply`.
    package init(port: Int) throws { stream = try LoopbackStream(port: port) }

    /// Connects, reads the greeting, and says EHLO.
    package static func greeted(port: Int, as name: ByteString = "client.example.net") throws -> SMTPDialogue
    {
        let dialogue = try SMTPDialogue(port: port)
        try dialogue.expect(220, dialogue.reply())
        try dialogue.expect(250, dialogue.say("EHLO \(name)"))
        return dialogue
    }

    /// Sends a line and reads the reply.
    @discardableResult
    package func say(_ line: ByteString) throws -> Reply {
        try stream.write("\(line)\r\n")
        return try reply()
    }

    /// Sends octets just as they are.
    package func send(_ octets: ByteString) throws { try stream.write(octets) }

    /// Reads a reply of one or more lines; throws when the server closes instead.
    package func reply() throws -> Reply {
        var lines: [ByteString] = []
        while let line = try stream.readLine() {
            guard line.count >= 3, let code = ByteString(line[0..<3]).decimalInteger() else {
                throw Program.Failure(description: "no SMTP reply: \(line)")
            }
            lines.append(ByteString(line.dropFirst(4)))
            if line.count == 3 || line[3] != UInt8(ascii: "-") { return Reply(code: Int(code), lines: lines) }
        }
        throw Program.Failure(description: "the server closed the connection instead of replying")
    }

    /// Sends one message with commands of its own, and gives the reply to the message.
    ///
    /// Lines of `text` end with LF or CRLF; CRLF is sent, and leading dots are doubled.
    @discardableResult
    package func message(from sender: ByteString, to recipients: [ByteString], _ text: ByteString) throws
        -> Reply
    {
        try expect(250, say("MAIL FROM:<\(sender)>"))
        for recipient in recipients { try expect(250, say("RCPT TO:<\(recipient)>")) }
        try expect(354, say("DATA"))
        return try finish(text)
    }

    /// Sends a message's text and the line with a dot, and reads the reply.
    @discardableResult
    package func finish(_ text: ByteString) throws -> Reply {
        try send(Self.onTheWire(text) + ".\r\n")
        return try reply()
    }

    /// A text with CRLF ends and doubled dots.
    package static func onTheWire(_ text: ByteString) -> ByteString {
        var wire = ByteString()
        for line in text.replacing(ByteString("\r\n"), with: ByteString("\n")).split(
            separator: .newline, omittingEmptySubsequences: false)
        {
            if line.first == UInt8(ascii: ".") { wire.append(UInt8(ascii: ".")) }
            wire += line
            wire += ByteString("\r\n")
        }
        if text.isEmpty || text.last == .newline { wire.bytes.removeLast(2) }
        return wire
    }

    /// Closes the connection without a word.
    package func hangUp() { stream.shutDown() }

    /// Throws when a reply has not the code that the test needs to go on.
    package func expect(_ code: Int, _ reply: Reply) throws {
        guard reply.code == code else {
            throw Program.Failure(description: "expected reply \(code), got \(reply.code) \(reply.lines)")
        }
    }
}
