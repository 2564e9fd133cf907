import Bytes
import MailSystem

extension EximOptions {
    // MARK: Submission

    static let submission: [EximOption] = [
        EximOption("-t", "Take the recipients from the header.") { request, _ in
            request.submission.takesRecipientsFromHeader = true
        },
        EximOption("-ti", "As -t -i.") { request, _ in
            request.submission.takesRecipientsFromHeader = true
            request.submission.ignoresDot = true
        },
        EximOption("-f", .joinedOrNext, "Envelope sender.") { request, values in
            request.submission.sender = values.first
        },
        EximOption("-r", .joinedOrNext, "As -f.") { request, values in
            request.submission.sender = values.first
        },
        EximOption("-F", .joinedOrNext, "The sender's full name.") { request, values in
            request.submission.fullName = values.first
        },
        EximOption("-i", "A line with a single dot does not end the message.", ignoreDot),
        EximOption("-oi", "As -i.", ignoreDot), EximOption("-oitrue", "As -i.", ignoreDot),
        EximOption("-E", .joined, "The message is a bounce, of the message whose id may follow.") {
            request, values in
            request.submission.bouncedMessage = values.first
        },
        EximOption("-odq", "Leave the message on the queue.", queueOnly),
        EximOption("-odqs", "Deliver what is local at once, and leave the rest on the queue.", queueSMTP),
        EximOption("-odqr", "As -odq.", queueOnly),
        EximOption(
            "-odb", "Begin the delivery at once, where queue_only_override lets that be said.", deliverNow),
        EximOption("-odf", "As -odb; nobody waits for its end.", deliverNow),
        EximOption("-odi", "As -odf.", deliverNow),
        EximOption("-N", "Deliver nothing for real, but go all the way.") { request, _ in
            request.isDryRun = true
            request.submission.dontDeliver = true
        },
        EximOption("-bnq", "Leave addresses without a domain so.") { request, _ in
            request.submission.leavesUnqualified = true
        },
    ]

    @Sendable private static func ignoreDot(_ request: inout EximRequest, _: [ByteString]) {
        request.submission.ignoresDot = true
    }

    @Sendable private static func queueOnly(_ request: inout EximRequest, _: [ByteString]) {
        request.submission.queueOnly = true
    }

    @Sendable private static func queueSMTP(_ request: inout EximRequest, _: [ByteString]) {
        request.submission.queueSMTP = true
    }

    @Sendable private static func deliverNow(_ request: inout EximRequest, _: [ByteString]) {
        request.submission.deliverNow = true
    }

    /// For options that are accepted and change nothing.
    @Sendable static func nothing(_: inout EximRequest, _: [ByteString]) {}

    // MARK: Sendmail's

    static let sendmail: [EximOption] =
        ignored(
            "-Ac -Am -G -U -m -om -n0 -x -oo -odd",
            "Accepted, without effect.")
        + mistakes("-oem -oew -em -ew", "mail", "Tell mistakes by mail; the exit code tells too.")
        + mistakes("-oee -ee", "mail-only", "Tell mistakes by mail; the exit code is then 0.")
        + mistakes("-oep -oeq -ep -eq", "print", "Tell mistakes on standard error.")
        + [
            EximOption("-B", .joined, "Accepted, without effect.", nothing),
            EximOption("-h", .joinedOrNext, "Accepted, without effect.") { _, values throws(EximUsageError) in
                guard let number = values.first, number.allSatisfy(\.isASCIIDigit) else {
                    throw .unknown("-h\(values.first ?? "")")
                }
            },
            EximOption("-oA", .joinedOrNext, "The argument of the command that -bi runs.") {
                $0.originator = $1.first
            },
            EximOption("-oB", .joined, "Accepted, without effect.", nothing),
            EximOption("-or", .joined, "Accepted, without effect.", nothing),
            EximOption("-os", .joined, "Accepted, without effect.", nothing),
            EximOption("-O", .joinedOrNext, "Accepted, without effect.", nothing),
            EximOption("-p", .joinedOrNext, "Accepted, without effect.", nothing),
            EximOption("-X", .joinedOrNext, "Accepted, without effect.", nothing),
            EximOption("-L", .joinedOrNext, "Accepted, without effect.", nothing),
        ]
        + (["a", "aa", "ai", "as", "i", "m", "r", "s", "t"] as [ByteString]).map { letters in
            let spelling: ByteString = "-oM\(letters)"
            return EximOption(spelling, .next, "What a trusted caller says of the message's client.") {
                request, values throws(EximUsageError) in
                guard let value = values.first else {
                    throw EximUsageError("exim: data expected after \(spelling)")
                }
                request.submission.claims += [spelling, value]
                do throws(PeerClaims.Mistake) {
                    try request.submission.claimed.take(letters, value)
                } catch {
                    throw EximUsageError("exim: \(error.text)")
                }
            }
        }

    private static func mistakes(_ spellings: String, _ mode: ByteString, _ help: String) -> [EximOption] {
        spellings.split(separator: " ").map { spelling in
            EximOption(ByteString(spelling), help) { request, _ in request.submission.mistakes = mode }
        }
    }

    private static func ignored(_ spellings: String, _ help: String) -> [EximOption] {
        spellings.split(separator: " ").map { EximOption(ByteString($0), help, nothing) }
    }

    // MARK: General

    static let general: [EximOption] = [
        EximOption("-C", .joinedOrNext, "Configuration file, or several with colons: the first that exists.")
        {
            request, values in request.configurationFiles = values.first
        },
        EximOption("-D", .joined, "Define a macro: -DNAME=text.") { request, values throws(EximUsageError) in
            let definition = values.first ?? ""
            guard let letter = definition.trimmedStart().first, letter.isASCIILetter,
                letter.uppercasedASCII == letter
            else { throw EximUsageError("exim: macro name set by -D must start with an upper case letter") }
            let name = definition.cut(at: UInt8(ascii: "="))?.before ?? definition[...]
            let isNew = request.definitions.allSatisfy {
                ($0.cut(at: UInt8(ascii: "="))?.before ?? $0[...]).trimmed() != name.trimmed()
            }
            guard isNew else { throw EximUsageError("exim: duplicated -D in command line") }
            request.definitions.append(definition)
        },
        EximOption("-oX", .next, "Listen on these ports or addresses instead.") { request, values in
            request.interfaces = values
        },
        EximOption("-oP", .next, "File for the daemon's process id.") { request, values in
            request.pidFile = values.first
        },
        EximOption("-n", "With -bP: values only.") { request, _ in request.onlyValues = true },
        EximOption("-v", "With -bf: conditions are told too; else nothing more is told.") { request, _ in
            request.isVerbose = true
        },
        EximOption("-d", .joined, "Accepted: nothing more is told.", nothing),
        EximOption("-dropcr", "Accepted, without effect.", nothing),
        EximOption("-tls-on-connect", "With -bd, -bs: sessions begin with TLS, whatever the port.") {
            request, _ in request.submission.beginsInTLS = true
        },
    ]
}

extension EximOption {
    init(
        _ spelling: ByteString, _ help: String,
        _ take: @escaping @Sendable (inout EximRequest, [ByteString]) throws(EximUsageError) -> Void
    ) {
        self.init(spelling, .none, help, take)
    }
}
