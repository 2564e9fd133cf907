import Bytes
import TestKit
import Testing

@Suite("Bytes")
struct BytesTests {
    @Test("Base 62 keeps order and round-trips")
    func base62() {
        #expect(Base62.encode(1_795_244_867, width: 6) == "1xUfCN")
        #expect(Base62.decode(ByteString("1xUfCN")) == 1_795_244_867)
        #expect(Base62.decode(ByteString("1xUf-N")) == nil)
        #expect(Base62.decode(ByteString("zzzzzzzzzzzz")) == nil)
        #expect(Base62.encode(61, width: 1) > Base62.encode(10, width: 1))
    }

    @Test("Every octet string survives base 64, hex and xtext", arguments: 0..<64)
    func roundTrips(length: Int) {
        var random = SystemRandomNumberGenerator()
        let octets = ByteString((0..<length).map { _ in UInt8.random(in: 0...255, using: &random) })
        #expect(Base64.decode(Base64.encode(octets)) == octets)
        #expect(Hex.decode(Hex.encode(octets)) == octets)
        #expect(XText.decode(XText.encode(octets)) == octets)
    }

    @Test("Malformed encodings are refused", arguments: ["A", "AA", "AAA", "AA=A", "A===", "A*=="])
    func refused(text: String) {
        #expect(Base64.decode(ByteString(text)) == nil)
    }

    @Test("xtext refuses what it may not contain", arguments: ["a+4", "a+GG", "a=b", "a b", "é"])
    func refusedXText(text: String) {
        #expect(XText.decode(ByteString(text)) == nil)
    }

    @Test("Decimal numbers are whole or nothing")
    func decimals() {
        #expect(ByteString("-42").decimalInteger() == -42)
        #expect(ByteString("9223372036854775807").decimalInteger() == .max)
        #expect(ByteString("-9223372036854775808").decimalInteger() == .min)
        #expect(ByteString("9223372036854775808").decimalInteger() == nil)
        for bad in ["", "-", "4x", " 4"] as [ByteString] { #expect(bad.decimalInteger() == nil) }
    }

    @Test("Searching, cutting and trimming")
    func searching() {
        let text: ByteString = "one: two: three"
        #expect(text.firstRange(of: ByteString(": ")) == 3..<5)
        #expect(text.firstRange(of: ByteString("TWO"), ignoringCase: true) == 5..<8)
        #expect(text.replacing(ByteString(": "), with: ByteString("-")) == "one-two-three")
        #expect(ByteString("  x \n").trimmed().elementsEqual(ByteString("x")))
        #expect(text.cutAtLast(UInt8(ascii: ":")).map { ByteString($0.after) } == " three")
        #expect(text.ends(with: ByteString("three")))
        #expect(ByteString("n=\(5, zeroPadded: 3) \(7, width: 3)") == "n=005   7")
    }

    @Test(
        "A search finds what comparing at each place finds, with and without regard to case",
        arguments: 0..<200)
    func searchesEverywhere(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let alphabet = Array("aAbB\u{0}é".utf8)
        func octets(_ most: Int) -> [UInt8] {
            (0..<Int.random(in: 0...most, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
        }
        let (text, needle) = (octets(30), octets(3))
        let start = Int.random(in: 0...text.count, using: &random)
        for ignoresCase in [false, true] {
            let naive = (start...text.count).first { place in
                let window = text[place...].prefix(needle.count)
                return ignoresCase
                    ? window.equalsIgnoringCase(needle) : window.elementsEqual(needle)
            }
            let found = ByteString(text).firstRange(of: needle, from: start, ignoringCase: ignoresCase)
            #expect(found == naive.map { $0..<($0 + needle.count) })
            #expect(text[start...].firstRange(of: ByteString(needle), ignoringCase: ignoresCase) == found)
            #expect(text[start...].contains(needle, ignoringCase: ignoresCase) == (naive != nil))
        }
    }

    @Test("A literal is equal to its octets only, in switches too")
    func literals() {
        let texts: [ByteString] = ["", "word", "Word", "words", "wor", "wörd", "x"]
        for text in texts {
            let number =
                switch text {
                case "": 0
                case "word": 1
                case "wörd": 5
                case "x": 6
                default: -1
                }
            #expect(
                number == -1
                    ? !["", "word", "wörd", "x"].contains(text) : texts[number == 1 ? 1 : number] == text)
            #expect((text == "word") == (text.bytes == Array("word".utf8)))
            #expect((text != "x") == (text.bytes != Array("x".utf8)))
            #expect((text == "\u{78}") == (text == ByteString("x")))
        }
    }

    @Test("Octets that do not print are shown; others stay")
    func unprintable() {
        #expect((0...255).allSatisfy { ByteString([$0]).escapingUnprintable().allSatisfy(\.isASCIIPrinting) })
        #expect(
            ByteString([9, 10, 13, 8, 11, 12, 0, 127, 255]).escapingUnprintable()
                == "\\t\\n\\r\\b\\v\\f\\000\\177\\377")
        #expect(ByteString("a\\é\t").escapingUnprintable(topBitPrints: true, tabPrints: true) == "a\\é\t")
    }

    @Test("Joining taints never launders")
    func taints() {
        #expect(Taint.clean.joined(with: .tainted) == .tainted)
        #expect(Taint.quoted(for: "sqlite").joined(with: .clean) == .quoted(for: "sqlite"))
        #expect(Taint.quoted(for: "sqlite").joined(with: .quoted(for: "pgsql")) == .tainted)
        #expect(Taint.quoted(for: "sqlite").joined(with: .tainted) == .tainted)
    }
}
