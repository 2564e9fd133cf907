package import Bytes
import Expansion
import MailText
import Synchronization

/// The copy of a message that scanners look at, `<spool>/scan/<id>/<id>.eml`, and what is decoded beside it.
///
/// It is made when it is first wanted, and removed when the last ACL has run.
package final class ScanCopy: Sendable {
    /// Where the message is.
    package struct Source: Sendable {
        /// `<spool>/scan`.
        package var folder: ByteString
        /// The message's id.
        package var id: ByteString
        /// Its `-D` file.
        package var data: ByteString
        /// Where the body begins in it.
        package var bodyStart: Int
        /// Whether its lines end in CRLF (`spool_wireformat`).
        package var isWireFormat: Bool
        /// Who owns what is made.
        package var owner: ScanOwner?

        /// Makes a value.
        package init(
            folder: ByteString, id: ByteString, data: ByteString, bodyStart: Int, isWireFormat: Bool,
            owner: ScanOwner?
        ) {
            self.folder = folder
            self.id = id
            self.data = data
            self.bodyStart = bodyStart
            self.isWireFormat = isWireFormat
            self.owner = owner
        }
    }

    private struct State {
        var isMade = false
        /// Whether there may be something to remove.
        var isBegun = false
        var parts = 0
    }

    private let source: Source
    private let state = Mutex(State())

    /// Nothing is made yet.
    package init(_ source: Source) { self.source = source }

    var id: ByteString { source.id }
    /// The folder of this message.
    var folder: ByteString { "\(source.folder)/\(source.id)" }
    /// The copy.
    var path: ByteString { "\(folder)/\(source.id).eml" }
    /// The spool directory.
    var spool: ByteString { source.folder.cutAtLast(UInt8(ascii: "/")).map { ByteString($0.before) } ?? "/" }
    var owner: ScanOwner? { source.owner }

    /// Makes the copy unless it is there: a line as in an mbox, the envelope, the header, the body.
    func make(_ facts: Facts, date: ByteString) async throws(ScanTrouble) {
        guard !state.withLock({ $0.isMade }) else { return }
        var head: ByteString =
            "From MAILER-DAEMON \(date)\nX-Envelope-From: <\(facts.message.sender ?? "")>\n"
        head += "X-Envelope-To: \(facts.message.recipients.joined(separator: ", "))\n" as ByteString
        for line in facts.message.headers where line.type != UInt8(ascii: "*") { head += line.text }
        head.append(.newline)
        let (text, source, folder, path) = (head, source, folder, path)
        state.withLock { $0.isBegun = true }
        let outcome = await ScanThread.run { () -> Result<Void, ScanTrouble> in
            Result { () throws(ScanTrouble) in try Self.write(text, source, folder, path) }
        }
        try outcome.get()
        state.withLock { $0.isMade = true }
    }

    private static func write(
        _ head: ByteString, _ source: Source, _ folder: ByteString, _ path: ByteString
    ) throws(ScanTrouble) {
        try ScanFolder.make(source.folder, owner: source.owner)
        try ScanFolder.make(folder, owner: source.owner)
        var reader = try ScanReader(source.data, from: source.bodyStart)
        var writer = try ScanWriter(path, owner: source.owner)
        try writer.write(head)
        if source.isWireFormat {
            try copyFromWire(&reader, &writer)
        } else {
            while true {
                let block = try reader.nextBlock()
                if block.isEmpty { break }
                try writer.write(block)
            }
        }
        try writer.flush()
    }

    /// Makes LF of each CRLF; a carriage return elsewhere is the message's own.
    private static func copyFromWire(
        _ reader: inout ScanReader, _ writer: inout ScanWriter
    ) throws(ScanTrouble) {
        var hasReturn = false
        while let line = try reader.next() {
            if hasReturn, line.octets.first != .newline { try writer.write([.carriageReturn]) }
            hasReturn = line.octets.last == .carriageReturn
            if hasReturn {
                try writer.write(line.octets.dropLast())
            } else if line.octets.suffix(2).elementsEqual("\r\n".utf8) {
                try writer.write(line.octets.dropLast(2))
                try writer.write([.newline])
            } else {
                try writer.write(line.octets)
            }
        }
        if hasReturn { try writer.write([.carriageReturn]) }
    }

    /// The next name for a decoded part.
    func nextName() -> ByteString {
        let number = state.withLock { state in
            defer { state.parts += 1 }
            return state.parts
        }
        let digits: ByteString = "\(number)"
        return
            "\(source.id)-\(ByteString(repeatElement(UInt8(ascii: "0"), count: max(5 - digits.count, 0))))\(digits)"
    }

    /// Removes the copy and all beside it, unless it is to stay (`control = no_mbox_unspool`).
    package func finish(keeping: Bool) async {
        guard !keeping, state.withLock({ $0.isBegun }) else { return }
        let folder = folder
        await ScanThread.run { ScanFolder.remove(folder) }
    }
}

/// What scanning remembers while the ACLs of a message run.
package struct ScanMemory: Sendable {
    /// The copy; nil where there is no whole message to look at.
    package var copy: ScanCopy?
    /// The file that has the part whose ACL runs, which is the copy or an attached message.
    var partFile: ByteString?
    /// What the virus scanner said, where that may be used again.
    var malware: MalwareAnswer?
    /// What the spam scanner said, and for which user.
    var spam: (user: ByteString, answer: SpamAnswer)?

    /// Remembers nothing.
    package init() {}
}
