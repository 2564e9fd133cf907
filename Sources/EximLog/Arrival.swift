package import Bytes

/// The line `<=`: a message was accepted (delivery.md 3.2).
package struct Arrival: Sendable, Hashable {
    /// The envelope sender after rewriting; empty for `<>`.
    package var sender: ByteString
    /// Whether the acceptance is denied to the peer (`control = fakereject`): the line begins with `(=`.
    package var isFaked = false
    /// The message that a bounce or a reply answers: `R=`.
    package var reference: ByteString?
    /// The peer, or the local caller in `ident`.
    package var peer: PeerName
    /// Whether the peer's name is secured by DNSSEC.
    package var hasSecureName = false
    /// The local socket address.
    package var interface: LoggedInterface?
    /// Whether TCP fast open was used.
    package var usedFastOpen = false
    /// The connection id for `Ci=`.
    package var connectionID: ByteString?
    /// `$received_protocol`.
    package var `protocol`: ByteString
    /// How pipelining went.
    package var pipelining = LoggedPipelining.notOffered
    /// TLS; nil for clear text.
    package var tls: LoggedTLS?
    /// Whether TLS began with the connection; see selector `tls_on_connect`.
    package var tlsOnConnect = false
    /// Authentication; nil for none.
    package var authentication: LoggedAuthentication?
    /// Whether PRDR was used.
    package var usedPRDR = false
    /// The proxy's address.
    package var proxy: ByteString?
    /// Whether BDAT was used.
    package var usedChunking = false
    /// The size for `S=` (spool.md 3.9); nil leaves it out.
    package var size: Int?
    /// 0 (not given), 7 or 8, for `M8S=`.
    package var bodyType = 0
    /// A domain whose DKIM signature verified.
    package var dkimDomain: ByteString?
    /// Further items of checks (ARC, DMARC, SPF), each as it shall stand.
    package var checks: [ByteString] = []
    /// How long the reception took.
    package var receiveTime: LogInterval?
    /// The named queue.
    package var queue = ByteString()
    /// The Message-ID: text without angle brackets.
    package var messageID: ByteString?
    /// Whether that was made here: `id*=`.
    package var messageIDWasCreated = false
    /// The decoded Subject:.
    package var subject: ByteString?
    /// The sender before rewriting, for ` from <...>`.
    package var rawSender: ByteString?
    /// The recipients before rewriting, for ` for ...`.
    package var recipients: [ByteString] = []

    /// Makes an arrival; what is seldom is set afterwards.
    package init(sender: ByteString, peer: PeerName, protocol name: ByteString, size: Int?) {
        self.sender = sender
        self.peer = peer
        self.protocol = name
        self.size = size
    }

    /// The line's text after the id.
    package func text(by selector: LogSelector) -> ByteString {
        "\(isFaked ? "(=" : "<=") \(sender.isEmpty ? "<>" : sender)\(details(by: selector))"
    }

    /// The same for the message log, which begins `Received from`.
    package func messageLogText(by selector: LogSelector) -> ByteString {
        "Received from \(sender.isEmpty ? "<>" : sender)\(details(by: selector))"
    }

    private func details(by selector: LogSelector) -> ByteString {
        var text = ByteString()
        if let reference { text += " R=\(reference)" as ByteString }
        text += session(by: selector)
        text += extensions(by: selector)
        text += content(by: selector)
        return text
    }

    private func session(by selector: LogSelector) -> ByteString {
        var text = ByteString()
        if selector.has(.dnssec), hasSecureName { text += " DS" as ByteString }
        if peer.address != nil {
            text += " H=\(peer.fullHost(showingPort: selector.has(.incomingPort)))" as ByteString
            if selector.has(.incomingInterface), let interface {
                text += " I=\(interface.text)" as ByteString
            }
            if usedFastOpen { text += " TFO" as ByteString }
        }
        if let ident = peer.ident { text += " U=\(ident.shown(by: selector))" as ByteString }
        if selector.has(.connectionID), let connectionID { text += " Ci=\(connectionID)" as ByteString }
        return text + (" P=\(protocolName(by: selector))" as ByteString)
    }

    private func protocolName(by selector: LogSelector) -> ByteString {
        guard selector.has(.tlsOnConnect), tlsOnConnect else { return self.protocol }
        return switch self.protocol {
        case "smtps": "ssmtp"
        case "esmtps": "essmtp"
        case "esmtpsa": "essmtpa"
        default: self.protocol
        }
    }

    private func extensions(by selector: LogSelector) -> ByteString {
        var text = ByteString()
        if selector.has(.pipelining) { text += pipelining.item }
        if let tls { text += tls.items(by: selector, withSNI: true) }
        if let authentication { text += authentication.item(by: selector) }
        if usedPRDR { text += " PRDR" as ByteString }
        if selector.has(.proxy), let proxy { text += " PRX=\(proxy)" as ByteString }
        if usedChunking { text += " K" as ByteString }
        return text
    }

    private func content(by selector: LogSelector) -> ByteString {
        var text = ByteString()
        if let size { text += " S=\(size)" as ByteString }
        if selector.has(.eightBitMIME) { text += " M8S=\(bodyType)" as ByteString }
        if selector.has(.dkim), let dkimDomain { text += " DKIM=\(dkimDomain)" as ByteString }
        for check in checks { text += " \(check)" as ByteString }
        if selector.has(.receiveTime), let receiveTime {
            text += " RT=\(receiveTime.text(showingMilliseconds: selector.has(.millisec)))" as ByteString
        }
        if !queue.isEmpty { text += " Q=\(queue)" as ByteString }
        return text + message(by: selector)
    }

    private func message(by selector: LogSelector) -> ByteString {
        var text = ByteString()
        if let messageID, selector.has(messageIDWasCreated ? .msgIDCreated : .msgID) {
            let shown = messageID.shown(by: selector)
            text += " id\(messageIDWasCreated ? "*" : "")=\(shown)" as ByteString
        }
        if selector.has(.subject), let subject {
            text += " T=\(subject.quotedTopic(by: selector))" as ByteString
        }
        if selector.has(.receivedSender) { text += " from <\(rawSender ?? sender)>" as ByteString }
        if selector.has(.receivedRecipients), !recipients.isEmpty {
            text += " for" as ByteString
            for recipient in recipients { text += " \(recipient)" as ByteString }
        }
        return text
    }
}

extension ByteString {
    // Exim quotes the topic first and then escapes what does not print, so an escape's backslash is single.
    fileprivate func quotedTopic(by selector: LogSelector) -> ByteString {
        inDoubleQuotes().shown(by: selector, tabPrints: true)
    }
}
