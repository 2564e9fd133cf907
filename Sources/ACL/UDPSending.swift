package import Bytes
import Lookups

/// A packet that `udpsend` sends.
package struct Datagram: Sendable, Hashable {
    /// A name or an address.
    package var host: ByteString
    /// The port.
    package var port: UInt16
    /// What is in it.
    package var octets: ByteString
}

extension StatementRun {
    /// `udpsend = server : port : packet`; what goes wrong on the way is nobody's trouble.
    func udpSend(_ argument: ByteString) async -> ClauseResult {
        let words = ListItems(argument).all
        guard words.count > 0, !words[0].isEmpty else {
            return .broken("missing destination host in \"udpsend\" modifier")
        }
        guard words.count > 1 else { return .broken("missing destination port in \"udpsend\" modifier") }
        guard let number = words[1].decimalInteger(), let port = UInt16(exactly: number) else {
            return .broken("bad destination port in \"udpsend\" modifier")
        }
        guard words.count > 2 else { return .broken("missing datagram content in \"udpsend\" modifier") }
        if let trouble = await evaluator.services.send(Datagram(host: words[0], port: port, octets: words[2]))
        {
            return .deferred(trouble)
        }
        return .holds
    }
}
