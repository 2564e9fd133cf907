import ACL
import Bytes
import Configuration
import Expansion
import Hints
import MailText
import Routing
import SMTP
import Synchronization
import Transports

/// The thread that callouts wait on, started when the first is made.
final class CalloutLoops: Sendable {
    private let loops = Mutex<DeliveryLoops?>(nil)

    var present: DeliveryLoops {
        loops.withLock { loops in
            if let loops { return loops }
            let made = DeliveryLoops(1)
            loops = made
            return made
        }
    }
}

/// Asks hosts whether they would take mail for an address (manual, sections 44.45 to 44.48).
struct Callouts: Sendable {
    let transports: [ByteString: Transport]
    let cache: CalloutCache?
    let loops: CalloutLoops
    private let randomLocalPart: Template
    private let postmaster: ByteString
    private let tellsDetails: Bool
    private let observer: (any ACLObserver)?
    private let isWanted: Bool
    /// Writes a line to the logs.
    var tell: @Sendable (TransportLogLine) -> Void = { _ in }
    private let tls: ClientTLS

    init(
        _ configuration: Configuration, _ services: ACLServices, _ loops: CalloutLoops, _ tls: ClientTLS,
        qualifyDomain: ByteString
    ) {
        transports = configuration.transports.mapValues { Transport($0) }
        let main = configuration.main
        cache = services.hints.map { CalloutCache($0.callouts, CalloutCache.Expiry(main)) }
        self.loops = loops
        self.tls = tls
        randomLocalPart =
            main.template("callout_random_local_part") ?? "$primary_hostname-$tod_epoch-testing"
        postmaster = "postmaster@\(qualifyDomain)"
        tellsDetails = main.flag("smtp_return_error_details") ?? false
        observer = services.observer
        isWanted = services.makesCallouts
    }

    /// What the hosts of an address say of it; nil when there are none to ask.
    func ask(
        _ address: ByteString, _ order: VerificationOrder, _ instruction: DeliveryInstruction, _ facts: Facts,
        _ routing: RoutingEnvironment, keeping: Keeping? = nil
    ) async -> AddressVerification? {
        guard let callout = order.callout else { return nil }
        guard isWanted else {
            observer?.note("... callout omitted by default when host testing")
            observer?.note("(Use -bhc if you want the callouts to happen.)")
            return nil
        }
        let words = CalloutWords(address, asSender: order.asSender, tellsDetails: tellsDetails)
        do throws(TransportTrouble) {
            let route = try await transports[instruction.transport]?
                .calloutRoute(instruction, facts, routing, tls, tell: tell)
            guard let route else { return nil }
            let subject = await subject(address, callout, facts, routing.expander)
            let answer = await answer(about: subject, callout, route, words, keeping)
            if case .deferred = answer, callout.acceptsDeferral { return .accepted(.init()) }
            return answer
        } catch {
            return callout.acceptsDeferral ? .accepted(.init()) : words.deferral(error.text)
        }
    }

    /// Where the connection is kept, and for whom it is asked.
    struct Keeping: Sendable {
        var held: HeldCallout
        var question: HeldCallout.Question

        /// Keeps the connection to a host.
        func keep(
            at host: (name: ByteString, address: IPAddress, place: CalloutTalk.Place)
        ) -> (consuming CalloutTalk) -> Void {
            { talk in held.keep(talk, at: (host.name, host.address), host.place.identity, question) }
        }
    }

    /// What is asked about.
    private func subject(
        _ address: ByteString, _ order: CalloutOrder, _ facts: Facts, _ expander: Expander
    ) async -> CalloutSubject {
        let sender: ByteString =
            switch order.sender {
            case .nobody: ""
            case .sender: facts.message.sender ?? ""
            case .postmaster: postmaster
            case .address(let address): address
            }
        var random: ByteString?
        if order.triesRandom {
            do {
                random = try await expander.expand(randomLocalPart, facts).bytes
            } catch {
                observer?.note("callout_random_local_part: \(error.text)")
            }
        }
        return CalloutSubject(
            address: address, sender: sender, randomLocalPart: random,
            now: expander.environment.now().seconds)
    }

    private func answer(
        about subject: CalloutSubject, _ order: CalloutOrder, _ route: CalloutRoute, _ words: CalloutWords,
        _ keeping: Keeping?
    ) async -> AddressVerification {
        let cache = order.usesCache ? cache : nil
        let known = await cache?.knowledge(of: subject.domain, subject.key, now: subject.now) ?? .init()
        if let settled = settled(by: known, subject, order, words) { return settled }
        var inquiry = CalloutInquiry(subject: subject, order: order, known: known)
        if let answer = await inquiry.ask(keeping, route.hosts.map(\.place.identity)) {
            await cache?.keep(inquiry.learned, of: subject.domain, subject.key)
            switch answer {
            case .refused(let refusal): return words.failure(refusal)
            case .accepted, .trouble: return .accepted(.init())
            }
        }
        let begun = ContinuousClock.now
        var trouble: ByteString = "no host was asked"
        var said: Reply?
        for host in route.hosts {
            if let most = order.mostWait, begun.duration(to: .now) >= .seconds(most) { break }
            let answer = await inquiry.ask(host.place, loops.present, keeping?.keep(at: host))
            let name: ByteString = "\(host.name) [\(host.address.text)] : "
            switch answer {
            case .accepted:
                await cache?.keep(inquiry.learned, of: subject.domain, subject.key)
                var acceptance = AddressVerification.Acceptance()
                acceptance.byRandom = inquiry.learned.random == .accept
                return .accepted(acceptance)
            case .refused(let refusal):
                keeping?.held.spoil()
                await cache?.keep(inquiry.learned, of: subject.domain, subject.key)
                return words.failure(refusal, at: host.address, name)
            case .trouble(let why, let reply): (trouble, said) = ("\(name)\(why)", reply)
            }
        }
        keeping?.held.spoil()
        await cache?.keep(inquiry.learned, of: subject.domain, subject.key)
        return words.deferral(trouble, saying: said)
    }

    /// What needs no asking; nil when something does.
    private func settled(
        by known: CalloutCache.Knowledge, _ subject: CalloutSubject, _ order: CalloutOrder,
        _ words: CalloutWords
    ) -> AddressVerification? {
        if known.domain == .reject || (known.domain == .nullSenderRejected && subject.sender.isEmpty) {
            return words.remembered(.setup)
        }
        if order.triesRandom, known.random == .accept {
            var acceptance = AddressVerification.Acceptance()
            acceptance.byRandom = true
            return .accepted(acceptance)
        }
        if order.triesRandom, known.random == .unknown { return nil }
        if order.postmasterSender != nil, known.postmaster == .reject { return words.remembered(.postmaster) }
        if order.postmasterSender != nil, known.postmaster == .unknown { return nil }
        switch known.address {
        case .accept: return .accepted(.init())
        case .reject: return words.remembered(.address)
        default: return nil
        }
    }
}
