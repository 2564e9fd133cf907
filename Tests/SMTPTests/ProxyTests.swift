import Bytes
import SMTP
import TestKit
import Testing

@Suite("What proxies say")
struct ProxyTests {
    private static let signature: ByteString = "\r\n\r\n\0\r\nQUIT\n"

    private static func block(_ kind: UInt8, _ family: UInt8, _ body: ByteString) -> ByteString {
        signature + ByteString([kind, family, UInt8(body.count >> 8), UInt8(body.count & 0xFF)]) + body
    }

    private static let ends = ByteString([192, 0, 2, 9, 198, 51, 100, 7, 0x0F, 0xA0, 0, 25])

    private static func client(_ source: String, _ target: String) -> ProxyHeader {
        .client(
            .init(IPAddress(ByteString(source)) ?? .v4(0), 4000),
            target: .init(IPAddress(ByteString(target)) ?? .v4(0), 25))
    }

    /// Whole headers and what they say.
    private static let whole: [(ByteString, ProxyHeader)] = [
        ("PROXY TCP4 192.0.2.9 198.51.100.7 4000 25\r\n", client("192.0.2.9", "198.51.100.7")),
        ("PROXY TCP6 2001:db8::9 2001:db8::25 4000 25\r\n", client("2001:db8::9", "2001:db8::25")),
        ("PROXY TCP6 ::ffff:192.0.2.9 ::ffff:192.0.2.8 4000 25\r\n", client("192.0.2.9", "192.0.2.8")),
        ("PROXY UNKNOWN\r\n", .proxyItself), ("PROXY UNKNOWN a b\r\n", .proxyItself),
        (block(0x21, 0x11, ends), client("192.0.2.9", "198.51.100.7")),
        (block(0x21, 0x11, ends + "\u{3}\0\u{4}abcd"), client("192.0.2.9", "198.51.100.7")),
        (
            block(
                0x21, 0x21,
                ByteString(
                    [0x20, 1, 0xD, 0xB8] + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9] + [0x20, 1, 0xD, 0xB8]
                        + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x25, 0x0F, 0xA0, 0, 25])),
            client("2001:db8::9", "2001:db8::25")
        ),
        (block(0x20, 0, ""), .proxyItself), (block(0x20, 0x11, ends), .proxyItself),
    ]

    @Test("A header is read wherever the pieces are cut, and not an octet beyond it", arguments: whole)
    func headers(octets: ByteString, header: ProxyHeader) {
        for count in 0..<octets.count { #expect(ProxyHeader.read(octets[..<count]) == .needsMore) }
        for rest in ["", "EHLO x\r\n"] as [ByteString] {
            #expect(ProxyHeader.read(octets + rest) == .header(header, length: octets.count))
        }
    }

    @Test(
        "What is no header says for nobody that he is somebody",
        arguments: [
            ("EHLO x\r\n", 0), ("proxy TCP4 192.0.2.9 198.51.100.7 4000 25\r\n", 0), ("PROXX", 0),
            ("PROXY TCP4 192.0.2.9 198.51.100.7 4000 25\n", 42), ("PROXY \r\n", 8),
            ("PROXY TCP4 192.0.2.9 198.51.100.7 4000\r\n", 40),
            ("PROXY TCP4 192.0.2.9 198.51.100.7 4000 25 \r\n", 44),
            ("PROXY TCP4 192.0.2.9 198.51.100.7 04000 25\r\n", 44),
            ("PROXY TCP4 192.0.2.9 198.51.100.7 65536 25\r\n", 44),
            ("PROXY TCP6 192.0.2.9 198.51.100.7 4000 25\r\n", 43),
            ("PROXY TCP4 2001:db8::9 198.51.100.7 4000 25\r\n", 45),
            ("PROXY TCP4 192.0.2.9 host 4000 25\r\n", 35),
            (ByteString(repeating: 0x50, count: 1), -1),
            ("PROXY TCP6 " + ByteString(repeating: 0x31, count: 96), 107),
            (block(0x21, 0, ""), 16), (block(0x21, 0x12, ends), 28), (block(0x21, 0x31, ends), 28),
            (block(0x21, 0x21, ends), 28), (block(0x21, 0x11, "short"), 21), (block(0x11, 0x11, ends), 28),
            (block(0x31, 0x11, ends), 28), (block(0x22, 0x11, ends), 28),
            (signature + "\u{21}\u{11}" + ByteString([0x10, 1]), 16),
            ("\r\n\r\n\0\r\nQUIX", 0),
        ] as [(ByteString, Int)])
    func malformed(octets: ByteString, length: Int) {
        #expect(ProxyHeader.read(octets) == (length < 0 ? .needsMore : .malformed(length: length)))
    }

    @Test("Whatever is sent is read or refused within its length")
    func mutations() {
        var random = SeededGenerator(seed: 21)
        for _ in 0..<20_000 {
            guard let seed = Self.whole.randomElement(using: &random)?.0 else { return }
            let octets = seed.mutated(using: &random)
            switch ProxyHeader.read(octets) {
            case .header(_, let length): #expect(length <= octets.count)
            case .malformed(let length):
                // A block may have been announced of which not all is there: then more is needed, and it is no failure.
                #expect(length <= octets.count)
            case .needsMore: #expect(octets.count < 16 + ProxyHeader.longestBlock)
            }
        }
    }

    // MARK: SOCKS

    private static let joe = SOCKSDialogue.Credentials(name: "joe", password: "secret")
    private static let host = IPAddress.v4(0x7F00_0102)

    /// Holds a dialogue with a proxy that says these octets, so many at a time; gives what it heard and what came of it.
    private static func hold(
        _ answers: ByteString, as credentials: SOCKSDialogue.Credentials?, piece: Int
    ) -> (said: ByteString, end: Result<SOCKSDialogue.Step, SOCKSDialogue.Failure>, used: Int) {
        var dialogue = SOCKSDialogue(to: host, port: 25, as: credentials)
        var said = dialogue.opening
        var used = 0
        do throws(SOCKSDialogue.Failure) {
            while used < answers.count {
                let octets = answers[used..<min(used + min(piece, dialogue.missing), answers.count)]
                used += octets.count
                switch try dialogue.take(octets) {
                case .wait: break
                case .send(let octets): said += octets
                case .connected(let address, let port):
                    return (said, .success(.connected(address, port: port)), used)
                }
            }
            return (said, .success(.wait(dialogue.missing)), used)
        } catch {
            return (said, .failure(error), used)
        }
    }

    @Test(
        "SOC-12: the dialogue is that of RFC 1928 and 1929, however the answers are cut, and takes no octet of the server's",
        arguments: [1, 2, 3, 100])
    func dialogues(piece: Int) {
        let reached = ByteString([5, 0, 0, 1, 127, 0, 0, 9, 0x1F, 0x90])
        let request = ByteString([5, 1, 0, 1, 127, 0, 1, 2, 0, 25])
        let plain = Self.hold("\u{5}\0" + reached + "220 hi", as: nil, piece: piece)
        #expect(plain.said == ByteString([5, 1, 0]) + request)
        #expect(plain.end == .success(.connected(.v4(0x7F00_0009), port: 8080)))
        #expect(plain.used == 12)
        let named = Self.hold("\u{5}\u{2}\u{1}\0" + reached, as: Self.joe, piece: piece)
        #expect(named.said == ByteString([5, 1, 2]) + "\u{1}\u{3}joe\u{6}secret" + request)
        #expect(named.end == .success(.connected(.v4(0x7F00_0009), port: 8080)))
        let byName = Self.hold("\u{5}\0\u{5}\0\0\u{3}\u{4}host\u{1f}\0220", as: nil, piece: piece)
        #expect(byName.end == .success(.connected(nil, port: 0x1F00)))
        #expect(byName.used == 13)
        let sixth = ByteString([5, 0, 5, 0, 0, 4] + [UInt8](repeating: 0, count: 15) + [1, 0, 25])
        #expect(Self.hold(sixth + "220", as: nil, piece: piece).end == .success(.connected(.v6(1), port: 25)))
        #expect(Self.hold(sixth + "220", as: nil, piece: piece).used == 24)
    }

    @Test("A proxy that will not, or says something else, is understood")
    func refusals() {
        func failure(
            _ answers: [UInt8], _ credentials: SOCKSDialogue.Credentials? = nil
        ) -> SOCKSDialogue.Failure? {
            guard case .failure(let failure) = Self.hold(ByteString(answers), as: credentials, piece: 1).end
            else {
                return nil
            }
            return failure
        }
        #expect(failure([5, 255]) == .method(255))
        #expect(failure([5, 2]) == .method(2))
        #expect(failure([4]) == .malformed)
        #expect(failure([5, 2, 1, 1], Self.joe) == .notAuthenticated)
        #expect(failure([5, 2, 5], Self.joe) == .notAuthenticated)
        for code in UInt8(1)...255 { #expect(failure([5, 0, 5, code]) == .refused(code)) }
        #expect(failure([5, 0, 4]) == .malformed)
        #expect(failure([5, 0, 5, 0, 0, 7]) == .malformed)
    }

    @Test("Whatever a proxy says, the dialogue ends or waits for more")
    func dialogueMutations() {
        var random = SeededGenerator(seed: 22)
        let seeds: [ByteString] = [
            ByteString([5, 2, 1, 0, 5, 0, 0, 1, 127, 0, 0, 9, 0x1F, 0x90]),
            ByteString([5, 0, 5, 0, 0, 3, 255] + [UInt8](repeating: 65, count: 257)),
        ]
        for _ in 0..<20_000 {
            guard let seed = seeds.randomElement(using: &random) else { return }
            let outcome = Self.hold(
                seed.mutated(using: &random), as: Self.joe, piece: .random(in: 1...300, using: &random))
            if case .success(.wait(let missing)) = outcome.end { #expect((1...260).contains(missing)) }
        }
    }

    @Test("A name or password that cannot be said is none")
    func credentials() {
        let long = ByteString(repeating: 0x61, count: 256)
        #expect(SOCKSDialogue.Credentials(name: long, password: "") == nil)
        #expect(SOCKSDialogue.Credentials(name: "", password: long) == nil)
        #expect(SOCKSDialogue.Credentials(name: ByteString(long[..<255]), password: "") != nil)
    }
}
