package import Bytes

extension LocalWork {
    /// The work as octets.
    package var encoded: ByteString {
        var coder = FieldCoder()
        var number = kind
        coder.pass(&number)
        switch self {
        case .file(var order): coder.pass(&order)
        case .lmtp(var order): coder.pass(&order)
        case .pipe(var order): coder.pass(&order)
        case .reply(var order): coder.pass(&order)
        case .append(var order): coder.pass(&order)
        }
        return coder.octets
    }

    /// Reads a piece of work; nil for octets that are none.
    package init?(decoding octets: ByteString) {
        var coder = FieldCoder(reading: octets)
        var kind = -1
        coder.pass(&kind)
        switch kind {
        case 0:
            var order = LocalOrder.blank
            coder.pass(&order)
            self = .file(order)
        case 1:
            var order = LMTPOrder.blank
            coder.pass(&order)
            self = .lmtp(order)
        case 2:
            var order = PipeOrder(transport: "", words: [])
            coder.pass(&order)
            self = .pipe(order)
        case 3:
            var order = ReplyOrder.blank
            coder.pass(&order)
            self = .reply(order)
        case 4:
            var order = AppendOrder(path: "", mode: 0, text: "")
            coder.pass(&order)
            self = .append(order)
        default: return nil
        }
        guard coder.isWhole else { return nil }
    }

    private var kind: Int {
        switch self {
        case .file: 0
        case .lmtp: 1
        case .pipe: 2
        case .reply: 3
        case .append: 4
        }
    }
}

extension LMTPOrder: FieldCoded {
    static var blank: LMTPOrder { LMTPOrder(peer: .socket(""), greeting: "", sender: "", recipients: []) }

    mutating func pass(through coder: inout FieldCoder) {
        var (socket, words) = (peer.socket ?? "", peer.words ?? [])
        coder.pass(&socket)
        coder.pass(&words)
        peer = socket.isEmpty ? .command(words) : .socket(socket)
        coder.pass(&directory)
        coder.pass(&greeting)
        coder.pass(&sender)
        coder.pass(&transport)
        coder.pass(&recipients)
        coder.pass(&timeout)
        coder.pass(&ignoresQuota)
        coder.pass(&topBitPrints)
        coder.pass(&content)
        if recipients.isEmpty { coder.fail() }
    }
}

extension LocalReport {
    /// The report as octets.
    package var encoded: ByteString {
        var coder = FieldCoder()
        var copy = self
        copy.pass(through: &coder)
        return coder.octets
    }

    /// Reads a report; nil for octets that are none.
    package init?(decoding octets: ByteString) {
        var coder = FieldCoder(reading: octets)
        self.init(.delivered(confirmation: nil))
        pass(through: &coder)
        guard coder.isWhole, !verdicts.isEmpty else { return nil }
    }

    private mutating func pass(through coder: inout FieldCoder) {
        coder.pass(list: &verdicts, blank: .delivered(confirmation: nil)) { $1.pass(through: &$0) }
        coder.pass(optional: &ending, blank: PipeEnding(.exited)) { $0.pass(&$1) }
        coder.pass(optional: &findings, blank: ReplyFindings()) { $0.pass(&$1) }
        coder.pass(optional: &mailbox, blank: MailboxFindings()) { $0.pass(&$1) }
    }
}

extension TransportVerdict {
    fileprivate mutating func pass(through coder: inout FieldCoder) {
        var (kind, said, trouble) = (0, ByteString?.none, TransportTrouble("", errno: 0))
        switch self {
        case .delivered(let confirmation): said = confirmation
        case .deferred(let known): (kind, trouble) = (1, known)
        case .failed(let known): (kind, trouble) = (2, known)
        }
        coder.pass(&kind)
        if kind == 0 { coder.pass(&said) } else { coder.pass(&trouble) }
        switch kind {
        case 0: self = .delivered(confirmation: said)
        case 1: self = .deferred(trouble)
        case 2: self = .failed(trouble)
        default: coder.fail()
        }
    }
}

extension TransportTrouble: FieldCoded {
    mutating func pass(through coder: inout FieldCoder) {
        coder.pass(&errno)
        coder.pass(&more)
        coder.pass(&text)
        coder.pass(&userText)
        coder.pass(&freezes)
        coder.pass(&isPanic)
        coder.pass(&isTimeout)
    }
}
