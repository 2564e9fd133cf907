import Bytes
import MailText
import TestKit
import Testing

@Suite("Names beyond ASCII")
struct InternationalNameTests {
    @Test(
        "Local parts go to A-labels and back (RFC 3492, section 7.1)",
        arguments: [
            ("m\u{fc}ller", "xn--mller-kva"), ("\u{e9}", "xn--9ca"), ("\u{1f600}", "xn--e28h"),
            (
                "\u{4ed6}\u{4eec}\u{4e3a}\u{4ec0}\u{4e48}\u{4e0d}\u{8bf4}\u{4e2d}\u{6587}",
                "xn--ihqwcrb4cv8a8dqg056pqjye"
            ),
            ("Pro\u{10d}prost\u{11b}nemluv\u{ed}\u{10d}esky", "xn--Proprostnemluvesky-uyb24dma41a"),
        ])
    func localParts(text: String, label: String) throws {
        #expect(try InternationalName.asciiLocalPart(ByteString(text)) == ByteString(label))
        #expect(try InternationalName.unicodeLocalPart(ByteString(label)) == ByteString(text))
    }

    @Test("Every text comes back from its A-label as it was")
    func roundTrips() throws {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<500 {
            var scalars = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 1...20, using: &random) {
                let value =
                    [
                        UInt32.random(in: 0x61...0x7A), .random(in: 0xA1...0x2FFF),
                        .random(in: 0x1_0000...0x10_FFFF),
                    ]
                    .randomElement(using: &random) ?? 0x61
                if let scalar = Unicode.Scalar(value) { scalars.append(scalar) }
            }
            scalars.append("\u{e9}")
            let text = ByteString(String(scalars))
            #expect(try InternationalName.unicodeLocalPart(InternationalName.asciiLocalPart(text)) == text)
        }
    }

    @Test("Whatever stands in an A-label, it is decoded or refused")
    func anyLabel() {
        var random = SeededGenerator(seed: 11)
        var refused = 0
        for _ in 0..<2000 {
            let octets = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                Array("abcxyz0189-AZ\u{7f}!".utf8).randomElement(using: &random) ?? 0
            }
            do {
                _ = try InternationalName.unicodeLocalPart("xn--\(ByteString(octets))")
            } catch {
                refused += 1
            }
        }
        #expect(refused > 100)
    }

    @Test("Domains follow IDNA2008: letters become small, what it does not allow is refused")
    func domains() throws {
        #expect(try InternationalName.asciiDomain("M\u{fc}ller.Example") == "xn--mller-kva.example")
        #expect(try InternationalName.asciiDomain("Plain.Example") == "Plain.Example")
        #expect(try InternationalName.unicodeDomain("xn--9ca.example") == "\u{e9}.example")
        #expect(throws: InternationalName.Trouble.self) {
            try InternationalName.asciiDomain("\u{1f600}.example")
        }
    }
}
