import Bytes
import Foundation
import Glibc
import OpenSSL
import Synchronization
import TestKit

/// An SMTP or LMTP server that answers as a fixture says, and records what it hears; it ends with the value.
final class ScriptedServer: Sendable {
    private let script: Delivery.Server
    private let listener: CInt
    private let path: String?
    private let state = Mutex(State())
    /// Where an answer that is held waits.
    let gate = Gate()
    /// Connections that fill the queue of a server that is full.
    private let filling: [CInt]

    private struct State {
        /// What each connection heard, in the order in which they were made.
        var heard: [[String]] = []
        /// How often each rule's command came.
        var counts: [Int: Int] = [:]
    }

    /// Starts a server on 127.0.1.x and the port, or on the local socket.
    init(_ script: Delivery.Server, port: Int, socketPath: ByteString) throws {
        self.script = script
        if let address = script.address {
            path = nil
            listener = try Self.listening(0x7F00_0100 + address, port, script)
        } else {
            path = socketPath.string
            listener = try Self.listening(socketPath)
        }
        gate.close()
        if script.isFull {
            filling = (0..<3).map { _ in Self.connection(0x7F00_0100 + (script.address ?? 0), port) }
            return
        }
        filling = []
        Thread.detachNewThread { [listener, weak self] in
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
                guard let server = self else { return }
                Thread.detachNewThread { server.serve(descriptor) }
            }
        }
    }

    deinit {
        gate.open()
        shutdown(listener, CInt(SHUT_RDWR))
        close(listener)
        for descriptor in filling { close(descriptor) }
    }

    /// What was heard, a line for each; connections one after the other.
    var lines: [String] { state.withLock { $0.heard.flatMap { $0 } } }

    /// The same with the connections in an order of their own, for messages that are delivered side by side.
    var sortedLines: [String] {
        state.withLock { state in
            state.heard.map { (key: $0.joined(separator: "\n"), lines: $0) }.sorted { $0.key < $1.key }
                .flatMap(\.lines)
        }
    }

    /// A connection that has been begun, whether it comes to stand or not.
    private static func connection(_ address: UInt32, _ port: Int) -> CInt {
        let descriptor = socket(
            AF_INET,
            CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
        var place = loopbackAddress(port, address)
        _ = unsafe withUnsafePointer(to: &place) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return descriptor
    }

    private static func listening(
        _ address: UInt32, _ port: Int, _ script: Delivery.Server
    ) throws -> CInt {
        let descriptor = try ListeningDescriptor.tcp(address, port, backlog: script.isFull ? 0 : 50)
        if script.rules.contains(where: { $0.answer.starts(with: "<deaf>".utf8) }) {
            // The little room makes a message that nobody reads stay with its sender.
            var room: CInt = 4096
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<CInt>.size))
        }
        return descriptor
    }

    private static func listening(_ path: ByteString) throws -> CInt {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var place = sockaddr_un()
        place.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &place.sun_path) { unsafe $0.copyBytes(from: path.prefix(107)) }
        let done = unsafe withUnsafePointer(to: &place) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        guard done, listen(descriptor, 50) == 0, unsafe chmod(path.string, 0o777) == 0 else {
            throw Stage.Failure(description: "cannot listen on \(path): error \(errno)")
        }
        return descriptor
    }

    private func serve(_ descriptor: CInt) {
        let number = state.withLock { state in
            state.heard.append([])
            return state.heard.count - 1
        }
        var talk = Talk(server: self, stream: LoopbackStream(descriptor: descriptor), number: number)
        do { try talk.hold() } catch { record(number, "<lost>") }
    }

    fileprivate func record(_ number: Int, _ line: String) {
        state.withLock {
            $0.heard[number].append("\(script.address.map { "127.0.1.\($0)" } ?? "lmtp") \(line)")
        }
    }

    fileprivate var offers: [ByteString] { script.offers }
    fileprivate var tls: ServerTLS? { script.tls }

    /// What the fixture says; nil for the ordinary answer.
    fileprivate func answer(_ verb: ByteString, _ argument: ByteString) -> ByteString? {
        state.withLock { state in
            for (index, rule) in script.rules.enumerated() where rule.verb == verb {
                guard rule.text.isEmpty || argument.contains(rule.text) else { continue }
                state.counts[index, default: 0] += 1
                if rule.occurrence == nil || rule.occurrence == state.counts[index] { return rule.answer }
            }
            return nil
        }
    }
}

/// One connection.
private struct Talk {
    let server: ScriptedServer
    let stream: LoopbackStream
    let number: Int
    private var recipients: [ByteString] = []
    private var isLMTP = false

    private struct Ended: Error {}

    init(server: ScriptedServer, stream: LoopbackStream, number: Int) {
        (self.server, self.stream, self.number) = (server, stream, number)
    }

    mutating func hold() throws {
        server.record(number, "<connection>")
        do {
            if server.tls?.isAtOnce == true { try shakeHands() }
            _ = try answer("CONNECT", "", "220 wire.example.com ESMTP")
            while let line = try stream.readLine() {
                server.record(number, "\(mark) \(Latin1.text(line))")
                if try take(line) { return }
            }
            server.record(number, "<closed>")
        } catch is Ended {}
    }

