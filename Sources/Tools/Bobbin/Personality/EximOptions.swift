import Bytes
import Spooler

/// Exim's options as one table: the longest spelling that fits a word wins (manual, "Command line options").
enum EximOptions {
    /// All rows.
    static let all: [EximOption] = modes + listing + queueRuns + messages + submission + sendmail + general

    /// The option that a word is.
    static func option(for word: ByteString) -> EximOption? {
        all.filter { $0.matches(word) }.max { $0.spelling.count < $1.spelling.count }
    }

    private static func does(_ deed: EximRequest.Deed) -> @Sendable (inout EximRequest, [ByteString]) -> Void
    {
        { request, _ in request.deeds.insert(deed) }
    }

    // MARK: What to do

    static let modes: [EximOption] = [
        EximOption("-bd", "Take mail over SMTP; stays in the foreground.", does(.daemon)),
        EximOption("-bdf", "Take mail over SMTP in the foreground.", does(.daemon)),
        EximOption("-bs", "One SMTP session on standard input and output.", does(.smtp)),
        EximOption("-bS", "Batched SMTP on standard input.", does(.batchedSMTP)),
        EximOption("-bm", "Submit the message on standard input.", does(.submit)),
        EximOption("-be", "Expand the strings that follow, or lines of standard input.", does(.expand)),
        EximOption("-bV", "Show version and configuration file.", does(.version)),
        EximOption("--version", "As -bV.", does(.version)),
        EximOption("--help", "Say what this program is.", does(.help)),
        EximOption("-bP", "Print options of the configuration.", does(.printOptions)),
        EximOption("-bt", "Test how addresses are routed.", does(.testAddress)),
        EximOption("-bv", "Verify addresses as recipients.", does(.verifyRecipient)),
        EximOption("-bvs", "Verify addresses as senders.", does(.verifySender)),
        EximOption("-bi", "Run the command that bi_command names.", does(.rebuildAliases)),
        EximOption("-bw", .joined, "Not supported: systemd starts sockets.") { _, _ throws(EximUsageError) in
            throw .unsupported("-bw", "use \"bobbin receive --stdio\" from inetd, or a daemon with -bd")
        },
        EximOption("-bem", .next, "As -be, over the message in a file.") {
            request, values throws(EximUsageError) in
            guard let file = values.first else { throw .unknown("-bem") }
            request.deeds.insert(.expand)
            request.messageFile = file
        },
        EximOption(
            "-brt", "Show the retry rule: domain or address, another domain, an error's name.",
            does(.testRetry)),
        EximOption("-brw", "Show what rewriting makes of addresses.", does(.testRewriting)),
        EximOption("-bf", .next, "Test a user's filter over the message on standard input.") {
            request, values throws(EximUsageError) in
            guard let file = values.first else { throw EximUsageError("exim: file name expected after -bf") }
            request.deeds.insert(.testFilter)
            request.filter.userFile = file
        },
        EximOption("-bF", .next, "Test a system filter over the message on standard input.") {
            request, values throws(EximUsageError) in
            guard let file = values.first else { throw EximUsageError("exim: file name expected after -bF") }
            request.deeds.insert(.testFilter)
            request.filter.systemFile = file
        },
        filterWord("-bfd", "The recipient's domain for -bf.") { $0.domain = $1 },
        filterWord("-bfl", "The recipient's local part for -bf.") { $0.localPart = $1 },
        filterWord("-bfp", "The local part's prefix for -bf.") { $0.prefix = $1 },
        filterWord("-bfs", "The local part's suffix for -bf.") { $0.suffix = $1 },
        EximOption("-bh", .next, "An SMTP session as if from that address; nothing is accepted.") {
            request, values throws(EximUsageError) in
            guard let address = values.first else { throw .unknown("-bh") }
            request.rehearsal = .init(address: address, makesCallouts: false)
            request.deeds.insert(.rehearse)
        },
        EximOption("-bhc", .next, "As -bh, and callouts are made.") {
            request, values throws(EximUsageError) in
            guard let address = values.first else { throw .unknown("-bhc") }
            request.rehearsal = .init(address: address, makesCallouts: true)
            request.deeds.insert(.rehearse)
        },
        EximOption("-bmalware", .next, "Ask the virus scanner of av_scanner about a file.") {
            request, values throws(EximUsageError) in
            guard let file = values.first else { throw .unknown("-bmalware") }
            request.scannedFile = file
            request.deeds.insert(.testMalware)
        },
    ]

    /// An option that gives -bf a string.
    private static func filterWord(
        _ name: ByteString, _ help: String,
        _ take: @escaping @Sendable (inout FilterTest.Request, ByteString) -> Void
    ) -> EximOption {
        EximOption(name, .next, help) { request, values throws(EximUsageError) in
            guard let text = values.first else { throw EximUsageError("exim: string expected after \(name)") }
            take(&request.filter, text)
        }
    }

    // MARK: Listing

