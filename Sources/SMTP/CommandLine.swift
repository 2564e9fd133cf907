package import Bytes

/// Reads command lines as leniently as Exim does (RFC 5321, section 4.1).
///
/// Commands are known by their first letters in either case; what must follow them (a blank, `FROM:`) is as
/// strict as in Exim: `MAIL FROM :<a>` is no command, `MAIL FROM:a@b` is one.
package enum CommandLine {
    /// The command of a line without its end; throws what the client hears and the log says.
    package static func parse(
        _ line: ByteString, offered: Advertised
    ) throws(SMTPSyntaxError) -> SMTPCommand {
        guard let (word, argument) = split(line) else { return .unknown(line: line) }
        switch word {
        case .helo: return .hello(argument: argument, isExtended: false)
        case .ehlo: return .hello(argument: argument, isExtended: true)
        case .mail: return .mail(try CommandParameters.mail(argument, offered: offered))
        case .rcpt: return .recipient(try CommandParameters.recipient(argument, offered: offered))
        case .bdat: return try bdat(argument)
        case .data, .rset, .quit, .starttls: return try plain(word, argument)
        case .noop: return .noop(argument: argument)
        case .vrfy: return .verify(argument: argument)
        case .expn: return .expand(argument: argument)
        case .help: return .help(argument: argument)
        case .etrn: return .etrn(argument: argument)
        case .auth: return auth(argument)
        case .xclient: return offered.contains(.xclient) ? .xclient(argument: argument) : .unknown(line: line)
        }
    }

    enum Word: CaseIterable {
        case helo, ehlo, mail, rcpt, data, bdat, rset, quit, noop, vrfy, expn, help, etrn, auth, starttls
        case xclient

        var spelling: ByteString {
            switch self {
            case .mail: "mail from:"
            case .rcpt: "rcpt to:"
            default: ByteString(String(describing: self))
            }
        }

        /// Each word with what it is spelled, made once: every command line is compared with them.
        static let spellings = allCases.map { ($0, $0.spelling) }

        // A command that ends with a colon may be followed at once by its argument.
        var needsSeparator: Bool { self != .mail && self != .rcpt }
    }

    private static func split(_ line: ByteString) -> (Word, ByteString)? {
        for (word, spelling) in Word.spellings where line.startsIgnoringCase(with: spelling) {
            let rest = line[spelling.count...]
            if word.needsSeparator, let next = rest.first, next != .blank { continue }
            return (word, ByteString(rest.trimmed()))
        }
        return nil
    }

    private static func plain(
        _ word: Word, _ argument: ByteString
    ) throws(SMTPSyntaxError) -> SMTPCommand {
        guard argument.isEmpty else { throw SMTPSyntaxError(501, "unexpected argument data") }
        return switch word {
        case .data: .data
        case .rset: .reset
        case .starttls: .startTLS
        default: .quit
        }
    }

    // The size is read as sscanf does: leading digits, and the rest is looked at for LAST.
    private static func bdat(_ argument: ByteString) throws(SMTPSyntaxError) -> SMTPCommand {
        let words = argument.split(whereSeparator: \.isASCIISpace)
        guard let first = words.first, first.allSatisfy(\.isASCIIDigit), let size = first.decimalInteger(),
            size <= Int64(Int32.max)
        else { throw SMTPSyntaxError(501, "missing size for BDAT command") }
        guard words.count > 1 else { return .bdat(size: Int(size), isLast: false) }
        // Exim takes any other word as none.
        return .bdat(size: Int(size), isLast: words[1].equalsIgnoringCase(ByteString("last")))
    }

    private static func auth(_ argument: ByteString) -> SMTPCommand {
        let mechanism = ByteString(argument.prefix { !$0.isASCIISpace })
        let rest = ByteString(argument.dropFirst(mechanism.count).trimmed())
        let initial: ByteString? = rest.isEmpty ? nil : rest
        return .auth(mechanism: mechanism, initial: initial)
    }
}

/// What a HELO or EHLO argument may look like (options `helo_allow_chars` and `helo_accept_junk_hosts`).
package enum HeloRules {
    /// Whether the argument is a name or an address literal as Exim wants it: letters, digits, dots and
    /// hyphens and what `allowed` adds, or `[...]` around an IP address.
    package static func accepts(_ argument: ByteString, allowing allowed: ByteString = "") -> Bool {
        guard let first = argument.first else { return false }
        if first == UInt8(ascii: "[") { return isLiteral(argument) }
        return argument.allSatisfy {
            $0.isASCIIAlphanumeric || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
                || allowed.contains($0)
        }
    }

    private static func isLiteral(_ argument: ByteString) -> Bool {
        guard argument.last == UInt8(ascii: "]") else { return false }
        var inside = argument[1..<(argument.count - 1)]
        if inside.startsIgnoringCase(with: ByteString("ipv6:")) { inside = inside.dropFirst(5) }
        guard !inside.isEmpty else { return false }
        if inside.contains(UInt8(ascii: ":")) {
            return inside.allSatisfy { $0.isHexDigit || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
        }
        let parts = inside.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                (1...3).contains(part.count) && part.allSatisfy(\.isASCIIDigit)
                    && part.decimalInteger() ?? 256 < 256
            }
    }
}
