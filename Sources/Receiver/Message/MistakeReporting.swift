import ACL
import Bytes
import Configuration
import EximLog
import Expansion
import MailSystem
import MailText
import Spooler

/// How the sender hears of a mistake in a message that he hands in (manual, options `-oee` to `-oew`).
enum MistakeMode: String, Sendable {
    /// `-oep`, `-oeq`: on standard error.
    case print
    /// `-oem`, `-oew`: by mail, and the exit code tells too.
    case mail
    /// `-oee`: by mail, and with that all is well.
    case mailOnly = "mail-only"
}

/// What reports of mistakes are made of: the command line's choice, and Exim's options for bounces.
struct MistakeReporting: Sendable {
    private(set) var mode: MistakeMode?
    private var from: Template
    private var replyTo: ByteString?
    private var returnsBody: Bool
    /// `bounce_return_size_limit`; 0 is no limit.
    private var limit: Int

    /// The most that is returned where `bounce_return_size_limit` is 0: what is returned is held in memory.
    static let mostReturned = 1 << 20

    /// Nobody is told by mail.
    static let none = MistakeReporting()

    private init() {
        (from, returnsBody, limit) = ("", false, 0)
    }

    init(_ mode: MistakeMode?, _ main: OptionBlock) {
        self.mode = mode
        from = main.template("dsn_from") ?? "Mail Delivery System <Mailer-Daemon@$qualify_domain>"
        replyTo = main.text("errors_reply_to")
        returnsBody = main.flag("bounce_return_body") ?? true
        limit = Int(main.bounceReturnSizeLimit)
    }

    /// Whether senders are told by mail.
    var isByMail: Bool { mode == .mail || mode == .mailOnly }

    private var most: Int { limit > 0 ? min(limit, Self.mostReturned) : Self.mostReturned }

    /// What has to be remembered of a message, so that it can be returned.
    func copy(_ limits: HeaderLimits) -> IntakeCopy {
        guard isByMail else { return IntakeCopy() }
        return IntakeCopy(header: limits.total, body: returnsBody ? most + 1 : 0)
    }

    /// The report.
    func report(
        _ mistake: SubmissionMistake, to sender: ByteString, _ headers: [Header], _ draft: Submission.Draft,
        _ context: SessionContext
    ) async -> MistakeReport {
        let facts = draft.state.facts
        var report = MistakeReport(mistake, from: await from(context, facts), to: sender)
        report.replyTo = replyTo
        report.headers = headers
        guard returnsBody else { return report }
        let body = draft.copy.bodyText
        report.body = ByteString(body.prefix(most))
        var limit = most
        if case .tooBig(let size) = mistake { limit = min(limit, size) }
        if body.count > most || draft.size > limit { report.limit = limit }
        return report
    }

    /// `dsn_from`, expanded.
    func from(_ context: SessionContext, _ facts: Facts) async -> ByteString {
        do {
            return try await context.system.expander.expand(from, facts).bytes
        } catch {
            context.system.log.panic("failed to expand dsn_from: \(error.text)")
            return "Mail Delivery System <Mailer-Daemon@\(context.system.settings.qualifyDomain)>"
        }
    }
}

extension Submission.Refusal {
    /// What went wrong, for people.
    var text: ByteString {
        switch self {
        case .usage(let text), .temporary(let text): text
        case .noSpace(let shortage): "there is not enough room for mail: \(shortage)"
        case .noRecipients: "no recipients: name some, or use -t and a To: line"
        case .mistake(let mistake, _): mistake.shown
        }
    }
}
