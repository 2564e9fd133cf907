import Bytes
import Foundation
import Synchronization
import TestKit

/// A scanner that says what the message wants it to say, and records what it was asked.
///
/// It speaks the protocols of clamd, spamd, Rspamd, and of scanners that are told a path.
/// The header line `X-Answer:` is the answer, `|` in it a line end and `~` a NUL; `X-Title:` tells whose request it is.
final class ScannerServer: Sendable {
    let port: Int
    private let listener: LoopbackListener
    private let asked = Mutex<[String: [String]]>([:])

    /// Starts the server; with a greeting it speaks first.
    init(greeting: ByteString = "") throws {
        listener = try LoopbackListener()
        port = listener.port
        let listener = listener
        Thread.detachNewThread { [weak self] in
            while let (_, stream) = LoopbackListener.next(of: [listener]) {
                guard let self else { return }
                Thread.detachNewThread {
                    do { try self.serve(stream, greeting) } catch
                    { /* the client went away: what it asked is recorded */  }
                }
            }
        }
    }

    deinit { listener.stop() }

    /// What was asked about messages with that title, each request with its ids, dates and sites masked.
    func requests(_ title: String) -> [String] { asked.withLock { $0[title] ?? [] } }

    private func serve(_ stream: LoopbackStream, _ greeting: ByteString) throws {
        try stream.write(greeting)
        var request = ByteString()
        while let more = try stream.readSome() {
            request += more
            guard let message = try message(of: request, hasEnded: false) else { continue }
            return try answer(message, request, stream)
        }
        if let message = try message(of: request, hasEnded: true) { try answer(message, request, stream) }
    }

    private func answer(_ message: ByteString, _ request: ByteString, _ stream: LoopbackStream) throws {
        let title = Self.field("X-Title", message).string
        asked.withLock { $0[title, default: []].append(Self.shown(request)) }
        let text = Self.field("X-Answer", message)
        try stream.write(
            ByteString(
                text.flatMap { octet -> [UInt8] in
                    switch octet {
                    case UInt8(ascii: "|"): [13, 10]
                    case UInt8(ascii: "~"): [0]
                    default: [octet]
                    }
                }))
    }

    /// The message that a request is about; nil while it is not whole.
    private func message(of request: ByteString, hasEnded: Bool) throws -> ByteString? {
        if request.starts(with: ByteString("zINSTREAM\0")) {
            let length = request.dropFirst(10).prefix(4).reduce(0) { $0 << 8 | Int($1) }
            guard request.count >= 10 + 4 + length + 4 else { return nil }
            return ByteString(request.dropFirst(14).prefix(length))
        }
        if request.starts(with: ByteString("REPORT")) { return hasEnded ? request : nil }
        if request.starts(with: ByteString("CHECK")) {
            guard let end = request.firstRange(of: ByteString("\r\n\r\n")),
                let size = Int(Self.field("Content-length", request).string),
                request.count >= end.upperBound + size
            else { return nil }
            return request
        }
        guard let line = request.cut(at: .newline)?.before else { return nil }
        let path = String(decoding: line.drop { $0 != UInt8(ascii: "/") }, as: UTF8.self)
        let file = path.hasSuffix(".eml") ? path : "\(path)/\((path as NSString).lastPathComponent).eml"
        return ByteString(try Data(contentsOf: URL(fileURLWithPath: file)))
    }

    private static func field(_ name: String, _ message: ByteString) -> ByteString {
        for line in message.split(separator: .newline) where line.startsIgnoringCase(with: "\(name): ".utf8) {
            return ByteString(line.dropFirst(name.utf8.count + 2).filter { $0 != 13 })
        }
        return ""
    }

    private static func shown(_ request: ByteString) -> String {
        var text = Latin1.text(request)
        text.replace(/From MAILER-DAEMON [^\n]*/, with: "From MAILER-DAEMON <date>")
        text.replace(/\/\S*?\/bobbin-[^\/]*\//, with: "<site>/")
        text.replace(/1[0-9A-Za-z]{5}-[0-9A-Za-z]{6}-[0-9A-Za-z]{2}/, with: "<id>")
        return text.replacing(/\t[A-Z][a-z][a-z], [^\n]*/, with: "\t<date>")
    }
}
