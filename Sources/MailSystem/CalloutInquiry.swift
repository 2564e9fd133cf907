import ACL
import Bytes
import Hints
import SMTP
import Transports

/// What a callout asks about.
struct CalloutSubject: Sendable, Hashable {
    var address: ByteString
    /// Who the mail would be from; empty for nobody.
    var sender: ByteString
    /// What a random address has before its `@`; nil when none is tried.
    var randomLocalPart: ByteString?
    /// Seconds since 1970.
    var now: Int64

    var domain: ByteString {
        address.cutAtLast(UInt8(ascii: "@")).map { $0.after.lowercasedASCII() } ?? ""
    }

    /// The key of the address's record.
    var key: ByteString { sender.isEmpty ? address : "\(address)/<\(sender)>" }
}

/// What a host refused for good.
struct CalloutRefusal: Sendable, Hashable {
    /// What it was about.
    enum Matter: Sendable, Hashable {
        /// The connection, HELO, or a sender who is somebody.
        case session
        /// `MAIL FROM:<>`.
        case setup
        /// The address.
        case address
        /// The postmaster.
        case postmaster
    }

    var matter: Matter
    var trouble: CalloutTrouble

    /// Whether MAIL had not been said yet.
    var isEarly: Bool { matter == .session && !trouble.command.starts(with: ByteString("MAIL")) }

    /// Who said no; nil where that was before MAIL, as in Exim.
    var stage: VerificationStage? {
        switch matter {
        case .session, .setup: isEarly ? nil : .mail
        case .address: .recipient
        case .postmaster: .postmaster
        }
    }
}

/// What a host answered.
enum CalloutAnswer: Sendable {
    case accepted
    case refused(CalloutRefusal)
    /// It cannot be told: another host may know.
    case trouble(ByteString)
}

/// The questions of one callout, and what has been learned.
struct CalloutInquiry: Sendable {
    private let subject: CalloutSubject
    private let order: CalloutOrder
    private let known: CalloutCache.Knowledge
    /// What is to be kept.
    private(set) var learned = CalloutCache.Knowledge()

    init(subject: CalloutSubject, order: CalloutOrder, known: CalloutCache.Knowledge) {
        self.subject = subject
        self.order = order
        var known = known
        // Where a random address is to be tried, the other question is asked anew, as Exim does.
        if order.triesRandom, known.random == .unknown { known.postmaster = .unknown }
        self.known = known
        // What was known and asked for stays.
        if order.triesRandom { (learned.random, learned.randomStamp) = (known.random, known.randomStamp) }
        if order.postmasterSender != nil {
            (learned.postmaster, learned.postmasterStamp) = (known.postmaster, known.postmasterStamp)
        }
    }

    /// Asks one host.
    mutating func ask(_ place: CalloutTalk.Place, _ loops: DeliveryLoops) async -> CalloutAnswer {
        do throws(CalloutTrouble) {
            var talk = try await CalloutTalk.open(
                place, connectTimeout: order.connectTimeout ?? order.timeout, timeout: order.timeout, loops)
            let answer: CalloutAnswer
            do throws(CalloutTrouble) {
                answer = try await converse(&talk)
            } catch {
                await talk.quit()
                return .trouble(error.text)
            }
            await talk.quit()
            return answer
        } catch {
            guard error.isRefusal else { return .trouble(error.text) }
            return .refused(CalloutRefusal(matter: .session, trouble: error))
        }
    }

    private mutating func converse(_ talk: inout CalloutTalk) async throws(CalloutTrouble) -> CalloutAnswer {
        if let refusal = try await mail(from: subject.sender, &talk) { return .refused(refusal) }
        if try await isRandomAccepted(&talk) { return .accepted }
        let command: ByteString = "RCPT TO:<\(subject.address)>"
        let reply = try await talk.say(command)
        guard reply.isPositive else {
            let trouble = CalloutTalk.refusal(command, reply)
            guard reply.isPermanent else { throw trouble }
            learned.address = .reject
            return .refused(CalloutRefusal(matter: .address, trouble: trouble))
        }
        learned.address = .accept
        guard let refusal = try await askForPostmaster(&talk) else { return .accepted }
        return .refused(refusal)
    }

