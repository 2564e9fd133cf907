import Bytes
import EximLog
import Expansion
import MailText
import Routing
import Spooler
import Transports

extension MessageDelivery {
    /// Tells those that `freeze_tell` names of a message that is now frozen.
    mutating func tellOfFreezing(_ reason: ByteString) async {
        guard let people = runner.settings.freezeTell, !people.isEmpty, !outgoing.isDryRun else { return }
        let frame = await frame(to: people)
        var text: ByteString =
            "Message \(id.bytes) has been frozen\(reason).\nThe sender is <\(original.sender)>.\n\n"
        text += "The following address(es) have yet to be delivered:\n" as ByteString
        for (node, why) in waitingAddresses {
            text +=
                "  \(tree.nodes[node].address.address)\(why.isEmpty ? "" : ": \(why)" as ByteString)\n"
                as ByteString
        }
        switch await submit(.frozen(frame, text), withBody: false) {
        case .accepted(let notice): if let notice { submitted.append(notice) }
        case .refused(let reason, _): runner.log.main("freeze notice not submitted: \(reason)", id: id.bytes)
        }
    }

    /// Who is still to be served, the last to be deferred first, and why it was not.
    private var waitingAddresses: [(Int, ByteString)] {
        (deferred.map { ($0.node, $0.text) } + frozen.map { ($0.node, $0.text) }).reversed()
    }

    /// The addresses that `errors_copy` names for bounces to a recipient (manual, option errors_copy).
    func copies(for recipient: ByteString) async -> [ByteString] {
        for item in ItemList.split(runner.settings.errorsCopy, separator: UInt8(ascii: ":")) {
            let (pattern, rest) = Self.pattern(of: item)
            var facts = outgoing.facts
            let parts = EmailParts(recipient)
            facts.address.localPart = TaintedBytes(parts.localPart)
            facts.address.domain = TaintedBytes(parts.domain)
            guard
                await runner.expander.matchAddress(recipient, in: ListText("<\n \(pattern)"), &facts).isMatch
            else { continue }
            do {
                let list = try await runner.expander.expand(Template(rest), facts).bytes
                return ItemList.split(list, separator: UInt8(ascii: ","))
            } catch {
                runner.log.panic("failed to expand \(rest) (errors_copy): \(error.text)", id: id.bytes)
                return []
            }
        }
        return []
    }

    /// An item's pattern, which may be in quotes, and the addresses behind it.
    private static func pattern(of item: ByteString) -> (ByteString, ByteString) {
        let text = item.trimmed()
        if text.first == UInt8(ascii: "\""), let cut = text.dropFirst().cut(at: UInt8(ascii: "\"")) {
            return (ByteString(cut.before), ByteString(cut.after.trimmed()))
        }
        guard let end = text.firstIndex(where: \.isASCIISpace) else { return (ByteString(text), "") }
        return (ByteString(text[..<end]), ByteString(text[end...].trimmed()))
    }
}
