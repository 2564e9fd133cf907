import Bytes
import Configuration
import DNS
import Expansion
import MailText

/// The DNS as the main section wants it: `dns_again_means_nonexist` and `dns_ipv4_lookup`.
struct ConfiguredResolver: NameResolver {
    private let resolver: Resolver
    /// Knows constants and named lists only, so that no list can lead back here.
    private let expander: Expander
    private let absentInTrouble: ListText?
    private var withoutIPv6: ListText?
    /// `slow_lookup_log`, in milliseconds; nil where nobody is told.
    private let slowness: Int64?
    /// Hears of lookups that were slow.
    private let noteSlow: @Sendable (ByteString) -> Void

    init(
        _ resolver: Resolver, _ expander: Expander, _ main: OptionBlock,
        noteSlow: @escaping @Sendable (ByteString) -> Void = { _ in }
    ) {
        self.resolver = resolver
        self.expander = expander
        absentInTrouble = main.list("dns_again_means_nonexist")
        withoutIPv6 = main.list("dns_ipv4_lookup")
        slowness = main.number("slow_lookup_log").flatMap { $0 > 0 ? $0 : nil }
        self.noteSlow = noteSlow
    }

    /// The same without `dns_ipv4_lookup`, which is about hosts that mail goes to.
    var withoutRulesForHosts: ConfiguredResolver {
        var resolver = self
        resolver.withoutIPv6 = nil
        return resolver
    }

    func lookup(_ name: ByteString, _ type: RecordType) async -> DNSAnswer {
        if name.contains(where: { $0 > 127 }) {
            // The DNS knows a-labels (manual, section 60.1); a name that has none does not exist.
            guard let ascii = try? InternationalName.asciiDomain(name), !ascii.contains(where: { $0 > 127 })
            else {
                return DNSAnswer(.noSuchDomain, canonicalName: name)
            }
            return await lookup(ascii, type)
        }
        if type == .aaaa, await isListed(name, withoutIPv6) {
            return DNSAnswer(.noSuchDomain, canonicalName: name)
        }
        var answer = await timed(name, type)
        // Trouble with TLSA records is a matter of security (manual, option dns_again_means_nonexist).
        if case .tryAgain = answer.outcome, type != .tlsa, await isListed(name, absentInTrouble) {
            answer.outcome = .noSuchDomain
        }
        return answer
    }

    private func timed(_ name: ByteString, _ type: RecordType) async -> DNSAnswer {
        guard let slowness else { return await resolver.lookup(name, type) }
        let begun = ContinuousClock.now
        let answer = await resolver.lookup(name, type)
        let taken = (ContinuousClock.now - begun) / .milliseconds(1)
        if taken > Double(slowness) {
            noteSlow("Long \(type.description) lookup for '\(name)': \(Int64(taken)) msec")
        }
        return answer
    }

    func mayAsk(_ name: ByteString) -> Bool { resolver.mayAsk(name) }

    private func isListed(_ name: ByteString, _ list: ListText?) async -> Bool {
        guard let list else { return false }
        var facts = Facts()
        return await expander.matchDomain(name.lowercasedASCII(), in: list, &facts).isMatch
    }
}
