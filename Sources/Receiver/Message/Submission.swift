import ACL
import Bytes
import Configuration
import EximLog
import Expansion
import Glibc
import MailSystem
import MailText
import SMTP
import Spooler

/// A message handed in on standard input, with its recipients on the command line or in its header (`-t`).
struct Submission {
    /// What the command line says.
    struct Request: Sendable {
        /// Addresses as they were given.
        var recipients: [ByteString] = []
        /// `-t`: the header's recipients; those on the command line are taken away from them.
        var takesHeaderRecipients = false
        /// `-i`: a line with a dot alone does not end the message.
        var ignoresDots = false
        /// `-f`: the envelope sender; empty for `<>`; nil for the caller's own.
        var sender: ByteString?
        /// `-E`: a bounce about the message of that id.
        var bounceOf: ByteString?
        /// `-N`.
        var dontDeliver = false
        /// `-oMr`: the protocol's name.
        var `protocol`: ByteString = "local"
    }

    /// Why nothing was submitted; the text is for the caller.
    enum Refusal: Error {
        case usage(ByteString)
        case noRecipients
        case badAddresses([ByteString])
        case rejected(ByteString)
        case temporary(ByteString)
    }

    let context: SessionContext
    let caller: LocalCaller
    let request: Request

    /// Reads standard input to its end, and commits the message.
    func run(input: CInt = STDIN_FILENO) async throws(Refusal) -> (id: MessageID, waits: Bool) {
        let begun = SpoolTime.now()
        let limit = await sizeLimit()
        var intake = MessageIntake(
            spool: context.system.spool, ids: context.system.ids, limits: context.settings.headerLimits,
            sizeLimit: limit)
        var reader = StandardInput(descriptor: input, endsAtDot: !request.ignoresDots)
        while let block = reader.next() { intake.take(block) }
        let message: ReceivedMessage
        do { message = try intake.finish() } catch { throw Self.refusal(error) }
        return try await submit(message, begun: begun, longestLine: reader.longestLine)
    }

    private func submit(
        _ message: consuming ReceivedMessage, begun: SpoolTime, longestLine: Int
    ) async throws(Refusal) -> (id: MessageID, waits: Bool) {
        var message = message
        let envelope = try envelope(&message)
        var state = ACLState(facts: facts(envelope))
        state.facts.message.recipients = envelope.recipients.map(\.address)
        var arriving = Reception.Arriving(begun: begun, origin: caller.origin)
        arriving.longestLine = longestLine
        arriving.moment = .notSMTP
        arriving.submitter = caller.submitter
        arriving.fixups = caller.fixups
        arriving.fixups.removesBcc = request.takesHeaderRecipients
        arriving.isLocal = request.bounceOf == nil && !setsSender
        arriving.isLocalError = request.bounceOf != nil
        if request.takesHeaderRecipients { arriving.nonRecipients = try parsed(request.recipients) }
        arriving.dontDeliver = request.dontDeliver
        arriving.reference = request.bounceOf
        arriving.senderSetUntrusted = request.sender != nil && !caller.isTrusted
        let log = SessionLog(system: context.system)
        var reception = Reception(context, log, state, envelope, arriving)
        switch await reception.complete(message) {
        case .committed(let id, _, _):
            return (id, context.queueOnly || reception.queuedBy != nil || reception.state.has("freeze"))
        case .discarded(let id): return (id, true)
        case .refused(let verdict):
            throw .rejected(
                "message rejected by non-SMTP ACL: \(verdict.message ?? "local configuration problem")")
        case .failed(let text): throw .temporary(text)
        }
    }

    private func facts(_ envelope: Envelope) -> Facts {
        var facts = Facts()
        facts.connection.ident = caller.login
        facts.connection.receivedProtocol = request.protocol
        if !setsSender {
            facts.connection.authenticatedID = caller.login
            facts.connection.authenticatedSender = caller.submitter.address.text
        }
        facts.message.sender = envelope.sender
        facts.message.recipientsCount = envelope.recipients.count
        return facts
    }

    /// Whether a trusted caller gives the sender: then the message counts as handed on, not as his own.
    private var setsSender: Bool { request.sender != nil && caller.isTrusted }

    private func sizeLimit() async -> Int {
        do {
            return try await context.system.expander.expandToInteger(
                context.settings.messageSizeLimit, Facts())
        } catch {
            return 50 << 20
        }
    }

    // MARK: The envelope

