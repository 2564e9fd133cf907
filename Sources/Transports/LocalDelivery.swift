/// What a process of another user is asked to do.
package enum LocalWork: Sendable, Hashable {
    /// Write to a mailbox or directory.
    case file(LocalOrder)
    /// Speak LMTP to a local socket or a command.
    case lmtp(LMTPOrder)
}

/// What came of it: a verdict for each address, or one for all.
package struct LocalReport: Sendable, Hashable {
    /// The verdicts; never empty.
    package let verdicts: [TransportVerdict]

    /// One verdict for all addresses.
    package init(_ verdict: TransportVerdict) { verdicts = [verdict] }

    /// A verdict for each address; nil when there is none.
    package init?(_ verdicts: [TransportVerdict]) {
        guard !verdicts.isEmpty else { return nil }
        self.verdicts = verdicts
    }

    /// The verdict for an address, by its place.
    package func verdict(_ index: Int) -> TransportVerdict {
        verdicts.indices.contains(index) ? verdicts[index] : verdicts[0]
    }
}

/// Carries out a local order, in whatever process it is.
package enum LocalDelivery {
    /// Does what is asked; `data` is the open data file.
    ///
    /// Blocks.
    package static func perform(_ work: LocalWork, data: CInt) -> LocalReport {
        switch work {
        case .file(let order):
            switch perform(order, data: data) {
            case .delivered: LocalReport(.delivered(confirmation: nil))
            case .deferred(let trouble): LocalReport(.deferred(trouble))
            }
        case .lmtp(let order): LMTPDelivery(order: order, data: data).deliver()
        }
    }

    /// Writes the message; `data` is the open data file.
    ///
    /// Blocks.
    package static func perform(_ order: LocalOrder, data: CInt) -> LocalOutcome {
        switch order.kind {
        case .mailbox: MailboxFile(order: order, data: data).deliver()
        case .maildir, .directory: DirectoryDelivery(order: order, data: data).deliver()
        }
    }
}
