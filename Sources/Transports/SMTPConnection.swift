import Bytes
import Routing
import SMTP
import Synchronization

/// What makes two connections the same: a message may use one that another has opened.
package struct ConnectionKey: Sendable, Hashable {
    var transport: ByteString
    var hostName: ByteString
    var address: IPAddress
    var port: Int
    var interface: IPAddress?
    var helo: ByteString
    /// What we authenticate with, as far as it is known beforehand; never shown.
    var credentials = ByteString()
    /// How TLS goes: nothing that must be verified goes where it was not, and nothing in clear text that must not.
    var tls = TLSPlan.none
    /// What it may go through; empty for a direct connection.
    var proxies: [SOCKSProxy] = []
}

/// The time limits of a connection, in seconds, and how it is kept.
struct ConnectionTimeouts: Sendable, Hashable {
    var connect: Int64
    var command: Int64
    var data: Int64
    var final: Int64
    /// `keepalive`: whether the system looks now and then whether the peer is still there.
    var keepsAlive = true
    /// `dscp`: how packets are marked.
    var trafficClass: TrafficClass?

    func seconds(_ which: ClientTimeout) -> Int64 {
        switch which {
        case .command: command
        case .data: data
        case .final: final
        case .quit: 1
        }
    }
}

/// How a transaction on a connection ended.
struct TransactionEnding: Sendable {
    var outcomes: [RecipientOutcome]
    /// Whether another transaction may follow.
    var isOpen: Bool
    var usedChunking = false
    var usedPipelining = false

    /// What went wrong, for which of the addresses that the transaction was for.
    func troubles(of indices: [Int]) -> [(index: Int, trouble: ClientTrouble)] {
        zip(indices, outcomes).compactMap { index, outcome in
            if case .troubled(let trouble) = outcome { (index, trouble) } else { nil }
        }
    }
}

/// A message as octets for the wire.
struct WireMessage: Sendable {
    /// The header block and the blank line, LF line ends.
    var head: ByteString
    var body: MessageBody
    var sendsBody = true

    /// The octets with LF line ends.
    var size: Int { head.count + (sendsBody ? body.size : 0) }
}

