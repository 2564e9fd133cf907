package import Bytes
package import Expansion
import OpenSSL
package import Spooler

/// What expansions see of a message on the queue.
package struct StoredFacts {
    /// Reads so many octets of the body, from an offset; a negative offset counts from the end.
    package typealias BodyReader = @Sendable (_ offset: Int, _ length: Int) async -> ByteString

    private let header: HeaderFile
    private let bodySize: Int
    private let queue: ByteString
    private let readBody: BodyReader

    /// Names a message of a queue (empty for the default one) by what its header file says.
    package init(_ header: HeaderFile, bodySize: Int, queue: ByteString, readBody: @escaping BodyReader) {
        self.header = header
        self.bodySize = bodySize
        self.queue = queue
        self.readBody = readBody
    }

    /// All of it.
    package var facts: Facts {
        var facts = Facts()
        facts.message = message
        facts.connection = connection
        return facts
    }

    private var message: MessageFacts {
        var known = MessageFacts()
        known.id = header.id.bytes
        known.sender = header.sender
        known.recipients = header.recipients.map(\.address)
        known.recipientsCount = header.recipients.count
        known.receivedTime = (header.receivedTime, header.receivedTimeMicroseconds ?? 0)
        known.headers = header.headers.map { HeaderText(type: $0.type, text: $0.text) }
        known.bodySize = bodySize
        known.size = header.messageSize(bodySize: bodySize)
        known.bodyLineCount = header.bodyLineCount ?? 0
        known.bodyZeroCount = header.bodyZeroCount ?? 0
        known.lineCount = header.messageLineCount
        known.maxReceivedLineLength = header.maxReceivedLineLength ?? 0
        known.isSMTPUTF8 = header.smtpUTF8
        known.originatorUID = Int(exactly: header.uid)
        known.originatorGID = Int(exactly: header.gid)
        known.queueName = queue
        known.localScanData = header.localScan?.bytes
        known.isFirstDelivery = header.deliverFirstTime
        known.isManuallyThawed = header.manualThaw
        known.aclVariables = variables(UInt8(ascii: "m"))
        known.readBody = readBody
        known.scan.spam = spam
        return known
    }

    private var spam: SpamFacts? {
        guard let score = header.spamScore?.bytes else { return nil }
        return SpamFacts(
            score: score, scoreInt: header.spamScoreInt?.bytes ?? "", bar: header.spamBar?.bytes ?? "")
    }

    /// What was learned of the client's name; nil where nobody asked for it.
    private var clientName: NameLookup? {
        if let name = header.hostName { return .found([name.bytes]) }
        if header.hostLookupFailed { return .notFound }
        return header.hostLookupDeferred ? .deferred("") : nil
    }

    private var connection: ConnectionFacts {
        var known = ConnectionFacts()
        known.remoteAddress = header.remoteHost.flatMap { IPAddress($0.address) }
        known.remotePort = header.remoteHost?.port
        known.interfaceAddress = header.interface.flatMap { IPAddress($0.address) }
        known.interfacePort = header.interface?.port
        known.hostName = RemoteName(clientName)
        known.helo = header.heloName?.bytes
        known.ident = header.ident?.bytes
        known.receivedProtocol = header.receivedProtocol?.bytes
        known.authenticatorName = header.hostAuth?.bytes
        known.authenticatorPublicName = header.hostAuthPubname?.bytes
        known.authenticatedID = header.authID?.bytes
        known.authenticatedSender = header.authSender?.bytes
        known.activeHostName = header.activeHostname?.bytes
        known.aclVariables = variables(UInt8(ascii: "c"))
        known.tlsIn = tls
        return known
    }

    private var tls: TLSFacts {
        var known = TLSFacts()
        known.cipher = header.tlsCipher?.bytes
        known.version = header.tlsVersion?.bytes
        known.peerDN = header.tlsPeerDN?.bytes
        known.serverName = header.tlsSNI?.bytes
        known.certificateVerified = header.tlsCertificateVerified
        // One that cannot be read is none, as in Exim.
        known.peerCertificate = header.tlsPeerCertificate.flatMap { try? Certificate(pem: $0.bytes) }
        known.ourCertificate = header.tlsOurCertificate.flatMap { try? Certificate(pem: $0.bytes) }
        known.ocsp = header.tlsOCSP ?? 0
        return known
    }

    /// The ACL variables whose names begin so.
    private func variables(_ kind: UInt8) -> [ByteString: TaintedBytes] {
        header.aclVariables.reduce(into: [:]) { known, variable in
            if variable.name.first == kind { known[variable.name] = variable.value }
        }
    }
}
