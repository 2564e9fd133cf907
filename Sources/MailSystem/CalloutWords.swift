import ACL
import Bytes
import SMTP
import Transports

/// What clients and the log are told of a callout.
struct CalloutWords: Sendable {
    private let address: ByteString
    private let asSender: Bool
    private let tellsDetails: Bool

    init(_ address: ByteString, asSender: Bool, tellsDetails: Bool) {
        self.address = address
        self.asSender = asSender
        self.tellsDetails = tellsDetails
    }

    private static let setupAdvice: ByteString = """
        The initial connection, or a HELO or MAIL FROM:<> command was
        rejected. Refusing MAIL FROM:<> does not help fight spam, disregards
        RFC requirements, and stops you from receiving standard bounce
        messages. This host does not accept mail from domains whose servers
        refuse bounces.
        """

    private static let postmasterAdvice: ByteString = """
        Several RFCs state that you are required to have a postmaster
        mailbox for each mail domain. This host does not accept mail
        from domains whose servers reject the postmaster address.
        """

    /// A host has refused; one that was connected before is not named.
    func failure(
        _ refusal: CalloutRefusal, at host: IPAddress? = nil, _ name: ByteString = ""
    ) -> AddressVerification {
        let response = refusal.trouble.reply?.text ?? ""
        let logged: ByteString = "\(name)\(refusal.trouble.text)"
        var failure = AddressVerification.Failure(
            said: "Callout verification failed:\n\(response)", logged: logged)
        failure.stage = refusal.stage
        guard asSender else { return .failed(failure) }
        // What was refused before MAIL was said shows with the command that was said last.
        let sent: ByteString = refusal.isEarly ? "QUIT" : refusal.trouble.command
        failure.said = "Called:   \(host?.text ?? "")\nSent:     \(sent)\nResponse: \(response)"
        advise(&failure, refusal.matter)
        return .failed(failure)
    }

    private func advise(
        _ failure: inout AddressVerification.Failure, _ matter: CalloutRefusal.Matter
    ) {
        let said = failure.said ?? ""
        switch matter {
        case .setup:
            failure.headline = "Callback setup failed while verifying"
            failure.said = "\(said)\n\(Self.setupAdvice)"
        case .postmaster:
            failure.headline = "Postmaster verification failed while checking"
            failure.said = "\(said)\n\(Self.postmasterAdvice)"
        case .session, .address: break
        }
    }

    /// A host has refused before.
    func remembered(_ matter: CalloutRefusal.Matter) -> AddressVerification {
        let text: ByteString =
            switch matter {
            case .session, .setup: "(result of an earlier callout reused)."
            case .postmaster: "(result of earlier verification reused)."
            case .address: "Previous (cached) callout verification failure"
            }
        var failure = AddressVerification.Failure(said: text, logged: nil)
        failure.stage = matter.stage
        if asSender { advise(&failure, matter) }
        return .failed(failure)
    }

    /// No host could tell.
    func deferral(_ why: ByteString, saying answer: Reply? = nil) -> AddressVerification {
        let head: ByteString = "Could not complete \(asSender ? "sender" : "recipient") verify callout"
        var deferral = AddressVerification.Deferral(
            said: tellsDetails ? "\(head) for <\(address)>.\n\(advice)" : head, logged: "\(head): \(why)")
        deferral.isCallout = true
        deferral.answer = answer.map { "\($0.code) \($0.lines.joined(separator: "\n"))" }
        return .deferred(deferral)
    }

    private var advice: ByteString {
        let start: ByteString = """
            The mail server(s) for the domain may be temporarily unreachable, or
            they may be permanently unreachable from this server. In the latter case,
            """
        guard asSender else { return "\(start)\nthe address will never be accepted." }
        return """
            \(start)
            you need to change the address or create an MX record for its domain
            if it is supposed to be generally accessible from the Internet.
            Talk to your mail administrator for details.
            """
    }
}
