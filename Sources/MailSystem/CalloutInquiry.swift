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

        /// What said no, as variables name it.
        var stage: VerificationStage {
            switch self {
            case .session, .setup: .mail
            case .address: .recipient
            case .postmaster: .postmaster
            }
        }
    }

    var matter: Matter
    var trouble: CalloutTrouble

    /// Whether MAIL had not been said yet.
    var isEarly: Bool { matter == .session && !trouble.command.starts(with: ByteString("MAIL")) }

    /// Who said no; nil where that was before MAIL, as in Exim.
    var stage: VerificationStage? { isEarly ? nil : matter.stage }
}

/// What a host answered.
enum CalloutAnswer: Sendable {
    case accepted
    case refused(CalloutRefusal)
    /// It cannot be told: another host may know.
    case trouble(ByteString, Reply?)
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

    /// Asks over a connection that is there already; nil when there is none that fits.
    mutating func ask(
        _ keeping: Callouts.Keeping?, _ hosts: [CalloutTalk.Place.Identity]
    ) async -> CalloutAnswer? {
        guard let keeping, let answer = await keeping.held.ask(keeping.question, hosts) else { return nil }
        if case .refused = answer { learned.address = .reject } else { learned.address = .accept }
        return answer
    }

    /// Asks one host; `keep` is given the connection of one that accepts, where it is to be kept.
    mutating func ask(
        _ place: CalloutTalk.Place, _ loops: DeliveryLoops, _ keep: ((consuming CalloutTalk) -> Void)?
    ) async -> CalloutAnswer {
        do throws(CalloutTrouble) {
            var talk = try await CalloutTalk.open(
                place, connectTimeout: order.connectTimeout ?? order.timeout, timeout: order.timeout, loops)
            let answer: CalloutAnswer
            do throws(CalloutTrouble) {
                answer = try await converse(&talk)
            } catch {
                await talk.quit()
                return .trouble(error.text, error.reply)
            }
            if case .accepted = answer, let keep {
                keep(talk)
            } else {
                await talk.quit()
            }
            return answer
        } catch {
            guard error.isRefusal else { return .trouble(error.text, error.reply) }
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