    private mutating func mail(
        from sender: ByteString, _ talk: inout CalloutTalk
    ) async throws(CalloutTrouble) -> CalloutRefusal? {
        let command: ByteString = "MAIL FROM:<\(sender)>"
        let reply = try await talk.say(command)
        // That it refuses bounces, a host that takes other mail has not unsaid.
        learned.domain = known.domain == .nullSenderRejected && !sender.isEmpty ? known.domain : .accept
        if reply.isPositive { return nil }
        let trouble = CalloutTalk.refusal(command, reply)
        guard reply.isPermanent else { throw trouble }
        if sender.isEmpty { learned.domain = .nullSenderRejected }
        return CalloutRefusal(matter: sender.isEmpty ? .setup : .session, trouble: trouble)
    }

    /// Tries an address that cannot be: a host that takes it takes all.
    private mutating func isRandomAccepted(_ talk: inout CalloutTalk) async throws(CalloutTrouble) -> Bool {
        guard let localPart = subject.randomLocalPart, known.random == .unknown else { return false }
        let reply = try await talk.say("RCPT TO:<\(localPart)@\(subject.domain)>")
        learned.randomStamp = subject.now
        if reply.isPositive {
            learned.random = .accept
            return true
        }
        if reply.isPermanent { learned.random = .reject }
        try await talk.sayExpecting("RSET")
        try await talk.sayExpecting("MAIL FROM:<\(subject.sender)>")
        return false
    }

    private mutating func askForPostmaster(
        _ talk: inout CalloutTalk
    ) async throws(CalloutTrouble) -> CalloutRefusal? {
        guard let sender = order.postmasterSender, known.postmaster == .unknown else { return nil }
        try await talk.sayExpecting("RSET")
        let mail: ByteString = "MAIL FROM:<\(sender)>"
        let welcome = try await talk.say(mail)
        guard welcome.isPositive else {
            let trouble = CalloutTalk.refusal(mail, welcome)
            guard welcome.isPermanent else { throw trouble }
            (learned.postmaster, learned.postmasterStamp) = (.reject, subject.now)
            return CalloutRefusal(matter: .postmaster, trouble: trouble)
        }
        var commands: [ByteString] = ["RCPT TO:<postmaster@\(subject.domain)>"]
        if order.triesBarePostmaster { commands.append("RCPT TO:<postmaster>") }
        var refusal: CalloutRefusal?
        for command in commands {
            let reply = try await talk.say(command)
            learned.postmasterStamp = subject.now
            if reply.isPositive {
                learned.postmaster = .accept
                return nil
            }
            let trouble = CalloutTalk.refusal(command, reply)
            guard reply.isPermanent else { throw trouble }
            learned.postmaster = .reject
            refusal = CalloutRefusal(matter: .postmaster, trouble: trouble)
        }
        return refusal
    }
}

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

    /// A host has refused.
    func failure(
        _ refusal: CalloutRefusal, at host: IPAddress, _ name: ByteString
    ) -> AddressVerification {
        let response = refusal.trouble.reply?.text ?? ""
        let logged: ByteString = "\(name)\(refusal.trouble.text)"
        var failure = AddressVerification.Failure(
            said: "Callout verification failed:\n\(response)", logged: logged)
        failure.stage = refusal.stage
        guard asSender else { return .failed(failure) }
        // What was refused before MAIL was said shows with the command that was said last.
        let sent: ByteString = refusal.isEarly ? "QUIT" : refusal.trouble.command
        failure.said = "Called:   \(host.text)\nSent:     \(sent)\nResponse: \(response)"
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
        failure.stage =
            switch matter {
            case .session, .setup: .mail
            case .address: .recipient
            case .postmaster: .postmaster
            }
        if asSender { advise(&failure, matter) }
        return .failed(failure)
    }

    /// No host could tell.
    func deferral(_ why: ByteString) -> AddressVerification {
        let head: ByteString = "Could not complete \(asSender ? "sender" : "recipient") verify callout"
        var deferral = AddressVerification.Deferral(
            said: tellsDetails ? "\(head) for <\(address)>.\n\(advice)" : head, logged: "\(head): \(why)")
        deferral.isCallout = true
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
