package import Bytes
package import Expansion
import Hints
package import Routing

extension Transport {
    /// Whether a mailbox has room for a message that is announced with that many octets (`verify = recipient/quota`).
    ///
    /// Only appendfile transports have quotas. What cannot be told, such as what lies in a mailbox that only its owner may
    /// look into, counts as room: the delivery finds out, and nothing is written here.
    package func hasRoom(
        for size: Int64, _ instruction: DeliveryInstruction, _ facts: Facts, _ expander: Expander
    ) async -> Bool {
        guard case .appendfile(let settings) = driver else { return true }
        var options = OptionExpansion(
            transport: name, expander: expander, facts: facts.seen(by: name, instruction))
        do throws(TransportTrouble) {
            if let home = generic.homeDirectory {
                options.facts.address.home = try await options.expand(home, saying: "home_directory")
            }
            let place = try await MailboxPlace(
                settings: settings, options: options, instruction: instruction
            ).found()
            var order = LocalOrder(
                transport: name, kind: place.kind, path: place.path, uid: System.effectiveUser,
                gid: System.effectiveGroup, hostName: "")
            order.quota = try await QuotaReading(
                settings: settings.quota, options: options, messageSize: max(0, size)
            ).order()
            let asked = order
            return await Offload.run { Self.hasRoom(asked) }
        } catch {
            return true
        }
    }

    private static func hasRoom(_ order: LocalOrder) -> Bool {
        do throws(TransportTrouble) {
            try order.quota.check(try present(order), name: order.path)
            return true
        } catch {
            return error.errno != EximErrno.eximQuota
        }
    }

    private static func present(_ order: LocalOrder) throws(TransportTrouble) -> MailboxAmount {
        guard order.kind == .mailbox else {
            let directory = DirectoryQuota(order: order, directory: order.path.withoutFinalSlash)
            return try directory.present(keeping: false)
        }
        if let known = order.quota.knownSize { return MailboxAmount(octets: known) }
        do throws(SystemFailure) {
            return MailboxAmount(octets: try System.status(order.path)?.size ?? 0)
        } catch {
            throw TransportTrouble("while checking mailbox \(order.path)", errno: error.number)
        }
    }
}
