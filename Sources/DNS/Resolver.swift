package import Bytes
import Synchronization

/// Asks the DNS with validation; shared by all tasks of a process, since libunbound keeps one cache for it.
///
/// Questions are asynchronous; a question ends with an answer, at the time limit, or when its task is cancelled.
package final class Resolver: NameResolver {
    private let settings: ResolverSettings
    private let unbound: Unbound
    private let unvalidated = Mutex<Unvalidated?>(nil)

    /// What asks without validation, for as long as the servers are thought to know no DNSSEC.
    private struct Unvalidated {
        var unbound: Unbound
        var end: ContinuousClock.Instant
    }

    /// After how long servers that knew no DNSSEC are tried again.
    package static let unvalidatedPeriod = Duration.seconds(60)

    /// Makes a resolver; throws where a setting, or the file that it names, is not usable.
    package init(_ settings: ResolverSettings = ResolverSettings()) throws(ResolverError) {
        self.settings = settings
        unbound = try Unbound(settings)
    }

    deinit {
        unbound.close()
        unvalidated.withLock { $0?.unbound.close() }
    }

    package func mayAsk(_ name: ByteString) -> Bool { settings.mayAsk(name) }

    /// Asks one question.
    package func lookup(_ name: ByteString, _ type: RecordType) async -> DNSAnswer {
        guard Self.isUnchecked(type) || settings.mayAsk(name), let question = DNSName.presentation(of: name)
        else {
            return DNSAnswer(.noSuchDomain, canonicalName: name)
        }
        let (reply, isUnvalidated) = await ask(question, type)
        var answer = Self.answer(reply, name: name, type: type)
        answer.isUnvalidated = isUnvalidated
        return answer
    }

    private func ask(
        _ question: ByteString, _ type: RecordType
    ) async -> (reply: UnboundReply, isUnvalidated: Bool) {
        let limit = settings.timeLimit
        if let plain = unvalidated.withLock({ $0.flatMap { .now < $0.end ? $0.unbound : nil } }) {
            return (await plain.ask(question, type: type, timeLimit: limit), true)
        }
        let reply = await unbound.ask(question, type: type, timeLimit: limit)
        guard settings.anchors == .rootWherePossible, case .result(let result) = reply,
            let reason = result.bogus, await lacksRoot(), let plain = stopValidating(for: reason)
        else { return (reply, false) }
        return (await plain.ask(question, type: type, timeLimit: limit), true)
    }

    /// Whether the servers cannot tell the root's keys with their proof, and so nobody's.
    private func lacksRoot() async -> Bool {
        guard case .result(let root) = await unbound.ask(".", type: .dnskey, timeLimit: settings.timeLimit)
        else { return false }
        return !root.secure
    }

    /// What asks from now on; nil where it cannot be made.
    private func stopValidating(for reason: ByteString) -> Unbound? {
        do {
            let (unbound, isNews) = try unvalidated.withLock { present in
                let isNews = present.map { $0.end < .now } ?? true
                let unbound = try present?.unbound ?? Unbound(settings.withoutAnchors)
                present = Unvalidated(unbound: unbound, end: .now + Self.unvalidatedPeriod)
                return (unbound, isNews)
            }
            if isNews {
                settings.noteUnvalidated(
                    """
                    the name servers do not pass DNSSEC records (\(reason)): answers are not validated; use servers \
                    that do, or set dns_dnssec_ok = 1 to defer instead
                    """)
            }
            return unbound
        } catch {
            settings.noteUnvalidated(ByteString("\(error)" as String))
            return nil
        }
    }

    /// Whether a name is asked for whatever it looks like: Exim checks neither TXT nor PTR names, and a pattern that knows
    /// no underscores must not hide TLSA records.
    private static func isUnchecked(_ type: RecordType) -> Bool {
        type == .txt || type == .ptr || type == .tlsa
    }

    private static func answer(_ reply: UnboundReply, name: ByteString, type: RecordType) -> DNSAnswer {
        let outcome: DNSOutcome =
            switch reply {
            case .timedOut: .tryAgain("no answer for \(name) (\(type.description)) within the time limit")
            case .cancelled: .tryAgain("question for \(name) (\(type.description)) cancelled")
            case .error(let reason): .failed("\(name) (\(type.description)): \(reason)")
            case .result(let result): Self.outcome(result, name: name, type: type)
            }
        guard case .result(let result) = reply else { return DNSAnswer(outcome, canonicalName: name) }
        let canonical =
            result.canonicalName.last == UInt8(ascii: ".")
            ? ByteString(result.canonicalName.dropLast()) : result.canonicalName
        return DNSAnswer(
            outcome, secure: result.secure && !result.isTrouble, timeToLive: result.timeToLive,
            canonicalName: canonical.isEmpty ? name : canonical)
    }

    private static func outcome(_ result: UnboundResult, name: ByteString, type: RecordType) -> DNSOutcome {
        let question = "\(name) (\(type.description))"
        if let reason = result.bogus {
            return .tryAgain("DNSSEC validation of \(ByteString(question)) failed: \(reason)")
        }
        switch result.responseCode {
        case 0 where result.rdata.isEmpty: return .noData
        case 0:
            let records = result.rdata.compactMap { DNSRecord(type: type, rdata: $0) }
            return records.isEmpty
                ? .tryAgain("malformed answer for \(ByteString(question))") : .records(records)
        case 3: return .noSuchDomain
        case 2: return .tryAgain("server failure for \(ByteString(question))")
        default: return .failed("response code \(result.responseCode) for \(ByteString(question))")
        }
    }
}
