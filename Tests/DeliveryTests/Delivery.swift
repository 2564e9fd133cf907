import Bytes
import TestKit

/// A scripted delivery: what is configured, what servers answer, and what is done, step by step.
///
/// In a `.delivery` file each begins with `== title`. Its lines:
///
///     main: option        a line for the place `@main` of the configuration; so too acl:, control:, router:, remote:, smtp:, trust:, local:,
///                         localfile:, retry:, transport: and authenticator: (a line with a colon at its end begins a definition)
///     server: 2           a server on 127.0.1.2; `server: lmtp` one on the local socket SITE/lmtp
///     offers: SIZE DSN    what it offers at EHLO (else SIZE 8BITMIME PIPELINING); `+` is a blank
///     tls: good ask         it speaks TLS: with a `good` certificate for mx<number>.tls.test, one that is `expired`, one from a
///                         `stranger`, or its `own`; `ask` wants the client's, `smtp` agrees to that protocol only, `atonce` begins with it
///     when: RCPT bad -> 550 no      what it answers to commands that begin with the verb and contain the text;
///                         `when: RCPT#2 -> ...` to the second such command only
///     mail: <a@b> RET=HDRS          a message is submitted: MAIL's argument
///     rcpt: <c@d> NOTIFY=NEVER      its recipients
///     text: Subject: x    its lines (else a short one is made)
///     run: -qf            a queue run
///     start: -M {1}       the same, beside what follows, as soon as it is held by a server
///     release: all        what is held goes on, and what was started comes to its end
///     age: 7200           all that is on the queue becomes older by so many seconds
///     sleep: 2            seconds go by
///     exim: -Mf {1}       Exim does something to the first message
///     file: name text     a file below SITE; `\n` parts lines
///     shell: command      a command of the shell in SITE, before or between deliveries; what is in `mail` is the user's then
///     other: -q           a queue run by the other program: by Bobbin where Exim is looked at, by Exim where Bobbin is
///     proxy: 1            a SOCKS proxy on 127.0.2.1, which connects to what it is asked for
///     method: \x05\xff    its answer to the methods of a connection (else it takes the first)
///     login: \x01\x01     its answer to name and password (else it takes them)
///     reply: \x05\x02    its answer to the request (else it connects)
///
/// Several answers are for one connection after the other, the last for all further ones. They come in `<pieces>` of one octet, are a `<silence>`, or end in a `<close>`, where that stands before them.
///
/// `server: full 9` is one on 127.0.1.9 that answers no connection.
///
/// An answer is a reply, or `<close>`, `<silence>`, `<reset>`; `<raw>text` sends it without a line end, and
/// `<closing>text` closes after the reply; `<held>text` is given when the delivery releases it, and
/// after `<deaf>text` nothing more is read; `<garbage>220` is followed by what is no handshake, `<stalled>220` by nothing.
/// In texts `\r \n \t \0 \\ \xHH` are octets and `\{1000:x}` is a repetition.
struct Delivery: Sendable {
    /// A server's behaviour.
    struct Server: Sendable {
        /// The last octet of 127.0.1.x; nil is the local socket.
        var address: UInt32?
        var offers: [ByteString] = ["SIZE", "8BITMIME", "PIPELINING"]
        var rules: [Rule] = []
        /// Whether no connection to it comes to stand.
        var isFull = false
        /// How it speaks TLS; nil when it does not.
        var tls: ServerTLS?
    }

    /// A proxy's behaviour: the octets that it answers to one connection after the other; none where it does what it should.
    struct Proxy: Sendable {
        /// The last octet of 127.0.2.x.
        var address: UInt32
        var methods: [ByteString] = []
        var logins: [ByteString] = []
        var replies: [ByteString] = []
    }

    /// An answer to certain commands.
    struct Rule: Sendable {
        var verb: ByteString
        var text: ByteString
        /// Which of such commands, from 1; nil for all.
        var occurrence: Int?
        var answer: ByteString
    }

    /// A message as it is submitted.
    struct Mail: Sendable {
        var sender: ByteString
        var recipients: [ByteString] = []
        var lines: [ByteString] = []
    }

    enum Step: Sendable {
        case mail(Mail)
        case run([String])
        case start([String])
        case release
        case age(Int)
        case sleep(UInt32)
        case exim([String])
        case file(ByteString, ByteString)
        case shell(String)
        case other([String])
    }

    /// A fixture that cannot be read.
    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    let title: String
    var settings: [String: [ByteString]] = [:]
    var servers: [Server] = []
    var proxies: [Proxy] = []
    var steps: [Step] = []

    /// How many messages are submitted.
    var mailCount: Int { steps.count { if case .mail = $0 { true } else { false } } }

