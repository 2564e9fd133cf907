import Bytes
package import EximLog
package import Expansion
package import Routing
package import Transports

extension LoggedAddress {
    /// An address as the log shows it, with what it was made from.
    package init(_ address: RoutingAddress, by instruction: DeliveryInstruction?) {
        let isItem = instruction.map { $0.target != .address } ?? false
        var text = address.address
        if let instruction, !isItem, let localPart = instruction.facts.localPart,
            let domain = instruction.facts.domain
        {
            text = "\(localPart.bytes)@\(domain.bytes)"
        }
        self.init(text, top: address.top)
        isPipeFileOrReply =
            isItem
            || (text.first.map { "|/>".utf8.contains($0) } ?? false && !text.contains(UInt8(ascii: "@")))
        between = Array(address.ancestors.dropLast().map(\.address))
    }
}

extension LoggedHost {
    /// A host as the log shows it.
    package init(_ host: UsedHost) {
        self.init(name: host.host.name, address: host.host.address?.text, port: host.port)
        isContinued = host.isContinued
        isSecure = host.host.isSecure
        if let local = host.localAddress {
            interface = LoggedInterface(address: local.text, port: host.localPort)
        }
        proxy = host.proxy.map { LoggedInterface(address: $0.address.text, port: $0.port) }
    }
}

extension LoggedTLS {
    /// A session as the log shows it; nil where there is none.
    package init?(_ tls: TLSFacts) {
        guard let cipher = tls.cipher else { return nil }
        let verification: Verification = tls.dane == true ? .dane : tls.certificateVerified ? .yes : .no
        self.init(cipher: cipher, verification: verification, peerDN: tls.peerDN)
    }
}
