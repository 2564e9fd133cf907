import Bytes
import SMTP
import TestKit
import Testing

@Suite("Framing")
struct FramingTests {
    @Test("Lines end with CRLF or LF, wherever the pieces are cut", arguments: 1...5)
    func lines(piece: Int) {
        var framer = LineFramer()
        var found: [LineFramer.Frame] = []
        let wire = Array("EHLO x\r\nNOOP\n\r\nQUIT\r\npart".utf8)
        for start in stride(from: 0, to: wire.count, by: piece) {
            framer.feed(wire[start..<min(start + piece, wire.count)])
            while let frame = framer.next() { found.append(frame) }
        }
        #expect(found == [.line("EHLO x"), .line("NOOP"), .line(""), .line("QUIT")])
        #expect(framer.hasPending)
        #expect(ByteString(framer.takeRest()) == "part")
        #expect(!framer.hasPending)
    }

    @Test("A line over the limit is told once and passed over")
    func limit() {
        var framer = LineFramer(limit: 10)
        framer.feed("0123456789\r\n".utf8)
        #expect(framer.next() == .line("0123456789"))
        for _ in 0..<100 { framer.feed("xxxxxxxxxxxxxxx".utf8) }
        #expect(framer.next() == .tooLong)
        #expect(framer.next() == nil)
        framer.feed("yyy\r\nNOOP\r\n".utf8)
        #expect(framer.next() == .line("NOOP"))
        framer.feed("01234567890\r\n".utf8)
        #expect(framer.next() == .tooLong)
        #expect(framer.next() == nil)
    }

    @Test("Replies are read whole, and written as they were", arguments: 1...4)
    func replies(piece: Int) throws {
        let wire = Array("250-a\r\n250-\r\n250 b\n354 go\r\n220\r\n".utf8)
        var reader = ReplyReader()
        var found: [Reply] = []
        for start in stride(from: 0, to: wire.count, by: piece) {
            reader.feed(wire[start..<min(start + piece, wire.count)])
            while let reply = try reader.next() { found.append(reply) }
        }
        #expect(found == [Reply(250, lines: ["a", "", "b"]), Reply(354, "go"), Reply(220, "")])
        #expect(found.first?.wire == "250-a\r\n250-\r\n250 b\r\n")
        #expect(found.first?.loggedText == "250-a\\n250-\\n250 b")
    }

    @Test(
        "What is no reply is refused",
        arguments: [
            ("hello\r\n", .badLine("hello")), ("25\r\n", .badLine("25")), ("250x\r\n", .badLine("250x")),
            ("\r\n", .emptyLine), ("250-a\r\n251 b\r\n", .badLine("250-a\n251 b")),
            ("999 x\r\n", .badLine("999 x")),
            ("+12 x\r\n", .badLine("+12 x")),
        ] as [(String, ReplyReader.Malformation)])
    func badReplies(wire: String, malformation: ReplyReader.Malformation) {
        var reader = ReplyReader()
        reader.feed(wire.utf8)
        #expect(throws: malformation) { try reader.next() }
    }

    @Test("A reply without end is given up")
    func endless() {
        var reader = ReplyReader()
        reader.feed(repeatElement(UInt8(ascii: "2"), count: 5000))
        #expect(throws: ReplyReader.Malformation.tooLong) { try reader.next() }
        var lines = ReplyReader()
        for _ in 0..<300 { lines.feed("250-x\r\n".utf8) }
        #expect(throws: ReplyReader.Malformation.tooLong) { try lines.next() }
    }
}

@Suite("Message data")
struct DataTests {
    private func decode(_ wire: ByteString, piece: Int, _ loneLF: LoneLF = .blank) -> (
        ByteString, Int?, DataCounts
    ) {
        var decoder = DataDecoder(loneLF: loneLF)
        var output: [UInt8] = []
        for start in stride(from: 0, to: wire.count, by: piece) {
            let chunk = wire[start..<min(start + piece, wire.count)]
            if case .finished(let rest) = decoder.decode(chunk, into: &output) {
                return (ByteString(output), rest, decoder.counts)
            }
        }
        return (ByteString(output), nil, decoder.counts)
    }

