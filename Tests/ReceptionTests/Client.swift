import Bytes
import Foundation
import TestKit

/// A client that follows a script, with an address of its own so that logs and spool tell whose session it was.
struct Client: Sendable {
    let script: Script
    let source: UInt32

    /// How long a server may be silent, in milliseconds: a reply that does not come is a result too.
    private static let patience: CInt = 4_000

    init(_ script: Script, from source: UInt32) {
        self.script = script
        self.source = source
    }

    /// The address as text.
    var address: String {
        [24, 16, 8, 0].map { String(source >> $0 & 0xFF) }.joined(separator: ".")
    }

    /// Holds the session on a thread of its own; the title, and a line for each line that the server said.
    func hold(_ port: Int) async throws -> (String, [String]) {
        try await OwnThread.run { (script.title, try converse(port)) }
    }

    private func converse(_ port: Int) throws -> [String] {
        let stream = SecureStream(
            try LoopbackStream(port: port, from: source, patience: Self.patience))
        var heard: [String] = []
        if !script.early.isEmpty { try stream.write(script.early) }
        guard script.isSilentServer || reply(stream, &heard) else { return heard }
        for step in script.steps {
            switch step {
            case .send(let octets):
                do { try stream.write(octets) } catch { /* the missing reply will tell */  }
            case .reply: guard reply(stream, &heard) else { return heard }
            case .close:
                stream.shutDown()
                return heard
            case .secure(let words):
                guard try secure(stream, words, &heard) else { return heard }
            }
        }
        stream.endWriting()
        while reply(stream, &heard) {}
        return heard
    }

    /// Begins with TLS; false when that failed.
    private func secure(_ stream: SecureStream, _ words: [String], _ heard: inout [String]) throws -> Bool {
        let identities = try SiteCertificates.shared.get().identities
        do {
            let (version, peer) = try stream.shakeHands(try SecureStream.Wishes(words, identities))
            heard.append("tls: \(version) with \(peer)")
            return true
        } catch {
            heard.append("tls: none")
            return false
        }
    }

    /// A CRAM-MD5 challenge is another one each time.
    private static func withoutNonce(_ line: ByteString) -> ByteString {
        guard line.starts(with: ByteString("334 ")), let text = Base64.decode(line.dropFirst(4)),
            text.first == UInt8(ascii: "<"), text.last == UInt8(ascii: ">")
        else { return line }
        return "334 <challenge>"
    }

    /// Reads a reply; false when there was none.
    private func reply(_ stream: SecureStream, _ heard: inout [String]) -> Bool {
        do {
            while let line = try stream.readLine() {
                heard.append("reply: \(masked(Self.withoutNonce(line)))")
                if line.count < 4 || line[3] != UInt8(ascii: "-") { return true }
            }
            heard.append("reply: <closed>")
        } catch {
            heard.append("reply: <silence>")
        }
        return false
    }
}
