import ACL
import Bytes
import EximLog
import Expansion
import MailSystem
import SMTP

/// How many connections there were when one began, itself included.
struct ConnectionCounts: Sendable {
    var all: Int
    /// Those from its address.
    var sameHost: Int
}

extension Session {
    /// Whether the client may have a session at all; one that may not has been told.
    ///
    /// The order is Exim's: what concerns the number of connections from the address, the connection's log line,
    /// `host_reject_connection`, and the connections and the load that are kept for `smtp_reserve_hosts`.
    mutating func admit() async -> Bool {
        guard await isFewEnough() else { return false }
        if await isListed(.connectionNotLogged) { isLogged = false }
        log.event(.opened(count: counts?.all), state.facts)
        if await isListed(.connectionRejected) {
            let event = SessionEvent.rejectedByHost
            log.event(event, state.facts, alsoReject: true)
            await say(Reply(554, "SMTP service not available"))
            return false
        }
        return await isNotReserved()
    }

    /// `smtp_accept_max_per_host`.
    private mutating func isFewEnough() async -> Bool {
        guard let counts, let template = settings.limits.acceptMaxPerHost else { return true }
        let most: Int
        do {
            most = try await system.expander.expandToInteger(template, state.facts)
        } catch {
            log.panic("failed to expand smtp_accept_max_per_host: \(error.text)")
            return true
        }
        guard most > 0, counts.sameHost > most else { return true }
        log.event(.refused(text: "too many connections from that IP address"), state.facts)
        await say(
            Reply(421, "Too many concurrent SMTP connections from this IP address; please try again later."))
        return false
    }

    /// `smtp_accept_reserve` and `smtp_load_reserve`.
    private mutating func isNotReserved() async -> Bool {
        guard let counts else { return true }
        let limits = settings.limits
        let isCrowded =
            limits.acceptMax > 0 && limits.acceptReserve > 0
            && counts.all > limits.acceptMax - limits.acceptReserve
        let load = limits.loadReserve == nil ? 0 : LoadAverage.now()
        let isLoaded = limits.loadReserve.map { load > $0 } ?? false
        guard isCrowded || isLoaded, !(await isListed(.reserved)) else { return true }
        if isCrowded {
            let text: ByteString =
                "not in reserve list: connected=\(counts.all - 1) max=\(limits.acceptMax) reserve=\(limits.acceptReserve)"
            log.event(.refusedForNow(text: text), state.facts)
            await say(
                Reply(421, "\(activeHostName): Too many concurrent SMTP connections; please try again later"))
        } else {
            let text: ByteString = "not in reserve list and load average = \(LoadAverage.text(load))"
            log.event(.refusedForNow(text: text), state.facts)
            await say(Reply(421, "\(activeHostName): Too much load; please try again later"))
        }
        return false
    }

    /// Whether the client has waited for the greeting; one that has not is told off.
    mutating func waitsForGreeting() async -> Bool {
        guard enforcesSync, let octets = await wire.ahead() else { return true }
        let event = SessionEvent.tooEarly(input: ByteString(octets.prefix(Self.shownInput)))
        log.event(event, state, headers: nil)
        await say(Reply(554, "SMTP synchronization error"))
        return false
    }

    /// How much of what came too early is shown.
    static let shownInput = 150

    /// Whether a client may not send ahead of replies: `smtp_enforce_sync`, unless an ACL says otherwise.
    var enforcesSync: Bool {
        guard isNetworked, !context.isRehearsal else { return false }
        let said = state.controls.last { $0.name == "enforce_sync" || $0.name == "no_enforce_sync" }
        return said.map { $0.name == "enforce_sync" } ?? settings.enforcesSync
    }

    /// Whether the client talks over a network connection of ours.
    var isNetworked: Bool { context.localCaller == nil }

    /// Whether the client is a local caller who names no host that he speaks for.
    var isLocal: Bool { context.localCaller != nil && state.facts.connection.remoteAddress == nil }

    /// Makes a client wait that sends too much (`smtp_ratelimit_mail`, `smtp_ratelimit_rcpt`).
    mutating func slowDown(_ limit: RateLimit?, at count: Int, _ delay: WritableKeyPath<Session, Double>)
        async
    {
        guard let limit, isNetworked, !context.isRehearsal, await isListed(.rateLimited) else { return }
        let wait = limit.wait(at: count, &self[keyPath: delay])
        if wait > 0 { await pause(.milliseconds(Int64(wait * 1000))) }
    }

    /// Waits; a task that is cancelled waits no longer.
    func pause(_ duration: Duration) async {
        do { try await Task.sleep(for: duration) } catch { return }
    }
}
