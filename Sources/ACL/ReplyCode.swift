import Bytes
import Routing

/// The reply code that the text of a `message` may begin with, perhaps with an extended one: `554 5.7.1 no`.
enum ReplyCode {
    /// The verdict with a text whose code fits; a code of a wrong class is the postmaster's mistake, which is logged.
    static func corrected(
        _ verdict: ACLVerdict, at moment: ACLMoment, log: (ByteString) -> Void
    ) -> ACLVerdict {
        guard let message = verdict.message, let standard = standard(verdict.decision, at: moment),
            let code = LeadingCode.code(of: message), code / 100 != standard / 100
        else { return verdict }
        log(
            "configured error code starts with incorrect digit (expected \(standard / 100)) in \"\(message)\""
        )
        var corrected = verdict
        corrected.message = "\(standard) \(LeadingCode.text(of: message))"
        if verdict.logMessage == message { corrected.logMessage = corrected.message }
        return corrected
    }

    /// The code of a reply that has none of its own; nil where no reply has one.
    private static func standard(_ decision: ACLVerdict.Decision, at moment: ACLMoment) -> Int64? {
        switch (moment, decision) {
        case (.notSMTP, _), (.notSMTPStart, _), (.quit, _), (.notquit, _), (.mailauth, _), (.expansion, _):
            nil
        case (_, .defer): 451
        case (.vrfy, .deny), (.vrfy, .drop): 252
        case (.etrn, .deny), (.etrn, .drop): 458
        case (_, .deny), (_, .drop): 550
        case (.predata, _): 354
        case (.connect, _): 220
        default: 250
        }
    }
}