    private func envelope(_ message: inout ReceivedMessage) throws(Refusal) -> Envelope {
        var envelope = Envelope()
        envelope.sender = try sender()
        let named = try parsed(request.recipients)
        guard request.takesHeaderRecipients else {
            envelope.recipients = named.map { .init(address: $0, notify: [], originalRecipient: nil) }
            if envelope.recipients.isEmpty { throw .noRecipients }
            return envelope
        }
        let taken = headerRecipients(message.headers)
        if !taken.bad.isEmpty { throw .badAddresses(taken.bad) }
        let removed = Set(named.map { $0.lowercasedASCII() })
        for address in taken.good where !removed.contains(address.lowercasedASCII()) {
            envelope.recipients.append(.init(address: address, notify: [], originalRecipient: nil))
        }
        if envelope.recipients.isEmpty { throw .noRecipients }
        return envelope
    }

    /// The envelope sender: the caller's own address, unless a trusted caller (or anybody with `<>`) sets it.
    private func sender() throws(Refusal) -> ByteString {
        guard let given = request.sender else {
            return request.bounceOf == nil ? caller.submitter.address.text : ""
        }
        if given.isEmpty || given == "<>" { return "" }
        guard caller.isTrusted else { return caller.submitter.address.text }
        return try parsed([given]).first ?? ""
    }

    private func parsed(_ texts: [ByteString]) throws(Refusal) -> [ByteString] {
        var good: [ByteString] = []
        var bad: [ByteString] = []
        for text in texts {
            for item in AddressParser.parseList(text, rules: rules) {
                switch item.outcome {
                case .success(let parsed): good.append(qualified(parsed.address))
                case .failure(let error): bad.append("\(text): \(error.message)")
                }
            }
        }
        if !bad.isEmpty { throw .badAddresses(bad) }
        return good
    }

    private var rules: AddressRules { context.settings.addressRules }

    private func qualified(_ address: EmailAddress) -> ByteString {
        address.qualified(with: context.system.settings.qualifyRecipient).text
    }

    /// The addresses of To:, Cc: and Bcc:, or of their Resent- forms when there are any.
    private func headerRecipients(_ headers: [Header]) -> (good: [ByteString], bad: [ByteString]) {
        let isResent = headers.contains { $0.name.startsIgnoringCase(with: ByteString("resent-")) }
        var good: [ByteString] = []
        var bad: [ByteString] = []
        for header in headers where [.to, .cc, .bcc].contains(header.kind) {
            guard header.name.startsIgnoringCase(with: ByteString("resent-")) == isResent else { continue }
            for item in AddressParser.parseList(header.value, rules: rules) {
                switch item.outcome {
                case .success(let parsed): good.append(qualified(parsed.address))
                case .failure(let error): bad.append("\(header.value): \(error.message)")
                }
            }
        }
        return (good, bad)
    }

    private static func refusal(_ trouble: MessageIntake.Trouble) -> Refusal {
        switch trouble {
        case .tooBig(let limit): .rejected("message too big: max=\(limit)")
        case .headerTooLong(let text): .rejected(text)
        case .spool(let error): .temporary(ByteString(error.description))
        }
    }
}

/// Standard input as message lines: CRLF becomes LF, and a last line without its newline gets one.
private struct StandardInput {
    private let descriptor: CInt
    private let endsAtDot: Bool
    private var block = [UInt8](repeating: 0, count: 1 << 16)
    private var line: [UInt8] = []
    private var isDone = false
    private var isUnended = false
    private(set) var longestLine = 0

    init(descriptor: CInt, endsAtDot: Bool) {
        self.descriptor = descriptor
        self.endsAtDot = endsAtDot
    }

    /// The next octets, whole lines; nil at the end.
    mutating func next() -> [UInt8]? {
        guard !isDone else { return nil }
        var output: [UInt8] = []
        while output.isEmpty, !isDone {
            let count = unsafe read(descriptor, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                isDone = true
                isUnended = true
                if !line.isEmpty { finishLine(&output) }
                break
            }
            split(block[..<count], into: &output)
        }
        return output.isEmpty ? nil : output
    }

    private mutating func split(_ octets: ArraySlice<UInt8>, into output: inout [UInt8]) {
        var rest = octets
        while !isDone, let end = rest.firstIndex(of: .newline) {
            line.append(contentsOf: rest[..<end])
            rest = rest[(end + 1)...]
            finishLine(&output)
        }
        if !isDone { line.append(contentsOf: rest) }
    }

    private mutating func finishLine(_ output: inout [UInt8]) {
        if line.last == .carriageReturn { line.removeLast() }
        // A CR elsewhere ends a line too; of several before a newline the last belongs to it.
        if line.contains(.carriageReturn) { line = line.map { $0 == .carriageReturn ? .newline : $0 } }
        if endsAtDot, line == [UInt8(ascii: ".")] {
            isDone = true
        } else {
            if !isUnended { longestLine = max(longestLine, line.count) }
            output.append(contentsOf: line)
            output.append(.newline)
        }
        line.removeAll(keepingCapacity: true)
    }
}