    @Test(
        "Data from the wire becomes what Exim spools, and ends where it ends, wherever the pieces are cut",
        arguments: [
            // In good CRLF data dots are unstuffed.
            ("A: b\r\n\r\nx\r\n..y\r\n.z\r\n.\r\nQUIT\r\n", "A: b\n\nx\n.y\nz\n", "QUIT\r\n"),
            (".\r\nQ", "", "Q"),
            ("\r\n.\r\n", "\n", ""),
            // A dot between line ends of the other kind ends nothing.
            ("A: b\r\n\r\nx\n.\r\ny\r\n.\r\n", "A: b\n\nx .\ny\n", ""),
            ("A: b\r\n\r\nx\r\n.\ny\r\n.\r\n", "A: b\n\nx\n y\n", ""),
            ("A: b\r\n\r\nx\n.\ny\r\n.\r\n", "A: b\n\nx . y\n", ""),
            ("A: b\r\n\r\nx\r.\ry\r\n.\r\n", "A: b\n\nx\n.\ny\n", ""),
            ("A: b\r\n\r\nx\r\n.\ry\r\n.\r\n", "A: b\n\nx\n\ny\n", ""),
            // LF data from local callers.
            ("A: b\n\nx\n..y\n.\nNOOP\n", "A: b\n\nx\n.y\n", "NOOP\n"),
            ("A: b\n\nx\r\n.\ny\n.\n", "A: b\n\nx\n", "y\n.\n"),
            // A bare CR or LF does not end a header line.
            ("A: b\r\nC: d\re: f\ng\r\n\r\n.\r\n", "A: b\nC: d\n e: f\n g\n\n", ""),
            ("A: b\r\n\r\nx\r\r\ny\r\n.\r\n", "A: b\n\nx\n\ny\n", ""),
        ] as [(ByteString, ByteString, ByteString)])
    func decoding(wire: ByteString, spooled: ByteString, rest: ByteString) {
        for piece in 1...7 {
            let (output, place, _) = decode(wire, piece: piece)
            #expect(output == spooled, "pieces of \(piece)")
            #expect(place != nil)
        }
        let (_, place, _) = decode(wire, piece: wire.count)
        #expect(place.map { ByteString(wire[$0...]) } == rest)
    }

    @Test("Data with every kind of line end is what Exim put on its spool")
    func asSpooled() throws {
        let rows = fixture("exim-data.txt").split(separator: .newline)
        #expect(rows.count > 40)
        for row in rows {
            let parts = try #require(row.cut(at: .blank))
            let wire = try #require(Hex.decode(parts.before))
            let (output, place, _) = decode(wire, piece: 3)
            #expect(Hex.encode(output) == ByteString(parts.after), "\(parts.before)")
            #expect(place != nil)
        }
    }

    @Test("With 4.96's rule a lone LF is a line end, and still no place for the end")
    func loneLF() {
        let (output, place, _) = decode("A: b\r\n\r\nx\n.\r\ny\r\n.\r\n", piece: 100, .lineEnd)
        #expect(output == "A: b\n\nx\n.\ny\n")
        #expect(place != nil)
    }

    @Test("Counts are those of the spooled octets")
    func counts() {
        let (output, _, counts) = decode("A: bcd\r\n\r\n\0\0x\r\n..\r\n.\r\n", piece: 3)
        #expect(counts.size == output.count)
        #expect(counts.lines == 4)
        #expect(counts.zeros == 2)
        #expect(counts.longestLine == 6)
    }

    @Test("What is stuffed and decoded is what it was, wherever the pieces are cut")
    func roundTrip() {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<2_000 {
            var message = ByteString()
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                let line: ByteString =
                    [".", "..", "", "x", ".x", "\0", "long line"].randomElement(using: &random) ?? ""
                message += line + ByteString("\n")
            }
            var stuffer = DotStuffer()
            var wire: [UInt8] = []
            var place = 0
            while place < message.count {
                let end = min(message.count, place + Int.random(in: 1...9, using: &random))
                stuffer.encode(message[place..<end], into: &wire)
                place = end
            }
            stuffer.finish(into: &wire)
            let (output, rest, counts) = decode(
                ByteString(wire), piece: Int.random(in: 1...9, using: &random))
            #expect(output == message)
            #expect(rest != nil)
            #expect(counts.lines == message.count { $0 == .newline })
            var chunk: [UInt8] = []
            CRLFEncoder().encode(message[...], into: &chunk)
            #expect(chunk.count == CRLFEncoder.size(octets: message.count, lines: counts.lines))
            var back: [UInt8] = []
            var decoder = BDATDecoder()
            for octet in chunk { decoder.decode([octet], into: &back) }
            decoder.finish(into: &back)
            #expect(ByteString(back) == message)
            #expect(decoder.counts == counts)
        }
    }

    @Test("Any octets decode, the same however they are cut, and never to CR")
    func fuzz() {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<5_000 {
            let wire = ByteString((0..<40).map { _ in "\r\n.a\r\n".utf8.randomElement(using: &random) ?? 0 })
            let (whole, end, counts) = decode(wire, piece: 40)
            let (pieces, endOfPieces, countsOfPieces) = decode(wire, piece: 1)
            #expect(whole == pieces)
            #expect((end == nil) == (endOfPieces == nil))
            #expect(counts == countsOfPieces)
            #expect(!whole.contains(.carriageReturn))
        }
    }

    @Test("Chunks lose their CRs, and the last line gets its end")
    func chunks() {
        var decoder = BDATDecoder()
        var output: [UInt8] = []
        decoder.decode(Array("a\r\n.\r\nb\rc\nd".utf8)[...], into: &output)
        decoder.finish(into: &output)
        #expect(ByteString(output) == "a\n.\nb\nc\nd\n")
        var wireform = BDATDecoder(keepsWireFormat: true)
        var kept: [UInt8] = []
        wireform.decode(Array("a\r\nb\r".utf8)[...], into: &kept)
        wireform.finish(into: &kept)
        #expect(ByteString(kept) == "a\r\nb\r")
        #expect(wireform.counts.lines == 0)
    }
}
