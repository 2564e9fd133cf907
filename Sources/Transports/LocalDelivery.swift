import Bytes

/// Carries out a local order, in whatever process it is.
package enum LocalDelivery {
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
