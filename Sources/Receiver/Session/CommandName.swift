import Bytes
import SMTP

/// The verb of a command line.
struct CommandName {
    /// In capitals.
    let word: ByteString
    /// How many octets of the line it takes, `FROM:` or `TO:` included.
    let spelled: Int

    /// Nil when the line begins with no command that is known.
    init?(_ line: ByteString) {
        for known in Self.all where line.startsIgnoringCase(with: known) {
            if known.last != UInt8(ascii: ":"), let next = line[known.count...].first, next != .blank {
                continue
            }
            word = ByteString(known.prefix { $0 != .blank }).uppercasedASCII()
            spelled = known.count
            return
        }
        return nil
    }

    private static let all: [ByteString] = [
        "helo", "ehlo", "mail from:", "rcpt to:", "data", "bdat", "rset", "quit", "noop", "vrfy", "expn",
        "help",
        "etrn", "auth", "starttls",
    ]

    /// The line as logs may show it: AUTH without what follows the mechanism.
    static func withoutSecret(_ line: ByteString) -> ByteString {
        guard line.startsIgnoringCase(with: ByteString("auth ")) else { return line }
        let words = line.split(maxSplits: 2, whereSeparator: \.isASCIISpace)
        return words.count > 2 ? "\(ByteString(words[0])) \(ByteString(words[1])) (hidden)" : line
    }

    var carriesMail: Bool { (["MAIL", "RCPT", "DATA", "BDAT", "QUIT"] as [ByteString]).contains(word) }

    /// Whether nothing may follow before the reply (RFC 2920, section 3.1; without PIPELINING all but QUIT).
    func mustBeLast(_ offered: Advertised) -> Bool {
        if word == "QUIT" { return false }
        guard offered.contains(.pipelining) else { return word != "BDAT" }
        return !(["MAIL", "RCPT", "RSET", "BDAT"] as [ByteString]).contains(word)
    }
}
