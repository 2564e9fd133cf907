import Bytes
import EximLog
import Expansion
import Routing
import Spooler
import Transports

extension MessageDelivery {
    /// Remote deliveries in the order that `remote_sort_domains` gives their domains, the others behind; equals keep theirs.
    func inOrder(_ plans: [PlannedAddress]) async -> [PlannedAddress] {
        guard plans.count > 1, let template = runner.settings.remoteOrder else { return plans }
        let patterns: [ListText]
        do {
            let list = try await runner.expander.expand(template, outgoing.facts)
            patterns = runner.expander.items(ofList: list).map { ListText(literal: "<\n \($0.bytes)") }
        } catch {
            runner.log.panic("failed to expand remote_sort_domains: \(error.text)", id: id.bytes)
            return plans
        }
        var ranks: [ByteString: Int] = [:]
        var remote: [(rank: Int, plan: PlannedAddress)] = []
        var others: [PlannedAddress] = []
        for plan in plans {
            guard runner.transports[plan.instruction.transport]?.isRemote == true else {
                others.append(plan)
                continue
            }
            let domain = EmailParts(tree.nodes[plan.node].address.address).domain
            let rank: Int
            if let known = ranks[domain] {
                rank = known
            } else {
                rank = await place(of: domain, in: patterns)
            }
            ranks[domain] = rank
            remote.append((rank, plan))
        }
        let sorted = remote.enumerated().sorted {
            ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset)
        }
        return others + sorted.map(\.element.plan)
    }

    private func place(of domain: ByteString, in patterns: [ListText]) async -> Int {
        for (index, pattern) in patterns.enumerated() where await isListed(domain, pattern) { return index }
        return patterns.count
    }
}