/// One SMTP connection; a single task at a time uses it.
package final class SMTPConnection: Sendable {
    let key: ConnectionKey
    /// For a host of `serialize_hosts`: what keeps others from it, until this connection ends.
    private let turn: SharedTurns.Turn?
    /// Nil while somebody uses it.
    private let session: Mutex<Session?>
    private let known = Mutex<ClientIdentity?>(nil)
    private let listener = Mutex<HostEvents?>(nil)
    private let secured = Mutex<ByteString?>(nil)

    private init(_ key: ConnectionKey, _ turn: SharedTurns.Turn?, _ session: consuming Session) {
        self.key = key
        self.turn = turn
        self.session = Mutex(consume session)
    }

    /// How a connection is made, and who hears of it.
    struct Opening {
        var options: ClientOptions
        var timeouts: ConnectionTimeouts
        var turn: SharedTurns.Turn?
        var events: HostEvents?
        /// Nil where TLS is not spoken.
        var tls: TLSOffer?
        /// Writes a line to the logs.
        var tell: @Sendable (TransportLogLine) -> Void = { _ in }
    }

    /// Why there is no connection, and how far we had come.
    struct Failure: Error {
        var trouble: ClientTrouble
        var state: ConnectionState
    }

    /// Connects and greets.
    static func open(
        _ key: ConnectionKey, _ opening: Opening, _ loops: DeliveryLoops
    ) async -> Result<SMTPConnection, Failure> {
        let (timeouts, events) = (opening.timeouts, opening.events)
        let connecting = ServerConnecting(
            address: key.address, port: key.port, interface: key.interface, proxies: key.proxies,
            timeout: timeouts.connect, events: events, tell: opening.tell)
        do throws(ServerConnecting.Failure) {
            let socket = try await connecting.connect(loops)
            if timeouts.keepsAlive { socket.keepAlive() }
            if let trafficClass = timeouts.trafficClass { socket.mark(trafficClass) }
            var session = Session(
                SecureSocket(socket), ClientMachine(options: opening.options), timeouts, key)
            if let trouble = await session.greet(telling: events, opening.tls) {
                await events?.closed(session.state)
                return .failure(Failure(trouble: trouble, state: session.state))
            }
            let connection = SMTPConnection(key, opening.turn, session)
            connection.events = events
            return .success(connection)
        } catch {
            let trouble = ClientTrouble(scope: .host, isPermanent: false, errno: Int(error.number), text: "")
            return .failure(Failure(trouble: trouble, state: error.state))
        }
    }

    /// Sends a message to some recipients.
    func send(_ transaction: Transaction, _ message: WireMessage) async -> TransactionEnding {
        var own = take()
        let ending = await own.send(transaction, message)
        giveBack(own)
        return ending
    }

    /// Says a line of an AUTH exchange, and hears the reply; `logged` stands for the line in error texts.
    func ask(_ line: ByteString, logged: ByteString) async -> Result<Reply, ClientTrouble> {
        var own = take()
        let answer = await own.ask(line, logged: logged)
        giveBack(own)
        return answer
    }

    /// Who the server knows us as; set once, when the connection is new.
    var identity: ClientIdentity? {
        get { known.withLock { $0 } }
        set { known.withLock { $0 = newValue } }
    }

    /// What was authenticated with, where the TLS session bears on it; set once, when the connection is new.
    var credentials: ByteString? {
        get { secured.withLock { $0 } }
        set { secured.withLock { $0 = newValue } }
    }

    /// Who hears of its end: whoever has used it last.
    var events: HostEvents? {
        get { listener.withLock { $0 } }
        set { listener.withLock { $0 = newValue } }
    }

    /// Says QUIT and closes.
    func quit() async {
        let state = state
        await sayQuit()
        await turn?.end()
        await events?.closed(state)
    }

    /// When it returns, the connection is closed.
    private func sayQuit() async {
        var own = take()
        await own.quit()
    }

    private func take() -> Session {
        guard let own = session.withLock({ $0.take() }) else {
            preconditionFailure("a connection is used by one task at a time, and not after its end")
        }
        return own
    }

    private func giveBack(_ own: consuming Session) {
        var back: Session? = consume own
        session.withLock { $0 = back.take() }
    }

    /// What the server offers.
    var extensions: ServerExtensions {
        session.withLock { session in
            switch session {
            case .some(let session): session.extensions
            case .none: ServerExtensions()
            }
        }
    }
    /// How many transactions it has served.
    var transactionCount: Int {
        session.withLock { session in
            switch session {
            case .some(let session): session.transactionCount
            case .none: 0
            }
        }
    }
    /// Our end, and TLS.
    var state: ConnectionState {
        session.withLock { session in
            switch session {
            case .some(let session): session.state
            case .none: ConnectionState()
            }
        }
    }
    /// Whether the server has hung up or has spoken unasked while the connection was kept.
    var isStale: Bool {
        var own = take()
        let isStale = own.isStale()
        giveBack(own)
        return isStale
    }
}

/// Drives a client machine over a socket.
private struct Session: ~Copyable {
    private static let blockSize = 1 << 16

    private var socket: SecureSocket
    private var machine: ClientMachine
    private let timeouts: ConnectionTimeouts
    private let key: ConnectionKey
    private var bodyOctets = 0
    /// Who hears of the server's first answers.
    private var listener: HostEvents?
    private var hasToldGreeting = false
    private var hasToldHello = false
    /// What a TLS session is begun with; nil where TLS is not spoken.
    private var tls: TLSOffer?

    init(
        _ socket: consuming SecureSocket, _ machine: ClientMachine, _ timeouts: ConnectionTimeouts,
        _ key: ConnectionKey
    ) {
        self.socket = socket
        self.machine = machine
        self.timeouts = timeouts
        self.key = key
    }

