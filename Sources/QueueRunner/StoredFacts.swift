import Bytes
import Expansion
import MailText
import Spooler
import Transports

/// What expansions see of a message on the queue.
struct StoredFacts {
    let header: HeaderFile
    let bodySize: Int
    let body: MessageBody
    let queue: ByteString

    var facts: Facts {
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
        for (name, value) in header.aclVariables where name.first == UInt8(ascii: "m") {
            known.aclVariables[name] = value
        }
        known.bodySize = bodySize
        known.bodyLineCount = header.bodyLineCount ?? 0
        known.bodyZeroCount = header.bodyZeroCount ?? 0
        known.size = header.messageSize(bodySize: bodySize)
        known.lineCount = header.messageLineCount
        known.maxReceivedLineLength = header.maxReceivedLineLength ?? 0
        known.isSMTPUTF8 = header.smtpUTF8
        known.originatorUID = Int(header.uid)
        known.originatorGID = Int(header.gid)
        known.queueName = queue
        known.localScanData = header.localScan?.bytes
        known.isFirstDelivery = header.deliverFirstTime
        known.isQueueRunning = true
        let body = body
        known.readBody = { offset, length in
            let start = offset < 0 ? max(0, body.size + offset) : offset
            var buffer = [UInt8](repeating: 0, count: min(max(length, 0), max(0, body.size - start)))
            guard !buffer.isEmpty, let count = try? body.read(at: start, into: &buffer) else { return "" }
            return ByteString(buffer[..<count])
        }
        return known
    }

    private var connection: ConnectionFacts {
        var known = ConnectionFacts()
        known.remoteAddress = header.remoteHost.flatMap { IPAddress($0.address) }
        known.remotePort = header.remoteHost?.port
        known.interfaceAddress = header.interface.flatMap { IPAddress($0.address) }
        known.interfacePort = header.interface?.port
        known.hostName = RemoteName(header.hostName.map { .found([$0.bytes]) } ?? .notFound)
        known.helo = header.heloName?.bytes
        known.ident = header.ident?.bytes
        known.receivedProtocol = header.receivedProtocol?.bytes
        known.authenticatorName = header.hostAuth?.bytes
        known.authenticatorPublicName = header.hostAuthPubname?.bytes
        known.authenticatedID = header.authID?.bytes
        known.authenticatedSender = header.authSender?.bytes
        known.activeHostName = header.activeHostname?.bytes
        for (name, value) in header.aclVariables where name.first == UInt8(ascii: "c") {
            known.aclVariables[name] = value
        }
        known.tlsIn.cipher = header.tlsCipher?.bytes
        known.tlsIn.version = header.tlsVersion?.bytes
        known.tlsIn.peerDN = header.tlsPeerDN?.bytes
        known.tlsIn.certificateVerified = header.tlsCertificateVerified
        return known
    }
}

extension HeaderFile {
    /// The header lines as MailText has them, removed ones left out.
    var shownHeaders: [Header] {
        headers.filter { !$0.isDeleted }.map {
            Header($0.text, kind: HeaderKind(rawValue: $0.type) ?? .other)
        }
    }
}
