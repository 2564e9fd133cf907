package import Bytes
package import Expansion
import Hints
import MailText
package import SMTP

/// Why a callout's conversation stopped: what was said last, and what is told of it.
package struct CalloutTrouble: Error, Sendable, Hashable {
    /// The command, or what stands for one: `initial connection`.
    package var command: ByteString
    /// The answer; nil where the connection was lost or never made.
    package var reply: Reply?
    /// The text for the log.
    package var text: ByteString
    /// Whether no TLS session came about after the server had agreed to one.
    var isTLSFailure = false
    /// Whether the server does not do TLS, which is needed.
    var isTLSMissing = false

    init(command: ByteString, reply: Reply?, text: ByteString) {
        (self.command, self.reply, self.text) = (command, reply, text)
    }

    /// Whether the host said no for good.
    package var isRefusal: Bool { reply?.isPermanent ?? false }
}

/// A conversation with a host in which no mail is sent: greeting, MAIL, RCPT, QUIT, one command at a time.
package struct CalloutTalk: ~Copyable {
    /// How a host is met.
    package struct Place: Sendable {
        /// What makes two connections the same.
        package struct Identity: Sendable, Hashable {
            var address: IPAddress
            var port: Int
            var interface: IPAddress?
            var helo: ByteString
            /// How TLS goes, with the names that the certificate must carry: a session that was looked at for one host
            /// serves no other.
            var tls = TLSPlan.none
            /// What it may go through; empty for a direct connection.
            var proxies: [SOCKSProxy] = []
        }

        /// Where it is, and who we say that we are.
        package var identity: Identity
        var isLMTP: Bool
        var usesESMTP: Bool
        var topBitPrints = false
        /// Who hears of the connection.
        var events: HostEvents?
        /// What a TLS session is begun with; nil in clear text.
        var tls: TLSOffer?
        /// The host as log lines show it.
        var shown = ByteString()
        /// Writes a line to the logs.
        var tell: @Sendable (TransportLogLine) -> Void = { _ in }
    }

    var socket: SecureSocket
    var reader: ReplyReader
    /// What the host offers; after STARTTLS, what it offers under TLS.
    private(set) var extensions = ServerExtensions()
    let timeout: Int64
    let events: HostEvents?
    /// The host's port.
    let port: Int
    /// Our end.
    var local: (address: IPAddress, port: Int)? { socket.local }
    /// What TLS was negotiated to; nil in clear text.
    package var tls: TLSFacts? { socket.tls }
    /// How the connection stands.
    var state: ConnectionState { socket.state }

    private init(_ socket: consuming SecureSocket, timeout: Int64, _ place: Place) {
        self.socket = socket
        self.timeout = timeout
        events = place.events
        reader = ReplyReader(topBitPrints: place.topBitPrints)
        port = place.identity.port
    }

    /// Connects, waits for the greeting, says EHLO, or HELO where that is not understood, and begins TLS.
    static func openOnce(
        _ place: Place, connectTimeout: Int64, timeout: Int64, _ loops: DeliveryLoops
    ) async throws(CalloutTrouble) -> CalloutTalk {
        let socket = try await connected(place, connectTimeout, loops)
        var talk = CalloutTalk(SecureSocket(socket), timeout: timeout, place)
        do throws(CalloutTrouble) {
            try await talk.begin(place)
            return talk
        } catch {
            await talk.end()
            throw error
        }
    }

    private mutating func begin(_ place: Place) async throws(CalloutTrouble) {
        try await secureAtOnce(place)
        let command: ByteString = "initial connection"
        let greeting = try await reply(to: command)
        guard greeting.isPositive else { throw Self.refusal(command, greeting) }
        if let trouble = await events?.greeted(greeting, socket.state) {
            await sayQuit()
            throw CalloutTrouble(command: "connect", reply: nil, text: trouble.text)
        }
        try await greet(place)
    }

    private static func connected(
        _ place: Place, _ timeout: Int64, _ loops: DeliveryLoops
    ) async throws(CalloutTrouble) -> ClientSocket {
        let identity = place.identity
        let connecting = ServerConnecting(
            address: identity.address, port: identity.port, interface: identity.interface,
            proxies: identity.proxies, timeout: timeout, events: place.events, tell: place.tell)
        do throws(ServerConnecting.Failure) {
            return try await connecting.connect(loops)
        } catch {
            throw CalloutTrouble(
                command: "connect", reply: nil, text: SystemFailure(number: error.number).text)
        }
    }

    mutating func greet(_ place: Place) async throws(CalloutTrouble) {
        if place.usesESMTP || place.isLMTP {
            let hello: ByteString = "\(place.isLMTP ? "LHLO" : "EHLO") \(place.identity.helo)"
            let reply = try await say(hello)
            await events?.answeredHello(reply, socket.state)
            if reply.isPositive {
                extensions = ServerExtensions(ehlo: reply)
                return try await secure(place)
            }
            guard reply.isPermanent, !place.isLMTP else { throw Self.refusal(hello, reply) }
        }
        try await sayExpecting("HELO \(place.identity.helo)")
        extensions = ServerExtensions()
        try await secure(place)
    }

    /// Says a command that must be taken.
    package mutating func sayExpecting(_ command: ByteString) async throws(CalloutTrouble) {
        let reply = try await say(command)
        guard reply.isPositive else { throw Self.refusal(command, reply) }
    }

    /// Says a command, and gives the answer.
    package mutating func say(_ command: ByteString) async throws(CalloutTrouble) -> Reply {
        // An address from outside must not become a command of its own.
        guard command.allSatisfy({ $0 >= 32 && $0 != 127 }) else {
            throw CalloutTrouble(command: command, reply: nil, text: "an address has control characters")
        }
        do throws(SystemFailure) {
            var heard: [UInt8] = []
            let line = command + ByteString("\r\n")
            try await socket.write(line.bytes[...], timeout: timeout) { heard += $0 }
            reader.feed(heard)
        } catch {
            throw CalloutTrouble(
                command: command, reply: nil, text: "sending \"\(command)\" failed: \(error.text)")
        }
        return try await reply(to: command)
    }

    /// Waits for a reply, as long as for any other where no limit is given (in seconds).
    mutating func reply(
        to command: ByteString, within seconds: Int64? = nil
    ) async throws(CalloutTrouble) -> Reply {
        while true {
            do throws(ReplyReader.Malformation) {
                if let reply = try reader.next() { return reply }
            } catch {
                let text: ByteString = "response to \"\(command)\" was: no SMTP reply"
                throw CalloutTrouble(command: command, reply: nil, text: text)
            }
            switch await socket.read(timeout: seconds ?? timeout) {
            case .octets(let octets): reader.feed(octets)
            case .timedOut:
                throw CalloutTrouble(command: command, reply: nil, text: "SMTP timeout after \(command)")
            case .closed:
                let text: ByteString = "response to \"\(command)\" was: connection dropped"
                throw CalloutTrouble(command: command, reply: nil, text: text)
            case .failed(let number):
                let text = SystemFailure(number: number).text
                throw CalloutTrouble(command: command, reply: nil, text: text)
            }
        }
    }

    /// Says good-bye, and does not wait long for an answer.
    package consuming func quit() async {
        await sayQuit()
        await end()
    }

    /// The connection is closed with the value.
    private consuming func end() async { await events?.closed(socket.state) }

    private mutating func sayQuit() async {
        do throws(SystemFailure) {
            try await socket.write(Array("QUIT\r\n".utf8)[...], timeout: 1) { _ in }
            _ = await socket.read(timeout: 1)
            await socket.close()
        } catch {
            // The other end is gone already.
            return
        }
    }

    /// What is told of a command that was not taken.
    package static func refusal(_ command: ByteString, _ reply: Reply) -> CalloutTrouble {
        let text: ByteString =
            command.starts(with: ByteString("MAIL"))
            ? "response to \"\(command)\" was: \(reply.loggedText)"
            : "SMTP error from remote mail server after \(command): \(reply.loggedText)"
        return CalloutTrouble(command: command, reply: reply, text: text)
    }
}
