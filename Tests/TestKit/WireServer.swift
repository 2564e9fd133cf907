package import Bytes
import Foundation
import Glibc
import Synchronization

/// An SMTP server on a free port of 127.0.0.1 whose answers the test decides; it records what it accepted.
///
/// It offers SIZE, 8BITMIME and PIPELINING. It ends with the value.
package final class WireServer: Sendable {
    /// A moment at which the server answers.
    package struct Step: Sendable {
        /// `CONNECT`, the command's verb in capitals, or `MESSAGE` after the final dot.
        package let verb: String
        /// What follows the verb; for MAIL and RCPT the address without brackets.
        package let argument: ByteString
        /// The sender of the transaction so far.
        package let sender: ByteString
        /// The accepted recipients of the transaction so far.
        package let recipients: [ByteString]
        /// The message, at `MESSAGE`.
        package let message: ByteString
    }

    /// What the server does in such a moment.
    package enum Answer: Sendable {
        /// Sends this line (CRLF is added).
        case reply(ByteString)
        /// Closes the connection without a word.
        case close
    }

    /// A message that the server has accepted: recorded before the final 250 is sent.
    package struct Transaction: Sendable {
        /// The envelope sender.
        package let sender: ByteString
        /// The accepted recipients.
        package let recipients: [ByteString]
        /// The message, with LF line ends.
        package let message: ByteString
    }

    /// Decides an answer; nil means the ordinary friendly one.
    package typealias Script = @Sendable (Step) -> Answer?

    /// The port.
    package let port: Int

    private let listeners: [CInt]
    private let script: Script
    private let accepted = Mutex([Transaction]())
    private let connections = Mutex((now: 0, most: 0))

    /// Starts a server; on the same port of further addresses of 127.0.0.0/8 too, when some are given.
    package init(alsoAt addresses: [UInt32] = [], _ script: @escaping Script = { _ in nil }) throws {
        self.script = script
        let (first, port) = try Self.listening()
        self.port = port
        listeners = try [first] + addresses.map { try Self.listening($0, port).0 }
        for listener in listeners { accept(from: listener) }
    }

    private func accept(from listener: CInt) {
        Thread.detachNewThread { [weak self] in
            while true {
                let descriptor = Glibc.accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
                let stream = LoopbackStream(descriptor: descriptor)
                guard let server = self else { return }
                Thread.detachNewThread {
                    do { try server.serve(stream) } catch
                    { /* the peer was killed: the record has what counts */  }
                }
            }
        }
    }

    deinit {
        for listener in listeners {
            shutdown(listener, CInt(SHUT_RDWR))
            close(listener)
        }
    }

    /// What was accepted so far, in order.
    package var transactions: [Transaction] { accepted.withLock { $0 } }

    /// How many connections were open at one time, at most.
    package var mostConnections: Int { connections.withLock { $0.most } }

    /// Forgets what was accepted so far.
    package func forget() { accepted.withLock { $0 = [] } }

    private static func listening(
        _ address: UInt32 = 0x7F00_0001, _ port: Int = 0
    ) throws -> (CInt, Int) {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var on: CInt = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
        var address = loopbackAddress(port, address)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let done = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
                unsafe bind(descriptor, general, length) == 0 && listen(descriptor, 200) == 0
                    && getsockname(descriptor, general, &length) == 0
            }
        }
        guard done else { throw Program.Failure(description: "cannot listen: error \(errno)") }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    private func serve(_ stream: LoopbackStream) throws {
        connections.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
        defer { connections.withLock { $0.now -= 1 } }
        var sender = ByteString()
        var hasSender = false
        var recipients: [ByteString] = []
        func answer(_ verb: String, _ argument: ByteString, _ usual: ByteString, _ message: ByteString = "")
            throws
            -> Bool?
        {
            let step = Step(
                verb: verb, argument: argument, sender: sender, recipients: recipients, message: message)
            guard let answer = script(step) else { return try say(usual) }
            switch answer {
            case .reply(let line): return try say(line)
            case .close: return nil
            }
            func say(_ line: ByteString) throws -> Bool {
                let isAccepted = line.first.map { $0 < UInt8(ascii: "4") } ?? false
                if verb == "MESSAGE" && isAccepted {
                    let transaction = Transaction(sender: sender, recipients: recipients, message: message)
                    accepted.withLock { $0.append(transaction) }
                }
                try stream.write("\(line)\r\n")
                return isAccepted
            }
        }
        guard try answer("CONNECT", "", "220 wire.example.com ESMTP") == true else { return }
        while let line = try stream.readLine() {
            let words = line.cut(at: .blank) ?? (line[...], [])
            let verb = ByteString(words.before).uppercasedASCII().string
            switch verb {
            case "EHLO":
                let offer: ByteString = "250-wire.example.com\r\n250-SIZE\r\n250-8BITMIME\r\n250 PIPELINING"
                guard try answer(verb, ByteString(words.after), offer) != nil else { return }
            case "MAIL":
                let address = Self.address(line)
                guard let isAccepted = try answer(verb, address, "250 OK") else { return }
                if isAccepted { (sender, hasSender, recipients) = (address, true, []) }
            case "RCPT" where !hasSender:
                try stream.write("503 sender not yet given\r\n")
            case "RCPT":
                let address = Self.address(line)
                guard let isAccepted = try answer(verb, address, "250 Accepted") else { return }
                if isAccepted { recipients.append(address) }
            case "DATA":
                let usual: ByteString = recipients.isEmpty ? "503 no valid recipients" : "354 go ahead"
                guard let isAccepted = try answer(verb, "", usual) else { return }
                guard isAccepted else { continue }
                guard let message = try stream.readMessage() else { return }
                guard try answer("MESSAGE", "", "250 OK accepted", message) != nil else { return }
                (sender, hasSender, recipients) = ("", false, [])
            case "QUIT":
                _ = try answer(verb, "", "221 bye")
                return
            default:
                if verb == "RSET" { (sender, hasSender, recipients) = ("", false, []) }
                guard try answer(verb, ByteString(words.after), "250 OK") != nil else { return }
            }
        }
    }

    private static func address(_ line: ByteString) -> ByteString {
        guard let open = line.firstIndex(of: UInt8(ascii: "<")),
            let close = line[open...].firstIndex(of: UInt8(ascii: ">"))
        else { return "" }
        return ByteString(line[(open + 1)..<close])
    }
}