    /// Answers a command; true after QUIT.
    private mutating func take(_ line: ByteString) throws -> Bool {
        let words = line.cut(at: .blank) ?? (line[...], [])
        let verb = ByteString(words.before).uppercasedASCII()
        let argument = ByteString(words.after)
        switch verb {
        case "EHLO", "LHLO":
            isLMTP = verb == "LHLO"
            let lines = ["wire.example.com"] + server.offers.filter { !stream.isSecure || $0 != "STARTTLS" }
            let offer = lines.enumerated().map { index, line in
                "250\(index == lines.count - 1 ? " " : "-")\(line)" as ByteString
            }
            _ = try answer(verb, argument, offer.joined(separator: "\r\n"))
        case "RCPT":
            if try answer(verb, argument, "250 Accepted") { recipients.append(argument) }
        case "DATA":
            guard try answer(verb, "", recipients.isEmpty ? "503 no valid recipients" : "354 go ahead") else {
                return false
            }
            try takeMessage()
        case "BDAT": try takeChunk(argument)
        case "STARTTLS":
            if try answer(verb, argument, "220 go ahead") { try shakeHands() }
        case "QUIT":
            _ = try answer(verb, "", "221 bye")
            try stream.endTLS()
            return true
        default:
            if verb == "MAIL" || verb == "RSET" { recipients = [] }
            _ = try answer(verb, argument, "250 OK")
        }
        return false
    }

    /// What stands before what the client says.
    private var mark: String { stream.isSecure ? "<TLS" : "<" }

    private mutating func shakeHands() throws {
        let tls = try server.tls ?? ServerTLS([])
        recipients = []
        do {
            let (hello, found) = try stream.serveTLS(
                tls.settings(Papers.made()), tls.asksForCertificate ? .tried : .none, protocols: tls.protocols
            )
            var words = ["TLS"]
            words += hello?.serverName.map { ["sni=\($0)"] } ?? []
            words += found.applicationProtocol.map { ["alpn=\($0)"] } ?? []
            words += found.peerDN.map { ["client=\($0)\(found.isVerified ? "" : " unverified")"] } ?? []
            server.record(number, "<\(words.joined(separator: " "))>")
        } catch {
            server.record(number, "<no TLS>")
            throw Ended()
        }
    }

    private mutating func takeMessage() throws {
        guard let message = try stream.readMessage() else {
            server.record(number, "<closed in the message>")
            throw Ended()
        }
        record(message)
        try answerMessage()
    }

    private mutating func takeChunk(_ argument: ByteString) throws {
        let size = argument.cut(at: .blank).map { ByteString($0.before) } ?? argument
        guard let count = size.decimalInteger(), let chunk = try stream.read(Int(count)) else {
            server.record(number, "<closed in the chunk>")
            throw Ended()
        }
        record(chunk)
        guard argument.contains(ByteString("LAST")) else {
            _ = try answer("BDAT", argument, "250 chunk")
            return
        }
        if recipients.isEmpty {
            _ = try answer("BDAT", argument, "503 no valid recipients")
        } else {
            try answerMessage()
        }
    }

    private func record(_ message: ByteString) {
        for line in message.split(separator: .newline, omittingEmptySubsequences: false) {
            let text = Latin1.text(ByteString(line)).replacing("\r", with: "")
            server.record(number, "| \(text.count > 200 ? "\(text.prefix(60))... (\(text.count))" : text)")
        }
    }

    private mutating func answerMessage() throws {
        let asked = isLMTP ? recipients : [recipients.joined(separator: " ")]
        recipients = []
        for recipient in asked { _ = try answer("MESSAGE", recipient, "250 OK accepted") }
    }

    /// Answers; whether with a positive or intermediate reply.
    private func answer(_ verb: ByteString, _ argument: ByteString, _ usual: ByteString) throws -> Bool {
        let text = server.answer(verb, argument) ?? usual
        let mark = text.first == UInt8(ascii: "<") ? text.cut(at: UInt8(ascii: ">")) : nil
        let said = mark.map { ByteString($0.after) } ?? text
        switch mark.map({ ByteString($0.before.dropFirst()) }) {
        case "close":
            stream.shutDown()
            throw Ended()
        case "closing":
            try stream.write("\(said)\r\n")
            stream.shutDown()
            throw Ended()
        case "silence":
            // Until the client has had enough.
            while let line = try stream.readLine() { server.record(number, "< \(Latin1.text(line))") }
            server.record(number, "<closed>")
            // A client may have ended its half only.
            usleep(2_500_000)
            throw Ended()
        case "garbage":
            try stream.write("\(said)\r\n")
            // Not before the client is in the handshake.
            _ = try stream.readSome()
            try stream.write(ByteString(Array(repeating: UInt8(0x5A), count: 200)))
            try waitForEnd()
        case "stalled":
            try stream.write("\(said)\r\n")
            try waitForEnd()
        case "raw": try stream.write(said)
        case "held":
            server.gate.pass()
            try stream.write("\(said)\r\n")
        case "deaf":
            try stream.write("\(said)\r\n")
            // Longer than the client's patience.
            usleep(4_000_000)
            throw Ended()
        default: try stream.write("\(said)\r\n")
        }
        return said.first.map { $0 < UInt8(ascii: "4") } ?? false
    }

    /// Until the client closes; what it says meanwhile is no line.
    private func waitForEnd() throws {
        while try stream.readSome() != nil {}
        server.record(number, "<closed>")
        throw Ended()
    }
}
