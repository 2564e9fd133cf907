import ACL
import Bytes
import Configuration
import Expansion
import TestKit
import Testing

@Suite("ACL: authenticators")
struct AuthenticationTests {
    private static let text: ByteString = """
        begin authenticators
        plain:
          driver = plaintext
          public_name = PLAIN
          server_prompts = : two
          server_condition = ${if eq{$auth2}{user}{${if eq{$auth3}{secret}{yes}{$auth4}}}{no}}
          server_set_id = $auth1$auth2
        cram:
          driver = cram_md5
          public_name = CRAM-MD5
          server_secret = ${if eq{$auth1}{user}{secret}fail}
        ext:
          driver = external
          server_param2 = $auth1
          server_param3 = ${if !eq{$auth2}{forced}{third}fail}
          server_condition = ${if eq{$auth1 $auth3}{me third}}

        """

    private static func authenticators() throws -> [ServerAuthenticator] {
        let configuration = try Configuration.read(text: text, file: "/test.conf")
        return configuration.authenticators.compactMap { ServerAuthenticator($0) }
    }

    /// Holds an exchange; the last answer is given again and again, up to a bound that no client reaches.
    private static func verdict(
        _ authenticator: ServerAuthenticator, _ initial: ByteString?, _ answers: [ByteString]
    ) async -> AuthenticationVerdict? {
        var exchange = AuthenticationExchange(authenticator, Expander(Environment()), Facts())
        var step = await exchange.begin(initial)
        var answers = answers[...]
        for _ in 0..<10 {
            switch step {
            case .decided(let verdict): return verdict
            case .ask(let challenge):
                #expect(Base64.decode(challenge) != nil)
                step = await exchange.take(answers.popFirst() ?? "")
            }
        }
        return nil
    }

    @Test(
        "Whatever a client says, it is authenticated with the right words only",
        arguments: [1, 2, 3, 4] as [UInt64])
    func anyOctets(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let words: [ByteString] = [
            "user", "secret", "", "me", "forced", "\0", "\0user\0", "user ", "*", "\n", "\u{FF}", "wrong",
        ]
        func octets() -> ByteString {
            let count = Int.random(in: 0...4, using: &generator)
            return (0..<count).reduce(into: ByteString()) { text, _ in
                text += words.randomElement(using: &generator) ?? ""
            }
        }
        func line() -> ByteString {
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: "*"
            case 1: "="
            case 2: octets()
            default: Base64.encode(octets())
            }
        }
        for authenticator in try Self.authenticators() {
            for _ in 0..<200 {
                let initial = Bool.random(using: &generator) ? nil : line()
                let answers = (0..<3).map { _ in line() }
                let verdict = try #require(await Self.verdict(authenticator, initial, answers))
                guard verdict.outcome == .succeeded else { continue }
                let said = ([initial].compactMap { $0 } + answers).map { Base64.decode($0) ?? "" }
                let needed: ByteString = authenticator.name == "ext" ? "me" : "secret"
                #expect(
                    authenticator.name != "cram" && said.contains { $0.contains(needed) },
                    "\(authenticator.name) \(said)")
            }
        }
    }

    @Test("Each challenge is another one, and a wrong digest is refused")
    func challenges() async throws {
        let cram = try #require(try Self.authenticators().first { $0.name == "cram" })
        var exchange = AuthenticationExchange(cram, Expander(Environment()), Facts())
        guard case .ask(let challenge) = await exchange.begin(nil) else {
            Issue.record("no challenge")
            return
        }
        var other = AuthenticationExchange(cram, Expander(Environment()), Facts())
        guard case .ask(let another) = await other.begin(nil) else { return }
        #expect(challenge != another)
        guard
            case .decided(let verdict) = await exchange.take(
                Base64.encode("user \(ByteString(repeating: 0x30, count: 32))" as ByteString))
        else { return }
        #expect(verdict.outcome == .failed)
    }

    @Test("Two servers of one mechanism, and one without a name, are refused")
    func twins() {
        for wrong in [
            Self.text
                + ByteString(
                    "again:\n  driver = plaintext\n  public_name = plain\n  server_condition = yes\n"),
            "begin authenticators\na:\n  driver = cram_md5\n  server_secret = x\n",
            "begin authenticators\na:\n  driver = spa\n  public_name = NTLM\n",
        ] as [ByteString] {
            #expect(throws: ConfigurationError.self) {
                try Configuration.read(text: wrong, file: "/test.conf")
            }
        }
    }
}
