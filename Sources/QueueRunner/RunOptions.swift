import Bytes
import MailText

/// What a run is to do; Exim's -q, -R, -S and -M in one value.
struct RunOptions: Sendable {
    /// What made the messages be looked at.
    enum Occasion: Sendable {
        /// A pass over the queue: retry times of routing and local deliveries count (`-q`).
        case queueRun
        /// A message by itself, new or named (`-Mc`, `-M`): `queue_domains` and `queue_smtp_domains` count.
        case message
    }

    /// Retry times are not regarded (`-qf`).
    var isForced = false
    /// Frozen messages are thawed and tried too (`-qff`).
    var thaws = false
    /// Only messages that have never been tried (`-qi`).
    var firstTimeOnly = false
    /// Only local deliveries (`-ql`).
    var localOnly = false
    /// What would go to other hosts is routed, and left to a queue run (`-odqs`).
    var queuesSMTP = false
    /// The queue is gone through twice, remote deliveries being done the second time only (`-qq`).
    var isTwoStage = false
    /// This is the first of two times: remote deliveries are noted in the wait hints, and not begun.
    var isFirstStage = false
    /// The named queue; empty for the default one.
    var queue: ByteString = ""
    /// Only messages with an undelivered recipient in which this is found (`-R`).
    var recipient: AddressSearch?
    /// Only messages in whose sender this is found (`-S`).
    var sender: AddressSearch?
    /// The first id to look at.
    var start: ByteString?
    /// The last id to look at.
    var stop: ByteString?
    /// Nothing is delivered for real (`-N`).
    var isDryRun = false
    /// What made the messages be looked at.
    var occasion = Occasion.queueRun
    /// Who gives the messages up: all their recipients fail (`-Mg`).
    var cancelledBy: ByteString?

    /// Whether retry times of routing and local deliveries count; they do in queue runs.
    var regardsRoutingRetries: Bool { occasion == .queueRun }

    /// Whether only the first message that is tried is forced: so with -R and -S, unless all are (manual, option -R).
    var forcesFirstOnly: Bool { (recipient != nil || sender != nil) && !isForced && !thaws }

    /// The letters that Exim shows after -q.
    var letters: ByteString {
        let force = thaws ? "ff" : isForced ? "f" : ""
        return "\(isTwoStage ? "q" : "")\(firstTimeOnly ? "i" : "")\(force)\(localOnly ? "l" : "")"
    }
}

/// What -R or -S looks for in an address: a string, or a regular expression, in either case.
struct AddressSearch: Sendable {
    /// What was given.
    let text: ByteString
    private let pattern: PCRE2Pattern?

    /// A search for a string.
    init(_ text: ByteString) {
        self.text = text
        pattern = nil
    }

    /// A search by a regular expression; throws where it is none.
    init(pattern text: ByteString) throws(PatternError) {
        self.text = text
        pattern = try PCRE2Pattern.compile(text, caseless: true)
    }

    /// Whether a regular expression was given.
    var isPattern: Bool { pattern != nil }

    /// Whether it is found; a regular expression that gives up finds nothing.
    func isFound(in address: ByteString) -> Bool {
        guard let pattern else { return address.contains(text, ignoringCase: true) }
        do {
            return try pattern.matches(address)
        } catch {
            return false
        }
    }
}