    static let listing: [EximOption] = [
        EximOption("-bp", "List the queue, or the messages named.", does(.list)),
        EximOption("-bpa", "As -bp, with addresses that came of others.") { request, _ in
            request.deeds.insert(.list)
            request.listing.showsGenerated = true
        },
        EximOption("-bpc", "Print the number of messages.", does(.count)),
        EximOption("-bpi", "Ids only (Exim 4.97).") { request, _ in
            request.deeds.insert(.list)
            request.listsIDsOnly = true
        },
        EximOption("-bpri", "Ids only, unsorted (Exim 4.97).") { request, _ in
            request.deeds.insert(.list)
            request.listsIDsOnly = true
            request.listing.isSorted = false
        },
        EximOption("-bpr", "As -bp, unsorted.") { request, _ in
            request.deeds.insert(.list)
            request.listing.isSorted = false
        },
        EximOption("-bpra", "As -bpa, unsorted.") { request, _ in
            request.deeds.insert(.list)
            request.listing.isSorted = false
            request.listing.showsGenerated = true
        },
        EximOption("-bpru", "As -bpu, unsorted.") { request, _ in
            request.deeds.insert(.list)
            request.listing.isSorted = false
            request.listing.showsDelivered = false
        },
        EximOption("-bpu", "As -bp, only recipients still to be served.") { request, _ in
            request.deeds.insert(.list)
            request.listing.showsDelivered = false
        },
    ]

    // MARK: Queue runs

    static let queueRuns: [EximOption] =
        [
            EximOption("-q", .joined, "Run the queue: -q[q][i][f[f]][l][G<name>[/]][<time>].") {
                request, values throws(EximUsageError) in
                try QueueRunWord.take(values.first ?? "", into: &request)
            }
        ]
        + ["-R", "-S", "-qR", "-qS"].flatMap { option in
            ["", "f", "ff", "r", "rf", "rff"].map { pattern(option, $0) }
        }

    /// `-R` or `-S` with flags, and the string; without flags the string may be joined.
    private static func pattern(_ option: ByteString, _ flags: ByteString) -> EximOption {
        let isRecipient = option.last == UInt8(ascii: "R")
        let who = isRecipient ? "recipient" : "sender"
        let help = "Run over messages with such a \(who)\(flags.isEmpty ? "" : ", with flags \(flags)")."
        let value = flags.isEmpty ? EximOption.Value.joinedOrLast : .next
        return EximOption("\(option)\(flags)", value, help) { request, values throws(EximUsageError) in
            guard let text = values.first else {
                throw EximUsageError("exim: string expected after \(isRecipient ? "-R" : "-S")")
            }
            request.deeds.insert(.runQueue)
            if flags.contains(UInt8(ascii: "f")) { request.run.isForced = true }
            if flags.ends(with: ByteString("ff")) { request.run.thawsFrozen = true }
            let isPattern = flags.first == UInt8(ascii: "r")
            if isRecipient {
                (request.run.recipient, request.run.recipientIsPattern) = (text, isPattern)
            } else {
                (request.run.sender, request.run.senderIsPattern) = (text, isPattern)
            }
        }
    }

    // MARK: Messages

    static let messages: [EximOption] = [
        message("-M", "Deliver now, whatever retry times say; thaws.", .deliver(forced: true)),
        message("-Mc", "Deliver now, if retry times allow.", .deliver(forced: false)),
        message("-Mf", "Freeze.", .change(.freeze)),
        message("-Mg", "Give up: every remaining address fails.", .giveUp),
        message("-Mmad", "Mark all recipients as delivered.", .change(.markAllDelivered)),
        message("-Mrm", "Remove without a bounce.", .change(.remove)),
        message("-Mt", "Thaw.", .change(.thaw)),
        message("-Mvb", "Show -D.", .show(.data)),
        message("-Mvc", "Show the message as it would be sent.", .showCopy),
        message("-Mvh", "Show -H.", .show(.header)),
        message("-Mvl", "Show the message's log.", .show(.messageLog)),
        edit("-Mar", "Add recipients: id, addresses.") { .addRecipients($0) },
        edit("-Mmd", "Mark addresses as delivered: id, addresses.") { .markDelivered($0) },
        edit("-Mes", "Change the sender: id, address.") { .changeSender($0) },
        EximOption("-MG", .rest, "Move to a named queue: name, ids.") {
            request, words throws(EximUsageError) in
            guard let name = words.first else { throw .unknown("-MG") }
            let queue: ByteString = name == "/" ? "" : name
            guard QueueName.isValid(queue) else {
                throw EximUsageError("exim: bad queue name \(name) after -MG option")
            }
            try request.set("-MG", .change(.move(to: queue)), words.dropFirst())
        },
        EximOption("-MCG", .next, "Use this queue.") { request, values in request.queue = values.first ?? ""
        },
        EximOption("-Mset", .next, "Load a message for -be.") { request, values throws(EximUsageError) in
            request.loadedMessage = try MessageWords.ids("-Mset", values[...]).first
        },
    ]

    private static func message(
        _ spelling: ByteString, _ help: String, _ kind: MessageCommand.Kind
    ) -> EximOption {
        EximOption(spelling, .rest, help) { request, words throws(EximUsageError) in
            try request.set(spelling, kind, words[...])
        }
    }

    /// An option with one id and addresses.
    private static func edit(
        _ spelling: ByteString, _ help: String, _ action: @escaping @Sendable ([ByteString]) -> MessageAction
    ) -> EximOption {
        EximOption(spelling, .rest, help) { request, words throws(EximUsageError) in
            try request.set(spelling, .change(action(Array(words.dropFirst()))), words.prefix(1))
        }
    }
}
