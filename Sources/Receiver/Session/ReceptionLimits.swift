import Bytes
import Configuration
import Expansion
import MailText

/// Options that bound what clients may ask for, typed; each is Exim's option of that name.
struct ReceptionLimits: Sendable {
    var acceptMax: Int
    var acceptMaxPerHost: Template?
    var acceptMaxPerConnection: Template
    var acceptReserve: Int
    /// A load average in thousandths; nil for no limit.
    var loadReserve: Int64?
    var maxNonMail: Int
    var maxUnknownCommands: Int
    var maxSyntaxErrors: Int
    var messageSize: Template
    var recipients: Int
    var rejectsTooManyRecipients: Bool
    /// Seconds without input after which a client is given up; nil for ever.
    var receiveTimeout: Template
    /// `header_maxsize` and `header_line_maxsize`.
    var header: HeaderLimits
    var mailRate: RateLimit?
    var recipientRate: RateLimit?
    var space: SpaceRequirements

    init(_ main: OptionBlock, spool: ByteString, log: ByteString?) {
        acceptMax = Int(main.number("smtp_accept_max") ?? 20)
        acceptMaxPerHost = main.template("smtp_accept_max_per_host")
        acceptMaxPerConnection = main.template("smtp_accept_max_per_connection") ?? "1000"
        acceptReserve = Int(main.number("smtp_accept_reserve") ?? 0)
        loadReserve = main.number("smtp_load_reserve")
        maxNonMail = Int(main.number("smtp_accept_max_nonmail") ?? 10)
        maxUnknownCommands = Int(main.number("smtp_max_unknown_commands") ?? 3)
        maxSyntaxErrors = Int(main.number("smtp_max_synprot_errors") ?? 3)
        messageSize = main.template("message_size_limit") ?? "50M"
        recipients = Int(main.number("recipients_max") ?? 50_000)
        rejectsTooManyRecipients = main.flag("recipients_max_reject") ?? false
        receiveTimeout = main.template("smtp_receive_timeout") ?? "5m"
        header = HeaderLimits(
            total: Int(main.number("header_maxsize") ?? 1 << 20),
            line: Int(main.number("header_line_maxsize") ?? 0))
        mailRate = main.text("smtp_ratelimit_mail").flatMap { RateLimit($0) }
        recipientRate = main.text("smtp_ratelimit_rcpt").flatMap { RateLimit($0) }
        space = SpaceRequirements(main, spool: spool, log: log)
    }
}

/// `smtp_ratelimit_mail` and `smtp_ratelimit_rcpt`: how long commands wait when there are many.
struct RateLimit: Sendable, Equatable {
    /// How many are free.
    var threshold: Double
    /// What the next one waits, in seconds.
    var first: Double
    /// By what the wait grows with each.
    var factor: Double
    /// The longest wait, in seconds.
    var most: Double

    /// The longest wait that is taken, in seconds: a day.
    static let longest = 86_400.0

    /// Reads `threshold,delay,factor,limit`, such as `2,0.5s,1.05,4m`; nil when it has another form.
    init?(_ text: ByteString) {
        let parts = text.split(separator: UInt8(ascii: ",")).map { ByteString($0.trimmed()) }
        guard parts.count == 4, let threshold = Double(parts[0].string), let factor = Double(parts[2].string),
            let first = Self.seconds(parts[1]), let most = Self.seconds(parts[3]), factor.isFinite,
            factor >= 1
        else { return nil }
        (self.threshold, self.first, self.factor, self.most) = (threshold, first, factor, most)
    }

    private static func seconds(_ text: ByteString) -> Double? {
        if let whole = EximInterval.parse(text) { return min(Double(whole), longest) }
        guard text.last == UInt8(ascii: "s"), let value = Double(text.string.dropLast()), value.isFinite,
            value >= 0
        else { return nil }
        return min(value, longest)
    }

    /// What the command of that number waits; `delay` is what the one before it would have made the next one wait.
    func wait(at count: Int, _ delay: inout Double) -> Double {
        guard Double(count) > threshold else {
            delay = first
            return 0
        }
        let now = min(delay, most)
        delay = min(delay * factor, most)
        return now
    }
}
