import Bytes
import Expansion
import Spooler

/// Turns a stored message into the facts that variables read.
struct MessageLoading: Sendable {
    private let stored: StoredMessage
    private let spool: Spool

    init(_ stored: StoredMessage, _ spool: Spool) {
        self.stored = stored
        self.spool = spool
    }

    /// All facts.
    var facts: Facts {
        var facts = Facts()
        facts.message = message
        facts.connection = connection
        return facts
    }

    private var message: MessageFacts {
        let header = stored.header
        var facts = MessageFacts()
        facts.id = header.id.bytes
        facts.sender = header.sender
        facts.recipients = header.recipients.map(\.address)
        facts.recipientsCount = header.recipients.count
        facts.receivedTime = (header.receivedTime, header.receivedTimeMicroseconds ?? 0)
        facts.headers = header.headers.map { HeaderText(type: $0.type, text: $0.text) }
        facts.bodySize = max(0, stored.bodySize ?? 0)
        facts.size = header.messageSize(bodySize: facts.bodySize)
        facts.bodyLineCount = header.bodyLineCount ?? 0
        facts.bodyZeroCount = header.bodyZeroCount ?? 0
        facts.lineCount = header.messageLineCount
        facts.maxReceivedLineLength = header.maxReceivedLineLength ?? 0
        facts.isSMTPUTF8 = header.smtpUTF8
        facts.originatorUID = Int(exactly: header.uid)
        facts.originatorGID = Int(exactly: header.gid)
        facts.queueName = spool.queue
        facts.localScanData = header.localScan?.bytes
        facts.isFirstDelivery = header.deliverFirstTime
        facts.aclVariables = variables("m")
        facts.readBody = bodyReader
        return facts
    }

    private var connection: ConnectionFacts {
        let header = stored.header
        var facts = ConnectionFacts()
        facts.remoteAddress = header.remoteHost.flatMap { IPAddress($0.address) }
        facts.remotePort = header.remoteHost?.port
        facts.interfaceAddress = header.interface.flatMap { IPAddress($0.address) }
        facts.interfacePort = header.interface?.port
        if let name = header.hostName { facts.hostName.settle(.found([name.bytes])) }
        facts.helo = header.heloName?.bytes
        facts.ident = header.ident?.bytes
        facts.receivedProtocol = header.receivedProtocol?.bytes
        facts.authenticatorName = header.hostAuth?.bytes
        facts.authenticatorPublicName = header.hostAuthPubname?.bytes
        facts.authenticatedID = header.authID?.bytes
        facts.authenticatedSender = header.authSender?.bytes
        facts.activeHostName = header.activeHostname?.bytes
        facts.aclVariables = variables("c")
        facts.tlsIn = tls
        return facts
    }

    private var tls: TLSFacts {
        let header = stored.header
        var facts = TLSFacts()
        facts.cipher = header.tlsCipher?.bytes
        facts.version = header.tlsVersion?.bytes
        facts.peerDN = header.tlsPeerDN?.bytes
        facts.serverName = header.tlsSNI?.bytes
        facts.certificateVerified = header.tlsCertificateVerified
        facts.peerCertificate = header.tlsPeerCertificate?.bytes
        facts.ourCertificate = header.tlsOurCertificate?.bytes
        facts.ocsp = header.tlsOCSP ?? 0
        return facts
    }

    private func variables(_ kind: Character) -> [ByteString: TaintedBytes] {
        let first = kind.asciiValue
        return stored.header.aclVariables.reduce(into: [:]) { facts, variable in
            if variable.name.first == first { facts[variable.name] = variable.value }
        }
    }

    private var bodyReader: @Sendable (Int, Int) async -> ByteString {
        let (spool, id) = (spool, stored.header.id)
        return { offset, length in
            // A body that cannot be read shows as empty, as in Exim.
            let octets = (try? spool.rawFile(.data, of: id)) ?? ByteString()
            let body = octets.dropFirst(id.dataStartOffset)
            return ByteString(
                offset < 0 ? body.suffix(-offset).prefix(length) : body.dropFirst(offset).prefix(length))
        }
    }
}
