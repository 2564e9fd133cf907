import ACL
import Bytes
import Expansion
import MailSystem
import MailText
import OpenSSL
import SMTP
import Spooler

/// Puts what is known of a message into its header file (spool-format/, "Variables").
struct HeaderFileFilling {
    private let state: ACLState
    private let envelope: Envelope
    private let arrival: Reception.Arriving
    private let now: SpoolTime

    init(_ state: ACLState, _ envelope: Envelope, _ arrival: Reception.Arriving, now: SpoolTime) {
        self.state = state
        self.envelope = envelope
        self.arrival = arrival
        self.now = now
    }

    func fill(_ header: inout HeaderFile, body: borrowing PendingMessage) {
        header.receivedTimeMicroseconds = Int(arrival.begun.microseconds)
        header.receivedTimeComplete = now
        connection(&header)
        variables(&header)
        if arrival.isWireFormat {
            header.isWireFormat = true
        } else {
            header.bodyLineCount = body.bodyLineCount
        }
        header.maxReceivedLineLength = state.facts.message.maxReceivedLineLength
        if body.bodyZeroCount > 0 { header.bodyZeroCount = body.bodyZeroCount }
        if let spam = state.facts.message.scan.spam {
            header.spamBar = TaintedBytes(spam.bar)
            header.spamScore = TaintedBytes(spam.score)
            header.spamScoreInt = TaintedBytes(spam.scoreInt)
        }
        flags(&header)
        security(&header)
        header.smtpUTF8 = envelope.mail?.isSMTPUTF8 ?? envelope.isInternational
        if header.smtpUTF8, let control = state.controls.last(where: { $0.name == "utf8_downconvert" }) {
            let wanted = control.options.isEmpty ? .always : Downconversion(control.options)
            header.utf8Downconvert = wanted == .always
            header.utf8OptionalDownconvert = wanted == .whereNeeded
        }
        header.dsnEnvelopeID = envelope.mail?.envelopeID
        header.dsnReturn = envelope.mail?.returns.map { $0 == .full ? 1 : 2 }
        header.recipients = envelope.recipients.map(recipient)
        for address in envelope.removed { header.nonRecipients.insert(address) }
    }

    private func connection(_ header: inout HeaderFile) {
        let connection = state.facts.connection
        header.heloName = connection.helo.map { TaintedBytes($0, .tainted) }
        if let address = connection.remoteAddress {
            header.remoteHost = HostAndPort(address: address.text, port: connection.remotePort)
            if arrival.claims.address != nil { header.hostAddress?.taint = .tainted }
            header.hostName = connection.hostName.name.map { TaintedBytes($0, .tainted) }
        }
        let claims = arrival.claims
        header.hostAuth = connection.authenticatorName.map {
            TaintedBytes($0, claims.authenticator == nil ? .clean : .tainted)
        }
        header.hostAuthPubname = connection.authenticatorPublicName.map { TaintedBytes($0) }
        if let address = connection.interfaceAddress {
            header.interface = HostAndPort(address: address.text, port: connection.interfacePort)
        }
        header.activeHostname = connection.activeHostName.map { TaintedBytes($0) }
        // What a caller claims is not to be trusted as what the system knows.
        header.ident = connection.ident.map { TaintedBytes($0, claims.ident == nil ? .clean : .tainted) }
        header.receivedProtocol = connection.receivedProtocol.map {
            TaintedBytes($0, claims.protocolName == $0 ? .tainted : .clean)
        }
        header.authID = connection.authenticatedID.map {
            TaintedBytes(
                $0, claims.authenticatedID == nil && connection.authenticatorName == nil ? .clean : .tainted)
        }
        header.authSender = connection.authenticatedSender.map {
            let isOwn = envelope.mail?.auth == nil && claims.authenticatedSender == nil
            return TaintedBytes($0, isOwn ? .clean : .tainted)
        }
        switch connection.hostName.known {
        case .deferred: header.hostLookupDeferred = true
        case .notFound: header.hostLookupFailed = true
        case .found, nil: break
        }
    }

    private func security(_ header: inout HeaderFile) {
        let tls = state.facts.connection.tlsIn
        header.tlsResumption = UInt8(ascii: "A") &+ UInt8(truncatingIfNeeded: tls.resumption)
        guard let cipher = tls.cipher else { return }
        header.tlsCertificateVerified = tls.certificateVerified
        header.tlsCipher = TaintedBytes(cipher)
        header.tlsVersion = tls.version.map { TaintedBytes($0) }
        // What the peer has sent is not to be trusted, whatever stands in it.
        header.tlsPeerCertificate = tls.peerCertificate.map { TaintedBytes($0.pem, .tainted) }
        header.tlsPeerDN = tls.peerDN.map { TaintedBytes($0, .tainted) }
        header.tlsSNI = tls.serverName.map { TaintedBytes($0, .tainted) }
        header.tlsOCSP = tls.ocsp == 0 ? nil : tls.ocsp
        header.tlsOurCertificate = tls.ourCertificate.map { TaintedBytes($0.pem) }
    }

    private func variables(_ header: inout HeaderFile) {
        write(state.facts.connection.aclVariables, &header)
        write(state.facts.message.aclVariables, &header)
    }

    /// Exim keeps variables in a balanced tree, and writes them in the tree's order.
    private func write(_ values: [ByteString: TaintedBytes], _ header: inout HeaderFile) {
        var tree = AddressTree()
        for name in state.variableOrder where values[name] != nil { tree.insert(name) }
        for name in tree.namesInFileOrder { header[aclVariable: name] = values[name] }
    }

    private func flags(_ header: inout HeaderFile) {
        header.deliverFirstTime = true
        header.isLocal = arrival.isLocal && !arrival.senderSetTrusted
        header.isLocalError = arrival.isLocalError
        header.dontDeliver = arrival.dontDeliver
        header.senderSetUntrusted = arrival.senderSetUntrusted
        let isLocal =
            !arrival.leavesUnqualified && (arrival.submitter != nil || arrival.acceptsUnqualified)
        header.allowUnqualifiedSender = isLocal || envelope.allowsUnqualifiedSender
        header.allowUnqualifiedRecipient = isLocal || envelope.allowsUnqualifiedRecipient
        if state.has("freeze") { _ = header.freeze(at: now.seconds) }
    }

    private func recipient(_ recipient: Envelope.Recipient) -> Recipient {
        var flags: DSNFlags = []
        if recipient.notify.contains(.never) { flags.insert(.never) }
        if recipient.notify.contains(.success) { flags.insert(.success) }
        if recipient.notify.contains(.failure) { flags.insert(.failure) }
        if recipient.notify.contains(.delay) { flags.insert(.delay) }
        // Exim writes ORCPT only beside NOTIFY.
        let original = flags.isEmpty ? nil : recipient.originalRecipient
        return Recipient(recipient.address, dsn: flags, orcpt: original ?? "")
    }
}
