public import Bytes

// What the -M commands do to a message (manual, "Modifying individual messages"; all under the lock).

extension HeaderFile {
    /// Whether the message is frozen.
    public var isFrozen: Bool { has(.frozen) }

    /// Freezes the message; false when it was frozen already.
    public mutating func freeze(at seconds: Int64) -> Bool {
        guard !isFrozen else { return false }
        frozenSince = seconds
        manualThaw = false
        return true
    }

    /// Thaws the message by a person's command; false when it was not frozen.
    public mutating func thaw() -> Bool {
        guard isFrozen else { return false }
        frozenSince = nil
        manualThaw = true
        return true
    }

    /// Marks a recipient as delivered, spelled as in the list; false when there is no such recipient.
    public mutating func markDelivered(_ address: ByteString) -> Bool {
        guard recipients.contains(where: { $0.address == address }) else { return false }
        nonRecipients.insert(address)
        return true
    }

    /// Marks all recipients as delivered; the message completes at the next attempt.
    public mutating func markAllDelivered() {
        for recipient in recipients { nonRecipients.insert(recipient.address) }
    }

    /// Adds a recipient; an address that is not ASCII makes the message an SMTPUTF8 one.
    public mutating func addRecipient(_ address: ByteString) {
        recipients.append(Recipient(address))
        if address.contains(where: { $0 > 126 }) { smtpUTF8 = true }
    }

    /// The form of an address that the journal and the tree hold: the domain in lower case.
    public static func uniqueForm(of address: ByteString) -> ByteString {
        guard let (local, domain) = address.cutAtLast(UInt8(ascii: "@")) else { return address }
        return "\(local)@\(domain.lowercasedASCII())"
    }

    /// Whether a recipient needs no more copies: its address, as spelled or in the unique form, is in the
    /// tree.
    public func isDelivered(_ recipient: Recipient) -> Bool {
        guard !nonRecipients.isEmpty else { return false }
        return nonRecipients.contains(recipient.address)
            || nonRecipients.contains(Self.uniqueForm(of: recipient.address))
    }

    /// Whether Exim's listing marks a recipient with `D`: its address as spelled is in the tree.
    public func isListedAsDelivered(_ recipient: Recipient) -> Bool {
        nonRecipients.contains(recipient.address)
    }

    /// The recipients that still need the message, in order.
    public var undelivered: [Recipient] { recipients.filter { !isDelivered($0) } }
}
