package import Bytes

/// One delivery by LMTP with everything expanded and settled: what a process of another user can do without a
/// configuration.
package struct LMTPOrder: Sendable, Hashable {
    /// Who speaks LMTP.
    package enum Peer: Sendable, Hashable {
        /// A server that listens on a local socket.
        case socket(ByteString)
        /// A command with its arguments, on its standard input and output.
        case command([ByteString])

        var socket: ByteString? { if case .socket(let path) = self { path } else { nil } }
        var words: [ByteString]? { if case .command(let words) = self { words } else { nil } }
    }

    /// Who speaks LMTP.
    package var peer: Peer
    /// The directory in which a command works.
    package var directory: ByteString = "/"
    /// What follows LHLO.
    package var greeting: ByteString
    /// The return path.
    package var sender: ByteString
    /// The recipients; never empty.
    package var recipients: [ByteString]
    /// `ignore_quota`.
    package var ignoresQuota = false
    /// `print_topbitchars`: how replies stand in texts.
    package var topBitPrints = false
    /// `timeout` in seconds, for each wait.
    package var timeout = 300
    /// The message.
    package var content = MessageContent()
    /// The transport's name, for texts.
    package var transport: ByteString = ""

    /// Makes an order; the rest is set afterwards.
    package init(peer: Peer, greeting: ByteString, sender: ByteString, recipients: [ByteString]) {
        self.peer = peer
        self.greeting = greeting
        self.sender = sender
        self.recipients = recipients
    }
}
