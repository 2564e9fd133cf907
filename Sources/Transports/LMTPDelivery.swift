import Bytes
import ChildPrograms
import Glibc
import SMTP

/// Carries out an LMTP order: a dialogue without pipelining, as Exim's transport has it (RFC 2033).
struct LMTPDelivery {
    let order: LMTPOrder
    /// The descriptor of the data file.
    let data: CInt

    func deliver() -> LocalReport {
        do throws(TransportTrouble) {
            let message = try FilteredMessage(order.content, data)
            var order = order
            order.content = message.content
            return LMTPDelivery(order: order, data: message.descriptor(data)).deliverFiltered()
        } catch {
            return LocalReport(.deferred(error))
        }
    }

    private func deliverFiltered() -> LocalReport {
        switch order.peer {
        case .socket(let path): deliver(toSocket: path)
        case .command(let words): deliver(toCommand: words)
        }
    }

    private func deliver(toSocket path: ByteString) -> LocalReport {
        do throws(SystemFailure) {
            let socket = try LocalStream.connect(to: path)
            return LocalReport(LMTPDialogue(order, data, socket).hold()) ?? Self.nobody
        } catch {
            let text: ByteString =
                "Failed to connect to socket \(path) for \(order.transport) transport: \(error.text)"
            return LocalReport(.deferred(TransportTrouble(text, errno: -1)))
        }
    }

    private func deliver(toCommand words: [ByteString]) -> LocalReport {
        do throws(SystemFailure) {
            let input = try Pipe()
            let output = try Pipe()
            // One that cannot be started says nothing, like one that ends at once.
            var child: ChildCommand? = nil
            do throws(SystemFailure) {
                child = try ChildCommand(
                    words, in: order.directory, input: input.reading, output: output.writing)
            } catch {
                child = nil
            }
            input.closeReading()
            output.closeWriting()
            let stream = LocalStream(reading: output.takeReading(), writing: input.takeWriting())
            let verdicts = LMTPDialogue(order, data, stream).hold()
            // Its status tells nothing that its answers have not told.
            let patience = System.moment().seconds + Int64(order.timeout)
            _ = child?.wait(until: patience)
            return LocalReport(verdicts) ?? Self.nobody
        } catch {
            return LocalReport(.deferred(TransportTrouble("pipe", errno: error.number)))
        }
    }

    private static let nobody = LocalReport(.deferred(TransportTrouble("no recipients", errno: -1)))
}

/// An LMTP session for one message.
private struct LMTPDialogue: ~Copyable {
    /// Why the dialogue ended early, and whether the peer still listens.
    private struct Ending: Error {
        var verdict: TransportVerdict
        var mayQuit: Bool
    }

    private static let blockSize = 1 << 16

    private let order: LMTPOrder
    private let data: CInt
    private var stream: LocalStream
    private var reader: ReplyReader
    private var verdicts: [TransportVerdict?]
    private var written = 0

    init(_ order: LMTPOrder, _ data: CInt, _ stream: consuming LocalStream) {
        self.order = order
        self.data = data
        self.stream = stream
        reader = ReplyReader(topBitPrints: order.topBitPrints)
        verdicts = Array(repeating: nil, count: order.recipients.count)
    }

    /// Speaks, and gives a verdict for each recipient, in order.
    consuming func hold() -> [TransportVerdict] {
        var rest = TransportVerdict.deferred(TransportTrouble("no answer", errno: -1))
        var mayQuit = true
        do throws(Ending) {
            try talk()
        } catch {
            rest = error.verdict
            mayQuit = error.mayQuit
        }
        if mayQuit { quit() }
        return verdicts.map { $0 ?? rest }
    }

    private mutating func talk() throws(Ending) {
        try expect("initial connection", errno: -1)
        let offers = ServerExtensions(ehlo: try say("LHLO \(order.greeting)", errno: -1))
        try say("MAIL FROM:<\(order.sender)>", errno: -45)
        let option: ByteString = order.ignoresQuota && offers.ignoreQuota ? " IGNOREQUOTA" : ""
        for (index, recipient) in order.recipients.enumerated() {
            try name("RCPT TO:<\(recipient)>", option, index)
        }
        let accepted = verdicts.indices.filter { verdicts[$0] == nil }
        guard !accepted.isEmpty else { return }
        let reply = try ask("DATA")
        guard reply.isIntermediate else { throw refusal(reply, after: "DATA", errno: -46) }
        try sendMessage()
        for index in accepted {
            let reply = try hearLast()
            verdicts[index] =
                reply.isPositive
                ? .delivered(confirmation: reply.loggedText)
                : refusal(reply, after: "end of data", errno: -46, isOfRecipient: true).verdict
        }
    }