    /// The deliveries of a file.
    static func parse(_ text: ByteString) throws -> [Delivery] {
        var deliveries: [Delivery] = []
        for line in text.split(separator: .newline).map({ ByteString($0) })
        where line.first != UInt8(ascii: "#") {
            if line.starts(with: ByteString("== ")) {
                deliveries.append(Delivery(title: ByteString(line.dropFirst(3)).string))
            } else if deliveries.isEmpty {
                throw Malformed(description: "a delivery must begin with ==: \(line)")
            } else {
                try deliveries[deliveries.count - 1].take(line)
            }
        }
        return deliveries
    }

    private mutating func take(_ line: ByteString) throws {
        guard let parts = line.cut(at: UInt8(ascii: ":")) else {
            throw Malformed(description: "no line of a delivery: \(line)")
        }
        let name = ByteString(parts.before).string
        let rest = ByteString(parts.after.dropFirst(parts.after.first == .blank ? 1 : 0))
        switch name {
        case "main", "acl", "control", "router", "remote", "smtp", "local", "localfile", "retry", "transport",
            "domain", "selector", "key",
            "authenticator", "trust", "mainevent", "action", "messages", "socks", "timeout":
            settings[name, default: []].append(rest)
        case "server":
            let words = Self.words(rest)
            servers.append(Server(address: words.last.flatMap { UInt32($0) }, isFull: words.first == "full"))
        case "proxy": proxies.append(Proxy(address: UInt32(rest.decimalInteger() ?? 1)))
        case "method": try editProxy { $0.methods.append(try FixtureText.unescaped(rest)) }
        case "login": try editProxy { $0.logins.append(try FixtureText.unescaped(rest)) }
        case "reply": try editProxy { $0.replies.append(try FixtureText.unescaped(rest)) }
        case "offers":
            try editServer {
                $0.offers = rest.split(separator: .blank).map {
                    ByteString($0).replacing(ByteString("+"), with: ByteString(" "))
                }
            }
        case "tls": try editServer { $0.tls = try ServerTLS(Self.words(rest)) }
        case "when": try takeRule(rest)
        case "mail": steps.append(.mail(Mail(sender: rest)))
        case "rcpt": try editMail { $0.recipients.append(rest) }
        case "text": try editMail { $0.lines.append(try FixtureText.unescaped(rest)) }
        case "run": steps.append(.run(Self.words(rest)))
        case "start": steps.append(.start(Self.words(rest)))
        case "release": steps.append(.release)
        case "age": steps.append(.age(Int(rest.decimalInteger() ?? 0)))
        case "sleep": steps.append(.sleep(UInt32(rest.decimalInteger() ?? 0)))
        case "exim": steps.append(.exim(Self.words(rest)))
        case "shell": steps.append(.shell(rest.string))
        case "other": steps.append(.other(Self.words(rest)))
        case "file":
            let words = rest.cut(at: .blank) ?? (rest[...], [])
            steps.append(.file(ByteString(words.before), try FixtureText.unescaped(ByteString(words.after))))
        default: throw Malformed(description: "no line of a delivery: \(line)")
        }
    }

    private static func words(_ text: ByteString) -> [String] {
        text.split(separator: .blank).map { ByteString($0).string }
    }

    private mutating func editServer(_ change: (inout Server) throws -> Void) throws {
        if servers.isEmpty { servers.append(Server(address: 2)) }
        try change(&servers[servers.count - 1])
    }

    private mutating func editProxy(_ change: (inout Proxy) throws -> Void) throws {
        if proxies.isEmpty { proxies.append(Proxy(address: 1)) }
        try change(&proxies[proxies.count - 1])
    }

    private mutating func editMail(_ change: (inout Mail) throws -> Void) throws {
        guard case .mail(var mail)? = steps.last else {
            throw Malformed(description: "\(title): no message to which this belongs")
        }
        try change(&mail)
        steps[steps.count - 1] = .mail(mail)
    }

    private mutating func takeRule(_ text: ByteString) throws {
        guard let arrow = text.bytes.firstRange(of: Array(" -> ".utf8)) else {
            throw Malformed(description: "a rule is written: when: VERB text -> answer")
        }
        let before = ByteString(text[..<arrow.lowerBound])
        let words = before.cut(at: .blank) ?? (before[...], [])
        let verb = words.before.cut(at: UInt8(ascii: "#")) ?? (words.before, [])
        let rule = Rule(
            verb: ByteString(verb.before), text: ByteString(words.after),
            occurrence: ByteString(verb.after).decimalInteger().map { Int($0) },
            answer: try FixtureText.unescaped(ByteString(text[arrow.upperBound...])))
        try editServer { $0.rules.append(rule) }
    }
}
