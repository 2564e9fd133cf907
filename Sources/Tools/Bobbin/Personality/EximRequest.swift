import Bytes
import MailSystem
import Spooler

/// What Exim's options ask for.
struct EximRequest: Sendable, Equatable {
    /// What is to be done; the options that ask for nothing of the kind are in the other properties.
    var deeds: Set<Deed> = []
    /// The files of -C.
    var configurationFiles: ByteString?
    /// The definitions of -D.
    var definitions: [ByteString] = []
    /// How -bp and its relatives list.
    var listing = ListingStyle()
    /// Whether -bpi lists ids only.
    var listsIDsOnly = false
    /// -qG, -MCG: the named queue.
    var queue: ByteString = ""
    /// What -q, -R and -S say.
    var run = QueueRunRequest()
    /// -M and its relatives.
    var messageCommand: MessageCommand?
    /// The message of -Mset.
    var loadedMessage: MessageID?
    /// The file of -bem: a message for -be.
    var messageFile: ByteString?
    /// What -bf and -bF ask for.
    var filter = FilterTest.Request()
    /// The file of -bmalware.
    var scannedFile: ByteString?
    /// -oA: the argument of the command that -bi runs.
    var originator: ByteString?
    /// The values of -oX.
    var interfaces: [ByteString] = []
    /// The file of -oP.
    var pidFile: ByteString?
    /// How a message is submitted.
    var submission = SubmissionRequest()
    /// -bh, -bhc: the address that a session is as if from.
    var rehearsal: Rehearsal?
    /// Whether -N is given: nothing is delivered for real.
    var isDryRun = false
    /// Whether -q is given, for it may be given once only.
    var hasRunWord = false
    /// Whether -v is given.
    var isVerbose = false
    /// Whether -n is given.
    var onlyValues = false
    /// The words after the options.
    var arguments: [ByteString] = []

    /// What -bt, -bv or -bvs asks for.
    var addressTest: AddressTest.Kind? {
        if deeds.contains(.testAddress) { return .route }
        if deeds.contains(.verifyRecipient) { return .verifyRecipient }
        return deeds.contains(.verifySender) ? .verifySender : nil
    }

    /// What -bh or -bhc says.
    struct Rehearsal: Sendable, Equatable {
        var address: ByteString
        var makesCallouts: Bool
    }

    /// Things to do that exclude each other, some of them.
    enum Deed: Sendable, Hashable {
        case daemon, smtp, batchedSMTP, submit, list, count, expand, printOptions, version, testAddress
        case testRetry, testRewriting, testFilter, testMalware, rehearse
        case verifyRecipient, verifySender, rebuildAliases, help, runQueue
    }
}

/// A queue run, one or many (facts/delivery.md 1.1).
struct QueueRunRequest: Sendable, Equatable {
    var isForced = false
    var thawsFrozen = false
    var onlyFirstTime = false
    var onlyLocal = false
    /// The time behind -q.
    var interval: ByteString?
    var isTwoStage = false
    /// The first and last ids.
    var start: ByteString?
    var stop: ByteString?
    /// -R and -S.
    var recipient: ByteString?
    var sender: ByteString?
    /// Whether -R or -S has a regular expression.
    var recipientIsPattern = false
    var senderIsPattern = false

    /// The queue runner's words.
    func words(queue: ByteString) -> [ByteString] {
        var words: [ByteString] = []
        if isTwoStage { words.append("--two-stage") }
        if thawsFrozen { words.append("--force-frozen") } else if isForced { words.append("--force") }
        if onlyFirstTime { words.append("--first-time") }
        if onlyLocal { words.append("--local-only") }
        if !queue.isEmpty { words += ["--queue", queue] }
        if let interval { words += ["--every", interval] }
        if let recipient { words.append(Self.search("recipient", recipient, recipientIsPattern)) }
        if let sender { words.append(Self.search("sender", sender, senderIsPattern)) }
        if let start { words += ["--start", start] }
        if let stop { words += ["--stop", stop] }
        return words
    }

    /// The value stands in the same word, since it may begin with a hyphen.
    private static func search(_ name: ByteString, _ text: ByteString, _ isPattern: Bool) -> ByteString {
        "--\(name)\(isPattern ? "-pattern" : "")=\(text)"
    }
}

/// How a message on standard input is submitted.
struct SubmissionRequest: Sendable, Equatable {
    /// Whether -t is given.
    var takesRecipientsFromHeader = false
    /// The address of -f or -r.
    var sender: ByteString?
    /// The name of -F.
    var fullName: ByteString?
    /// Whether -i or -oi is given.
    var ignoresDot = false
    /// The message of -E; the id may be empty.
    var bouncedMessage: ByteString?
    /// Whether -odq is given.
    var queueOnly = false
    /// Whether sessions begin with TLS (-tls-on-connect).
    var beginsInTLS = false
    /// Whether -odqs is given.
    var queueSMTP = false
    /// Whether -odb, -odf or -odi is given.
    var deliverNow = false
    /// Whether -N is given.
    var dontDeliver = false
    /// Whether -bnq is given.
    var leavesUnqualified = false
    /// How mistakes are told, in the receiver's word: -oem, -oee, -oep.
    var mistakes: ByteString = "mail"
    /// The options that begin with -oM, with their values.
    var claims: [ByteString] = []
    /// What they come to, for tests that ask nobody's leave.
    var claimed = PeerClaims()

    /// The receiver's words for one message.
    func words(_ recipients: [ByteString]) -> [ByteString] {
        var words: [ByteString] = ["submit"]
        if takesRecipientsFromHeader { words.append("-t") }
        words += senderWords
        if ignoresDot { words.append("-i") }
        if let bouncedMessage { words += ["-E", bouncedMessage] }
        if dontDeliver { words.append("-N") }
        if leavesUnqualified { words.append("-bnq") }
        words += ["--mistakes", mistakes] + deliveryWords
        return words + (recipients.isEmpty ? [] : ["--"]) + recipients
    }

    /// The receiver's words for a session as if from a host.
    func words(rehearsing rehearsal: EximRequest.Rehearsal) -> [ByteString] {
        ["rehearse"] + senderWords + claims + (rehearsal.makesCallouts ? ["--callouts"] : [])
            + [rehearsal.address]
    }

    /// The receiver's words for a session or a batch on standard input.
    func words(session: ByteString) -> [ByteString] {
        [session] + securityWords + senderWords + (dontDeliver ? ["-N"] : []) + deliveryWords
    }

    /// Whether sessions begin with TLS.
    var securityWords: [ByteString] { beginsInTLS ? ["--tls-on-connect"] : [] }

    private var senderWords: [ByteString] {
        var words: [ByteString] = []
        if let sender { words += ["-f", sender] }
        if let fullName { words += ["-F", fullName] }
        return words
    }

    /// When the delivery begins, and whom the caller speaks for.
    private var deliveryWords: [ByteString] {
        (queueOnly ? ["--queue-only"] : queueSMTP ? ["--queue-smtp"] : deliverNow ? ["--deliver-now"] : [])
            + claims
    }
}

/// One of -M and its relatives, with its ids.
struct MessageCommand: Sendable, Equatable {
    /// What is to be done with each message.
    enum Kind: Sendable, Equatable {
        /// Deliver: -M, -Mc.
        case deliver(forced: Bool)
        /// Fail: -Mg.
        case giveUp
        /// Show a file: -Mvh, -Mvb, -Mvl.
        case show(MessageFile)
        /// Show the message: -Mvc.
        case showCopy
        /// The rest.
        case change(MessageAction)
    }

    /// What.
    var kind: Kind
    /// With which messages.
    var ids: [MessageID]
}