    /// A reply after the message; what is wrong with it ends the waiting, but not the dialogue.
    private mutating func hearLast() throws(Ending) -> Reply {
        do throws(Ending) {
            return try hear("end of data")
        } catch {
            guard case .deferred(var trouble) = error.verdict else { throw error }
            trouble.errno = -1
            throw Ending(verdict: .deferred(trouble), mayQuit: true)
        }
    }

    private mutating func name(
        _ command: ByteString, _ option: ByteString, _ index: Int
    ) throws(Ending) {
        try write("\(command)\(option)\r\n", after: command)
        let reply = try hear(command)
        guard !reply.isPositive else { return }
        verdicts[index] = refusal(reply, after: command, errno: -44, isOfRecipient: true).verdict
    }

    private mutating func quit() {
        guard (try? write("QUIT\r\n", after: "QUIT")) != nil else { return }
        // The answer says nothing; who ends without it is not waited for long.
        _ = stream.read(within: 1)
    }

    // MARK: Commands and replies

    @discardableResult
    private mutating func say(_ command: ByteString, errno: Int32) throws(Ending) -> Reply {
        let reply = try ask(command)
        guard reply.isPositive else { throw refusal(reply, after: command, errno: errno) }
        return reply
    }

    private mutating func expect(_ place: ByteString, errno: Int32) throws(Ending) {
        let reply = try hear(place)
        guard reply.isPositive else { throw refusal(reply, after: place, errno: errno) }
    }

    private mutating func ask(_ command: ByteString) throws(Ending) -> Reply {
        try write("\(command)\r\n", after: command)
        return try hear(command)
    }

    private mutating func hear(_ place: ByteString) throws(Ending) -> Reply {
        while true {
            do throws(ReplyReader.Malformation) {
                if let reply = try reader.next() { return reply }
            } catch {
                let line: ByteString
                switch error {
                case .badLine(let text): line = text
                case .emptyLine: line = ""
                case .tooLong: line = "too long"
                }
                let text: ByteString = "Malformed LMTP response after \(place): \(line)"
                throw lost(text, errno: -19)
            }
            switch stream.read(within: Int64(order.timeout)) {
            case .octets(let octets): reader.feed(octets)
            case .timedOut:
                let count: ByteString = written > 0 ? " (\(written) bytes written)" : ""
                throw lost("LMTP timeout after \(place)\(count)")
            case .closed, .failed: throw lost("LMTP connection closed after \(place)")
            }
        }
    }

    private mutating func write(_ octets: ByteString, after place: ByteString) throws(Ending) {
        do throws(SystemFailure) {
            try stream.write(octets.bytes[...], within: Int64(order.timeout))
        } catch {
            // What was said before the connection was lost counts for more.
            if error.number == ETIMEDOUT { throw lost("LMTP timeout after \(place)") }
            throw lost("LMTP connection closed after \(place)")
        }
    }

    private func lost(_ text: ByteString, errno: Int32 = -1) -> Ending {
        Ending(verdict: .deferred(TransportTrouble(text, errno: errno)), mayQuit: false)
    }

    /// What was said to one recipient is told to the sender; the rest is between us and the server.
    private func refusal(
        _ reply: Reply, after place: ByteString, errno: Int32, isOfRecipient: Bool = false
    ) -> Ending {
        let text: ByteString = "LMTP error after \(place): \(reply.loggedText)"
        var trouble = TransportTrouble(text, errno: 0, userText: isOfRecipient ? text : nil)
        guard !reply.isPermanent else { return Ending(verdict: .failed(trouble), mayQuit: true) }
        trouble.errno = reply.isTemporary ? errno : -1
        // The detail by which retry rules tell one 4xx from another.
        if trouble.errno != -1 { trouble.more = Int32(reply.code - 400) << 8 }
        return Ending(verdict: .deferred(trouble), mayQuit: true)
    }

    // MARK: The message

    private mutating func sendMessage() throws(Ending) {
        var stuffer = DotStuffer()
        var output: [UInt8] = []
        stuffer.encode(order.content.head.bytes[...], into: &output)
        var unix = UnixLines(isNeeded: order.content.isWireFormat)
        var block = [UInt8](repeating: 0, count: Self.blockSize)
        var offset = 0
        while let start = order.content.bodyStart, offset < order.content.bodySize {
            let wanted = min(block.count, order.content.bodySize - offset)
            let count = System.pread(data, &block, wanted, at: start + offset)
            // Half a message must not look like a whole one: no final dot is sent.
            guard count > 0 else { throw lost("reading the data file", errno: count < 0 ? errno : EIO) }
            offset += count
            stuffer.encode(unix.convert(block[..<count])[...], into: &output)
            try writeData(&output)
        }
        stuffer.encode(unix.rest[...], into: &output)
        stuffer.finish(into: &output)
        try writeData(&output)
    }

    private mutating func writeData(_ output: inout [UInt8]) throws(Ending) {
        try write(ByteString(output), after: "sending data block")
        written += output.count
        output.removeAll(keepingCapacity: true)
    }
}