    var extensions: ServerExtensions { machine.extensions }
    var transactionCount: Int { machine.transactionCount }
    var state: ConnectionState { socket.state }

    mutating func isStale() -> Bool { socket.readNow() != nil }

    /// What came of obeying the machine.
    private struct Ending {
        var outcomes: [RecipientOutcome]?
        var isOpen = false
        var trouble: ClientTrouble?
        var answer: Reply?
    }

    /// Gives the trouble, if there is some.
    mutating func greet(telling events: HostEvents?, _ tls: TLSOffer?) async -> ClientTrouble? {
        self.tls = tls
        listener = events
        guard let tls, tls.plan.isImmediate else { return await obey(machine.connected(), nil).trouble }
        if let trouble = await tls.secure(&socket, events, timeout: timeouts.command) { return trouble }
        return await obey(machine.connected(isSecure: true), nil).trouble
    }

    /// Begins TLS where the machine wants it; the connection is lost when that fails.
    private mutating func startTLS() async -> [ClientAction] {
        guard let tls else { return machine.ioFailed(errno: -37, text: "TLS session: not prepared") }
        if let trouble = await tls.secure(&socket, listener, timeout: timeouts.command) {
            return machine.ioFailed(errno: trouble.errno, text: trouble.text)
        }
        // The server answers another EHLO now.
        hasToldHello = false
        return machine.tlsStarted()
    }

    mutating func send(_ transaction: Transaction, _ message: WireMessage) async -> TransactionEnding {
        let usesChunking = machine.options.usesChunking && machine.extensions.chunking
        let ending = await obey(machine.begin(transaction), message)
        let trouble = ending.trouble
        let outcomes =
            ending.outcomes
            ?? transaction.recipients.map { _ in trouble.map { .troubled($0) } ?? .pending }
        return TransactionEnding(
            outcomes: outcomes, isOpen: ending.isOpen, usedChunking: usesChunking,
            usedPipelining: machine.options.usesPipelining && machine.extensions.pipelining)
    }

    mutating func ask(_ line: ByteString, logged: ByteString) async -> Result<Reply, ClientTrouble> {
        let ending = await obey(machine.sendLine(line, logged: logged), nil)
        if let answer = ending.answer { return .success(answer) }
        // Without a reply there is a trouble; the number says that the connection was lost.
        return .failure(
            ending.trouble ?? ClientTrouble(scope: .host, isPermanent: false, errno: -18, text: ""))
    }

    mutating func quit() async {
        _ = await obey(machine.quit(), nil)
        await socket.close()
    }

    private mutating func obey(_ actions: [ClientAction], _ message: WireMessage?) async -> Ending {
        var ending = Ending()

        var waiting = actions[...]
        while let action = waiting.popFirst() {
            switch action {
            case .send(let octets):
                if let next = await write(octets.bytes[...], timeouts.command) { waiting = next[...] }
            case .expectReply(let limit): waiting = await hear(limit)[...]
            case .sendDataBody: waiting = await sendBody(message, chunked: false)[...]
            case .sendChunks: waiting = await sendBody(message, chunked: true)[...]
            case .finished(let outcomes, let isOpen):
                ending.outcomes = outcomes
                ending.isOpen = isOpen
            case .failed(let trouble): ending.trouble = trouble
            case .startTLS: waiting = await startTLS()[...]
            case .authReply(let reply): ending.answer = reply
            case .ready, .close: break
            }
        }
        return ending
    }

    private mutating func hear(_ limit: ClientTimeout) async -> [ClientAction] {
        switch await socket.read(timeout: timeouts.seconds(limit)) {
        case .octets(let octets):
            let next = machine.received(octets)
            if let stopped = await tellFirstAnswers() { return stopped }
            // A reply may come in pieces: the machine has nothing to say until it is whole.
            return next.isEmpty ? [.expectReply(limit)] : next
        case .timedOut: return machine.timedOut()
        case .closed: return machine.closed()
        case .failed(let number): return machine.ioFailed(errno: Int(number), text: "")
        }
    }

