package import Bytes
package import Routing
package import SMTP

/// One address to deliver, with what its router settled.
package struct DeliveryItem: Sendable {
    /// The address with its ancestors and header changes.
    package var address: RoutingAddress
    /// What the router settled.
    package var instruction: DeliveryInstruction
    /// NOTIFY of the recipient.
    package var notify: RecipientCommand.Notify = []
    /// ORCPT of the recipient, as received.
    package var originalRecipient: ByteString?
    /// The recipients whose mail is the same delivery as this one: they became the same address.
    package var alsoFor: [ByteString] = []
    /// The key in journals and hints: the address with its domain in small letters, or `item:parent`.
    package var uniqueKey: ByteString

    /// Makes an item.
    package init(address: RoutingAddress, instruction: DeliveryInstruction, uniqueKey: ByteString) {
        self.address = address
        self.instruction = instruction
        self.uniqueKey = uniqueKey
    }

    /// The address for RCPT: letters as they came; affixes only when the transport wants them.
    package func recipient(includingAffixes: Bool) -> ByteString {
        let domain = address.address.cutAtLast(UInt8(ascii: "@")).map { ByteString($0.after) } ?? ""
        return "\(includingAffixes ? instruction.fullLocalPart : instruction.casedLocalPart)@\(domain)"
    }
}
