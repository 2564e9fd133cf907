package import Bytes

extension LocalWork {
    /// The work as octets.
    package var encoded: ByteString {
        var writer = FieldWriter()
        switch self {
        case .file(let order):
            writer.put(0)
            writer.put(order.encoded)
        case .lmtp(let order):
            writer.put(1)
            writer.put(order.encoded)
        }
        return writer.octets
    }

    /// Reads a piece of work; nil for octets that are none.
    package init?(decoding octets: ByteString) {
        var reader = FieldReader(octets)
        guard let kind = reader.number(Int.self), let text = reader.text(), reader.isAtEnd else { return nil }
        switch kind {
        case 0:
            guard let order = LocalOrder(decoding: text) else { return nil }
            self = .file(order)
        case 1:
            guard let order = LMTPOrder(decoding: text) else { return nil }
            self = .lmtp(order)
        default: return nil
        }
    }
}

extension LMTPOrder {
    /// The order as octets.
    package var encoded: ByteString {
        var writer = FieldWriter()
        for text in [peer.socket ?? "", directory, greeting, sender, head, transport] { writer.put(text) }
        writer.put(peer.words ?? [])
        writer.put(recipients)
        for number in [timeout, bodyStart ?? -1, bodySize] { writer.put(number) }
        for flag in [ignoresQuota, isWireFormat] { writer.put(flag) }
        return writer.octets
    }

    /// Reads an order; nil for octets that are none.
    package init?(decoding octets: ByteString) {
        var reader = FieldReader(octets)
        guard let socket = reader.text(), let directory = reader.text(), let greeting = reader.text(),
            let sender = reader.text(), let head = reader.text(), let transport = reader.text(),
            let words = reader.texts(), let recipients = reader.texts(), !recipients.isEmpty,
            let timeout = reader.number(Int.self),
            let bodyStart = reader.number(Int.self), let bodySize = reader.number(Int.self), bodySize >= 0,
            let ignoresQuota = reader.flag(), let isWireFormat = reader.flag(), reader.isAtEnd
        else { return nil }
        self.init(
            peer: socket.isEmpty ? .command(words) : .socket(socket), greeting: greeting, sender: sender,
            recipients: recipients)
        (self.directory, self.head, self.transport, self.timeout) = (directory, head, transport, timeout)
        (self.bodyStart, self.bodySize) = (bodyStart < 0 ? nil : bodyStart, bodySize)
        (self.ignoresQuota, self.isWireFormat) = (ignoresQuota, isWireFormat)
    }
}

extension LocalReport {
    /// The report as octets.
    package var encoded: ByteString {
        var writer = FieldWriter()
        for verdict in verdicts {
            switch verdict {
            case .delivered(let confirmation):
                writer.put(0)
                writer.put(confirmation ?? "")
            case .deferred(let trouble):
                writer.put(1)
                writer.put(trouble)
            case .failed(let trouble):
                writer.put(2)
                writer.put(trouble)
            }
        }
        return writer.octets
    }

    /// Reads a report; nil for octets that are none.
    package init?(decoding octets: ByteString) {
        var reader = FieldReader(octets)
        var verdicts: [TransportVerdict] = []
        while !reader.isAtEnd {
            guard let kind = reader.number(Int.self) else { return nil }
            if kind == 0 {
                guard let confirmation = reader.text() else { return nil }
                verdicts.append(.delivered(confirmation: confirmation.isEmpty ? nil : confirmation))
                continue
            }
            guard let trouble = reader.trouble() else { return nil }
            verdicts.append(kind == 1 ? .deferred(trouble) : .failed(trouble))
        }
        self.init(verdicts)
    }
}

extension FieldWriter {
    fileprivate mutating func put(_ texts: [ByteString]) {
        put(texts.count)
        for text in texts { put(text) }
    }

    fileprivate mutating func put(_ trouble: TransportTrouble) {
        for number in [trouble.errno, trouble.more] { put(number) }
        put(trouble.text)
        put(trouble.userText != nil)
        put(trouble.userText ?? "")
        for flag in [trouble.freezes, trouble.isPanic] { put(flag) }
    }
}

extension FieldReader {
    /// The most texts of one list.
    private static let listLimit = 1 << 20

    fileprivate mutating func texts() -> [ByteString]? {
        guard let count = number(Int.self), (0...Self.listLimit).contains(count) else { return nil }
        var texts: [ByteString] = []
        for _ in 0..<count {
            guard let text = text() else { return nil }
            texts.append(text)
        }
        return texts
    }

    fileprivate mutating func trouble() -> TransportTrouble? {
        guard let errno = number(Int32.self), let more = number(Int32.self), let text = text(),
            let hasUserText = flag(), let userText = self.text(), let freezes = flag(), let isPanic = flag()
        else { return nil }
        var trouble = TransportTrouble(text, errno: errno, userText: hasUserText ? userText : nil)
        (trouble.more, trouble.freezes, trouble.isPanic) = (more, freezes, isPanic)
        return trouble
    }
}