    /// Raises the events of greeting and EHLO, before anything further is said; gives what to do when one forbids to go on.
    private mutating func tellFirstAnswers() async -> [ClientAction]? {
        guard let listener else { return nil }
        if !hasToldGreeting, let greeting = machine.greeting, greeting.isPositive {
            hasToldGreeting = true
            if let trouble = await listener.greeted(greeting, state) { return machine.stop(for: trouble) }
        }
        guard !hasToldHello, let answer = machine.ehloReply else { return nil }
        hasToldHello = true
        await listener.answeredHello(answer, state)
        return nil
    }

    /// Nil when all was written.
    private mutating func write(_ octets: ArraySlice<UInt8>, _ limit: Int64) async -> [ClientAction]? {
        var heard: [UInt8] = []
        do {
            try await socket.write(octets, timeout: limit) { heard += $0 }
        } catch {
            if !heard.isEmpty { _ = machine.received(heard) }
            let failure = SystemFailure(number: error.number)
            return machine.ioFailed(
                errno: Int(failure.number),
                text: "smtp send to \(key.hostName) [\(key.address.text)] failed: \(failure.text)")
        }
        guard !heard.isEmpty else { return nil }
        let next = machine.received(heard)
        return next.isEmpty ? nil : next
    }

    private mutating func sendBody(_ message: WireMessage?, chunked: Bool) async -> [ClientAction] {
        guard let message else { return machine.ioFailed(errno: -1, text: "no message to send") }
        bodyOctets = 0
        do throws(TransportTrouble) {
            let stopped = chunked ? try await sendChunk(message) : try await sendData(message)
            if let stopped { return stopped }
        } catch {
            return machine.ioFailed(errno: Int(error.errno), text: "reading the data file failed")
        }
        return machine.bodySent(octets: bodyOctets)
    }

    private mutating func sendData(
        _ message: WireMessage
    ) async throws(TransportTrouble) -> [ClientAction]? {
        var stream = DataStream(message)
        var output: [UInt8] = []
        while try stream.next(into: &output) {
            bodyOctets += output.count
            if let stopped = await write(output[...], timeouts.data) { return stopped }
        }
        return nil
    }

    private mutating func sendChunk(
        _ message: WireMessage
    ) async throws(TransportTrouble) -> [ClientAction]? {
        let size = try Self.wireSize(of: message)
        var output = machine.bdat(size: size, isLast: true).bytes
        let encoder = CRLFEncoder()
        encoder.encode(message.head.bytes[...], into: &output)
        var block = [UInt8](repeating: 0, count: min(Self.blockSize, max(message.body.size, 1)))
        var offset = 0
        while message.sendsBody, offset < message.body.size {
            let count = try message.body.read(at: offset, into: &block)
            offset += count
            if message.body.isWireFormat {
                output += block[..<count]
            } else {
                encoder.encode(block[..<count], into: &output)
            }
            bodyOctets += output.count
            if let stopped = await write(output[...], timeouts.data) { return stopped }
            output.removeAll(keepingCapacity: true)
        }
        bodyOctets += output.count
        return output.isEmpty ? nil : await write(output[...], timeouts.data)
    }

    /// Counts line ends by reading the body: what a chunk announces must be true.
    private static func wireSize(of message: WireMessage) throws(TransportTrouble) -> Int {
        var size = message.head.count + message.head.count { $0 == .newline }
        guard message.sendsBody else { return size }
        size += message.body.size
        if message.body.isWireFormat { return size }
        var block = [UInt8](repeating: 0, count: min(blockSize, max(message.body.size, 1)))
        var offset = 0
        while offset < message.body.size {
            let count = try message.body.read(at: offset, into: &block)
            offset += count
            for octet in block[..<count] where octet == .newline { size += 1 }
        }
        return size
    }
}
