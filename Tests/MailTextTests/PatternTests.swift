import Bytes
import MailText
import Testing

@Suite("Regular expressions")
struct PatternTests {
    @Test("Captures are ranges; a parenthesis without part is nil")
    func captures() throws {
        let pattern = try PCRE2Pattern.compile("(\\w+)@(x)?(\\w+)", caseless: true)
        let subject: ByteString = "to Joe@Example now"
        let match = try #require(try pattern.firstMatch(in: subject))
        #expect(match.captures == [3..<14, 3..<6, nil, 7..<14])
        #expect(match.octets(of: 3, in: subject).map { ByteString($0) } == "Example")
        #expect(try pattern.firstMatch(in: subject, from: 10) == nil)
        #expect(try pattern.matches("nothing") == false)
    }

    @Test("A wrong pattern tells what and where")
    func wrong() {
        #expect(
            throws: PatternError.invalid(message: "missing closing parenthesis", offset: 2, pattern: "(a")
        ) {
            _ = try PCRE2Pattern.compile("(a")
        }
    }

    @Test("A hostile subject is given up, not endless")
    func hostile() throws {
        let pattern = try PCRE2Pattern.compile("(a+)+$")
        let subject = ByteString(repeatElement(UInt8(ascii: "a"), count: 64)) + ByteString("b")
        #expect(throws: PatternError.self) { try pattern.firstMatch(in: subject) }
    }

    @Test("One pattern serves many tasks at once")
    func tasks() async throws {
        let pattern = try PCRE2Pattern.compile("b+")
        let count = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 {
                group.addTask { (try? pattern.firstMatch(in: "aabbb"))??.whole == 2..<5 }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(count == 50)
    }

    @Test("Octets that are no UTF-8 match as octets")
    func octets() throws {
        let pattern = try PCRE2Pattern.compile("\\xE9$")
        #expect(try pattern.matches(ByteString([0x61, 0xE9])))
    }
}
