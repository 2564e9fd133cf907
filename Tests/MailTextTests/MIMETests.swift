import Bytes
import MailText
import TestKit
import Testing

@Suite("MIME parts")
struct MIMETests {
    /// The parts of a message that is given in pieces of some length.
    private func parts(_ text: ByteString, piece: Int = .max) -> (parts: [MIMEPart], limit: ByteString?) {
        var walk = MIMEWalk()
        var found: [MIMEPart] = []
        var limit: ByteString?
        func note(_ step: MIMEWalk.Step) {
            switch step {
            case .more: break
            case .part(let part): found.append(part)
            case .tooMuch(let words): limit = limit ?? words
            }
        }
        var place = 0
        var beginsLine = true
        while place < text.count, limit == nil {
            let line = text[place...].firstIndex(of: .newline).map { $0 + 1 } ?? text.count
            let end = min(line, piece < text.count ? place + piece : text.count)
            note(walk.take(text[place..<end], beginsLine: beginsLine, endsAt: end))
            beginsLine = text[end - 1] == .newline
            place = end
        }
        if limit == nil { note(walk.finish(at: place)) }
        return (found, limit)
    }

    private static let message: ByteString = """
        Subject: x
        Content-Type: multipart/mixed; boundary="A B"

        --A B
        Content-Type: multipart/alternative; boundary=C

        --C
        Content-Type: text/plain; charset=x

        one
        --C--
        --A B
        Content-Disposition: attachment; filename*=utf-8''a%20b

        two
        --A B--

        """

    @Test("Parts are found in the order in which they come, with the place of their bodies")
    func order() {
        let found = parts(Self.message).parts
        #expect(found.map(\.contentType) == ["multipart/mixed", "multipart/alternative", "text/plain", ""])
        #expect(found.map(\.isCoverLetter) == [true, true, true, false])
        #expect(found.map(\.enclosing) == [nil, "A B", "C", "A B"])
        #expect(found.last?.filename == "a b")
        for (part, body) in zip(found, ["--A B\n", "--C\n", "one\n", "two\n"]) {
            #expect(Self.message[part.bodyStart...].starts(with: body.utf8))
        }
    }

    @Test("A part is the same however the message is cut into pieces", arguments: [1, 2, 3, 7, 64])
    func pieces(length: Int) {
        // Boundaries are looked for at the front of a line, so those must be whole.
        let header = ByteString(Self.message.prefix(Self.message.count / 4))
        #expect(parts(header, piece: length).parts == parts(header).parts)
    }

    @Test("A message with too many parts, or too deep ones, is not looked through")
    func limits() {
        let many: ByteString = "Content-Type: multipart/mixed; boundary=A\n\n"
        let parts = ByteString(repeatElement("--A\n\n".utf8, count: MIMEWalk.mostParts).joined())
        #expect(self.parts(many + parts).limit == "more than 10000 MIME parts")
        let deep = (0...MIMEWalk.mostDepth).map {
            "Content-Type: multipart/mixed; boundary=\($0)\n\n--\($0)\n"
        }
        #expect(self.parts(ByteString(deep.joined())).limit == "MIME parts nested deeper than 100")
    }

    @Test("No header line takes more memory than the limit")
    func longField() {
        let tail = ByteString(repeatElement(UInt8(ascii: "x"), count: MIMEWalk.mostFieldOctets * 2))
        let found = parts("Content-Type: text/plain; name=" + tail + "\n\n").parts
        #expect(found.count == 1)
        #expect((found.first?.filename.count ?? 0) < MIMEWalk.mostFieldOctets)
    }

    @Test(
        "Decoding gives what encoding took",
        arguments: ["", "a", "ab", "abc", "hello \u{e4}\n=\t"] as [ByteString])
    func decoding(text: ByteString) {
        var base64 = TransferDecoding("base64")
        var output: [UInt8] = []
        base64.take(Base64.encode(text)[...], into: &output)
        base64.finish(into: &output)
        #expect(ByteString(output) == text)
        var printable = TransferDecoding("quoted-printable")
        output = []
        let digits = Array("0123456789ABCDEF".utf8)
        let encoded = text.flatMap { [UInt8(ascii: "="), digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        printable.take(encoded[...], into: &output)
        #expect(ByteString(output) == text)
        #expect(base64.anomaly == nil && printable.anomaly == nil)
    }

    @Test("What is broken is told, and the rest is decoded")
    func anomalies() {
        var decoding = TransferDecoding("base64")
        var output: [UInt8] = []
        decoding.take(ByteString("aGVs*bG8=")[...], into: &output)
        #expect(decoding.anomaly == .base64)
        #expect(ByteString(output) == "hello")
        decoding = TransferDecoding("quoted-printable")
        output = []
        decoding.take(ByteString("a=zz=41=\n")[...], into: &output)
        #expect(decoding.anomaly == .quotedPrintable)
        #expect(ByteString(output) == "a=zzA")
    }

    @Test(
        "No octets make the reader of parts or the decoders trap; body places stay inside, numbers rise by one"
    )
    func fuzz() {
        var random = SeededGenerator(seed: 45)
        for _ in 0..<2000 {
            let text = Self.message.mutated(using: &random)
            let found = parts(text).parts
            #expect(found.map(\.number) == Array(found.indices))
            #expect(found.allSatisfy { $0.bodyStart <= text.count })
            for encoding in ["base64", "quoted-printable", "8bit"] as [ByteString] {
                var decoding = TransferDecoding(encoding)
                var output: [UInt8] = []
                for line in text.split(separator: .newline) { decoding.take(line, into: &output) }
                decoding.finish(into: &output)
                #expect(output.count <= text.count + 1)
            }
        }
    }
}
