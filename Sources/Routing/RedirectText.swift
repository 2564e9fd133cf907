package import Bytes
package import Filter
import MailText

/// Texts about what filters ask for.
package enum RedirectText {
    /// What stands in `<<` and `>>` is for the log, and the rest for the sender.
    package static func failure(_ text: ByteString) -> RoutingTrouble {
        guard text.starts(with: "<<" as ByteString), let end = text.bytes.firstRange(of: Array(">>".utf8))
        else {
            return RoutingTrouble(text, userText: text)
        }
        return RoutingTrouble(
            ByteString(text[2..<end.lowerBound]), userText: ByteString(text[end.upperBound...]))
    }

    /// How an answer is named in logs: by those that it goes to.
    package static func address(of reply: ReplyMessage) -> ByteString {
        let addresses = AddressParser.parseList(reply.to ?? "").compactMap { item -> ByteString? in
            guard case .success(let parsed) = item.outcome, !parsed.address.isNull else { return nil }
            return parsed.address.text
        }
        return ">\(addresses.joined(separator: ","))"
    }
}
