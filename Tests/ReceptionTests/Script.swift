import Bytes
import TestKit

/// A scripted session: what a client does, step by step; what it hears is not in it.
///
/// In a `.smtp` file a session begins with `== title`. Its lines:
///
///     C: text    sends the line and reads a reply
///     D: text    sends the line and reads nothing
///     R: text    sends the octets without a line end, and reads nothing
///     B: text    sends a BDAT command with these octets, and reads a reply
///     L: text    the same with LAST
///     W: n       reads n replies
///     E: text    sends the octets before the greeting is read
///     X:         closes the connection at once
///     T: cert=joe sni=a.example alpn=smtp,x tls1.3    begins with TLS; the words may be left out
///     @ 127.0.0.9    the client's address (else one of its own)
///     P: 192.0.2.9   the address that a proxy says the client has, by which its lines are found
///     A: -odq a@b    the session is a run of the program with these arguments, and the rest is its input
///
/// In texts `\r \n \t \0 \\ \xHH` are octets and `\{1000:x}` is a repetition.
struct Script: Sendable {
    enum Step: Sendable {
        case send(ByteString)
        case reply
        case close
        case secure([String])
    }

    /// A fixture that cannot be read.
    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    let title: String
    var steps: [Step] = []
    /// What is sent before the greeting is read.
    var early = ByteString()
    /// Whether the server waits for TLS before it greets.
    var isSilentServer = false
    /// The client's address, when the session needs a certain one.
    var source: UInt32?
    /// Whom a proxy speaks for.
    var proxied: String?
    /// The arguments, for a run of the program instead of a connection.
    var arguments: [String]?

    /// Whether the client ends by hanging up, and so does not see how its session ends.
    var hangsUp: Bool { if case .close? = steps.last { true } else { false } }

    /// All that is sent.
    var input: ByteString {
        steps.reduce(into: "") { if case .send(let octets) = $1 { $0 += octets } }
    }

    /// The sessions of a file.
    static func parse(_ text: ByteString) throws -> [Script] {
        var scripts: [Script] = []
        for line in text.split(separator: .newline).map({ ByteString($0).string }) where !line.hasPrefix("#")
        {
            if line.hasPrefix("== ") {
                scripts.append(Script(title: String(line.dropFirst(3))))
            } else if scripts.isEmpty {
                throw Malformed(description: "a session must begin with ==: \(line)")
            } else {
                try scripts[scripts.count - 1].take(line)
            }
        }
        return scripts
    }

    private mutating func take(_ line: String) throws {
        let rest = line.count > 3 ? String(line.dropFirst(3)) : ""
        switch line.prefix(2) {
        case "C:": steps += [.send(try FixtureText.unescaped(ByteString(rest)) + ByteString("\r\n")), .reply]
        case "D:": steps.append(.send(try FixtureText.unescaped(ByteString(rest)) + ByteString("\r\n")))
        case "R:": steps.append(.send(try FixtureText.unescaped(ByteString(rest))))
        case "B:", "L:":
            let chunk = try FixtureText.unescaped(ByteString(rest))
            let last = line.hasPrefix("L:") ? " LAST" : ""
            steps += [.send("BDAT \(chunk.count)\(last)\r\n" + chunk), .reply]
        case "W:": steps += Array(repeating: .reply, count: Int(rest) ?? 1)
        case "E:": early += try FixtureText.unescaped(ByteString(rest))
        case "X:": steps.append(.close)
        case "T:": steps.append(.secure(Self.words(rest)))
        case "P:": proxied = rest
        case "A:": arguments = Self.words(rest)
        case "@ ": source = Self.address(String(line.dropFirst(2)))
        default: throw Malformed(description: "no line of a session: \(line)")
        }
    }

    private static func address(_ text: String) -> UInt32? {
        text.split(separator: ".").compactMap { UInt32($0) }.reduce(0) { $0 << 8 | $1 }
    }

    /// Words with blanks between them; single quotes keep blanks and emptiness.
    private static func words(_ text: String) -> [String] {
        var words: [String] = []
        var isQuoted = false
        var current: String?
        for character in text {
            if character == "'" {
                isQuoted.toggle()
                current = current ?? ""
            } else if character == " ", !isQuoted {
                if let word = current { words.append(word) }
                current = nil
            } else {
                current = (current ?? "") + String(character)
            }
        }
        if let word = current { words.append(word) }
        return words
    }
}
