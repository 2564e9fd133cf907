import Bytes
import MailText
import TestKit
import Testing

struct AddressCase: CustomTestStringConvertible, Sendable {
    let text: ByteString
    let reply: ByteString
    var testDescription: String { text.string }

    static func read(_ name: String) -> [AddressCase] {
        fixture(name).split(separator: .newline).compactMap { line in
            // Address and reply may hold tabs themselves, but only a reply begins so.
            let mark = line.firstRange(of: ByteString("\t50")) ?? line.firstRange(of: ByteString("\t55"))
            guard let mark else { return nil }
            return AddressCase(
                text: ByteString(line[..<mark.lowerBound]), reply: ByteString(line[(mark.lowerBound + 1)...]))
        }
    }
}

@Suite("Addresses")
struct AddressTests {
    // Exim's MAIL takes white space off both ends, qualifies, and answers with `550 [address]` or with its
    // words.
    private func answer(to text: ByteString, _ rules: AddressRules) -> ByteString {
        let text = ByteString(text.trimmed())
        do {
            let found = try AddressParser.parseOne(text, rules: rules)
            return "550 [\(found.address.qualified(with: "example.org").text)]"
        } catch {
            return "501 \(error.subject): \(error.message)"
        }
    }

    @Test(
        "MAIL's address is taken or refused in Exim's words",
        arguments: AddressCase.read("exim-addresses.txt"))
    func asExim(sample: AddressCase) {
        #expect(answer(to: sample.text, AddressRules(allowsNull: true)) == sample.reply)
    }

    @Test(
        "With the lenient options MAIL's address is taken or refused in Exim's words",
        arguments: AddressCase.read("exim-addresses-lenient.txt"))
    func asLenientExim(sample: AddressCase) {
        let rules = AddressRules(
            allowsNull: true, allowsDomainLiterals: true, stripsExcessAngleBrackets: true,
            stripsTrailingDot: true, allowsUTF8Domains: true)
        #expect(answer(to: sample.text, rules) == sample.reply)
    }

    @Test(
        "A list gives the addresses that Exim's ${addresses:} gives",
        arguments: [
            ("a@b, \"x y\" <c@d>, G: e@f, <g@h>;", ["a@b", "c@d", "e@f", "g@h"]),
            ("@x,@y:a@b, c@d", ["a@b", "c@d"]),
            ("G: a, b; H: c;", ["a", "b", "c"]),
            (", ,a@b,,", ["a@b"]),
            ("a@b, bad bad, c@d", ["a@b", "c@d"]),
            ("Foo: <a@b>", ["a@b"]),
            ("\"A:B\" <a@b>", ["a@b"]),
            ("G:;", []),
            ("(c, d) a@b", ["a@b"]),
            ("<@x,@y:a@b>, \"a,b\"@c", ["a@b", "\"a,b\"@c"]),
        ] as [(ByteString, [ByteString])])
    func lists(text: ByteString, expected: [ByteString]) throws {
        let items = AddressParser.parseList(text)
        let found = items.compactMap { item in
            if case .success(let parsed) = item.outcome { parsed.address.text } else { nil }
        }
        #expect(found == expected)
    }

    @Test("The place of an address lets it be rewritten in its line")
    func places() throws {
        let text: ByteString = "Joe <a@b> (x), (y) c . d @ e , \"f\"@g"
        var rewritten = text
        for item in AddressParser.parseList(text).reversed() {
            guard case .success(let found) = item.outcome else { continue }
            rewritten.replaceSubrange(found.place, with: ByteString("NEW"))
        }
        #expect(rewritten == "Joe <NEW> (x), (y) NEW , NEW")
    }

    @Test("The last @ outside quotes parts local part and domain")
    func parts() {
        #expect(EmailAddress("\"a@b\"@c").localPart == "\"a@b\"")
        #expect(EmailAddress("\"a@b\"@c").domain == "c")
        #expect(EmailAddress("a").domain == "")
        #expect(EmailAddress("a").qualified(with: "d").text == "a@d")
        #expect(EmailAddress.null.qualified(with: "d").isNull)
        #expect(EmailAddress("A@B").withLowercasedDomain.text == "A@b")
    }

    @Test("Any octets give an address, an error, or items whose places are inside the text")
    func fuzz() {
        var random = SeededGenerator(seed: 1)
        let seeds = AddressCase.read("exim-addresses.txt").map(\.text)
        let alphabet: ByteString = "<>@,:;\"\\()[]. a\u{7}\t\n\u{E9}"
        for round in 0..<20_000 {
            let text = seeds[round % seeds.count].mutated(alphabet: alphabet, using: &random)
            let rules = AddressRules(
                allowsNull: round & 1 == 0, allowsDomainLiterals: round & 2 == 0,
                stripsExcessAngleBrackets: round & 4 == 0, stripsTrailingDot: round & 8 == 0)
            if let found = try? AddressParser.parseOne(text, rules: rules) {
                #expect(found.place.upperBound <= text.count)
            }
            for item in AddressParser.parseList(text, rules: rules) {
                #expect(item.source.upperBound <= text.count)
            }
        }
    }
}
