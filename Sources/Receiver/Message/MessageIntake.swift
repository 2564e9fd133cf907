import Bytes
import Expansion
import MailText
import PolicyChecks
import SMTP
import Spooler

/// A message while its octets arrive: first header lines, then a body that goes straight into `-D`.
///
/// Dropping it removes what it has written. Memory does not grow with the body.
struct MessageIntake: ~Copyable {
    /// Why a message cannot be taken although it has been read to its end.
    enum Trouble: Error {
        /// More octets than `message_size_limit`.
        case tooBig(limit: Int)
        /// The header passes `header_maxsize` or `header_line_maxsize`; Exim's words.
        case headerTooLong(ByteString)
        /// The spool could not be written.
        case spool(SpoolError)
    }

    private let spool: Spool
    private let ids: MessageIDGenerator
    private let sizeLimit: Int
    private var reader: HeaderReader
    private var line: [UInt8] = []
    private var inBody = false
    private(set) var size = 0
    private(set) var trouble: Trouble?
    private var pending: PendingMessage?
    /// What a report about the message would show of it; empty where nobody would be sent one.
    private(set) var copy: IntakeCopy
    /// What lines `From sender date` before the header look like, where they are to be passed over; nil afterwards.
    private var fromLine: PCRE2Pattern?
    /// What the last of such lines told.
    private(set) var fromCaptures: [TaintedBytes]?
    /// Whether the lines of the file end in CRLF (`spool_wireformat`).
    private let isWireFormat: Bool
    /// Whether DKIM signatures are looked for, and what hashes the body for those that there are.
    private let looksForSignatures: Bool
    private var hashing: DKIMHashing?

    init(
        spool: Spool, ids: MessageIDGenerator, limits: HeaderLimits, sizeLimit: Int,
        copy: IntakeCopy = IntakeCopy(), fromLine: PCRE2Pattern? = nil, isWireFormat: Bool = false,
        looksForSignatures: Bool = false
    ) {
        self.looksForSignatures = looksForSignatures
        self.copy = copy
        self.fromLine = fromLine
        self.isWireFormat = isWireFormat
        self.spool = spool
        self.ids = ids
        self.sizeLimit = sizeLimit
        reader = HeaderReader(limits: limits)
    }

    /// Takes decoded octets (LF line ends); after trouble they are only counted.
    mutating func take(_ octets: borrowing [UInt8]) {
        size += octets.count
        guard trouble == nil else { return }
        // Looked at afterwards, so that the header is known to those who log the refusal.
        defer { if sizeLimit > 0, size > sizeLimit, trouble == nil { fail(.tooBig(limit: sizeLimit)) } }
        var place = 0
        while !inBody, trouble == nil, place < octets.count {
            let end = octets[place...].firstIndex(of: .newline) ?? octets.count
            guard end < octets.count else {
                line.append(contentsOf: octets[place...])
                if line.count > 1 << 20 {
                    copy.takeHeader(line)
                    fail(.headerTooLong(HeaderReader.headerTooLong))
                }
                return
            }
            line.append(contentsOf: octets[place...end])
            place = end + 1
            takeHeaderLine()
        }
        if inBody, place < octets.count { append(octets[place...]) }
    }

    private mutating func takeHeaderLine() {
        if let captures = fromLine?.captures(of: ByteString(line.dropLast())) {
            fromCaptures = captures
            return line.removeAll(keepingCapacity: true)
        }
        fromLine = nil
        let step = reader.take(line)
        copy.takeHeader(line)
        let taken = line
        line.removeAll(keepingCapacity: true)
        switch step {
        case .more: break
        case .finished:
            beginHashing()
            beginBody(with: nil)
        // With its end, which the reader has cut off; a header that ends so is none that is signed.
        case .bodyStarted: beginBody(with: taken)
        case .tooLong(let text): fail(.headerTooLong(text))
        }
    }

    private mutating func beginBody(with first: [UInt8]?) {
        inBody = true
        do {
            pending = try spool.newMessage(ids)
            id = pending?.id
        } catch {
            return fail(.spool(error))
        }
        if let first { append(first[...]) }
    }

    private mutating func beginHashing() {
        guard looksForSignatures, reader.headers.contains(where: { DKIMHashing.isSignature($0.text) }) else {
            return
        }
        hashing = DKIMHashing(reader.headers.map(\.text))
    }

    private mutating func append(_ octets: ArraySlice<UInt8>) {
        guard trouble == nil else { return }
        copy.takeBody(octets)
        hashing?.take(octets)
        do {
            if isWireFormat {
                try appendAsOnTheWire(octets)
            } else {
                try pending?.append(octets)
            }
        } catch {
            fail(.spool(error))
        }
    }

    private mutating func appendAsOnTheWire(_ octets: ArraySlice<UInt8>) throws(SpoolError) {
        var wire: [UInt8] = []
        wire.reserveCapacity(octets.count + octets.count / 32)
        var rest = octets
        while let end = rest.firstIndex(of: .newline) {
            wire.append(contentsOf: rest[..<end])
            wire.append(.carriageReturn)
            wire.append(.newline)
            rest = rest[(end + 1)...]
        }
        wire.append(contentsOf: rest)
        try pending?.append(wire[...])
    }

    private mutating func fail(_ reason: Trouble) {
        trouble = reason
        pending = nil
    }

    /// The id that the message has been given, when its body has begun.
    private(set) var id: MessageID?
    /// The header lines that have come so far.
    var headers: [Header] { reader.headers }

    /// Where reception stands, as a lost connection's log line tells it.
    var whereItStands: ByteString {
        if inBody { return "" }
        return line.isEmpty && reader.size > 0 ? " (after header)" : " (header)"
    }

    /// Ends the input and gives what came, or why it cannot be had.
    consuming func finish() throws(Trouble) -> ReceivedMessage {
        if !inBody, trouble == nil { endHeader() }
        if let trouble { throw trouble }
        guard let pending = pending.take() else {
            preconditionFailure("a message without trouble has begun its body")
        }
        return ReceivedMessage(
            headers: reader.headers, headerSize: reader.size, longestHeaderLine: reader.longestLine,
            pending: pending, evidence: hashing?.finish())
    }

    private mutating func endHeader() {
        if !line.isEmpty {
            line.append(.newline)
            takeHeaderLine()
        }
        if !inBody, trouble == nil {
            reader.endOfInput()
            beginHashing()
            beginBody(with: nil)
        }
    }
}

/// The beginning of a message as it came, for a report that returns it to its sender.
struct IntakeCopy: Sendable {
    /// How many octets of header and of body are kept.
    var header = 0
    var body = 0
    private(set) var headerText: [UInt8] = []
    private(set) var bodyText: [UInt8] = []

    mutating func takeHeader(_ line: [UInt8]) {
        headerText.append(contentsOf: line.prefix(header - headerText.count))
    }

    /// Lets go of the header's text, when the header is known line by line.
    mutating func endHeader() { headerText = [] }

    mutating func takeBody(_ octets: ArraySlice<UInt8>) {
        bodyText.append(contentsOf: octets.prefix(body - bodyText.count))
    }
}

/// A message that has come in whole and is not committed yet.
struct ReceivedMessage: ~Copyable {
    var headers: [Header]
    let headerSize: Int
    let longestHeaderLine: Int
    var pending: PendingMessage
    /// What its DKIM signatures are checked with; nil where there are none.
    let evidence: DKIMEvidence?
}
