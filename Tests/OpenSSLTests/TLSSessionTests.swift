import Bytes
import OpenSSL
import TestKit
import Testing

@Suite("TLS sessions")
struct TLSSessionTests {
    /// Two ends that talk to each other in memory.
    private struct Pair: ~Copyable {
        var client: TLSSession
        var server: TLSSession
        var heard: TLSClientHello?
        var service = TLSSettings()
        var verification = TLSVerification.none
        var protocols: [ByteString] = []

        init(
            _ wishes: TLSClientWishes, trusting authority: ByteString? = nil,
            as own: TestAuthority.Identity? = nil
        )
            throws
        {
            var settings = TLSSettings()
            if let authority { settings.trust = .path(authority) }
            if let own { (settings.certificates, settings.privateKeys) = ([own.certificate], [own.key]) }
            let (asking, bare) = (try TLSContext(settings), try TLSContext(TLSSettings()))
            let client = try TLSSession(clientWith: asking, wishes)
            let server = try TLSSession(serverWith: bare)
            self.client = client
            self.server = server
        }

        /// Carries octets until both are done; `piece` is the most that goes at once.
        mutating func shakeHands(piece: Int = .max) throws {
            var (clientDone, serverDone) = (false, false)
            for _ in 0..<100_000 where !(clientDone && serverDone) {
                clientDone = try client.handshake() == .done
                Self.carry(client.takeOutput(), piece) { server.feed($0) }
                switch try server.handshake() {
                case .done: serverDone = true
                case .needsInput: break
                case .heardClient(let hello):
                    heard = hello
                    try server.serve(with: TLSContext(service), verification, protocols: protocols)
                }
                Self.carry(server.takeOutput(), piece) { client.feed($0) }
            }
            try #require(clientDone && serverDone)
        }

        private static func carry(_ octets: [UInt8], _ piece: Int, _ give: (ArraySlice<UInt8>) -> Void) {
            var rest = octets[...]
            while !rest.isEmpty {
                give(rest.prefix(piece))
                rest = rest.dropFirst(piece)
            }
        }

        /// What the server reads of what the client says.
        mutating func say(_ octets: ByteString) throws -> ByteString {
            try client.encrypt(octets.bytes[...])
            server.feed(client.takeOutput()[...])
            var all = ByteString()
            while case .octets(let part) = try server.decrypt() { all += part }
            return all
        }
    }

    @Test(
        "A server without certificate makes one, and a client that looks at none talks to it",
        arguments: [1, .max])
    func selfSigned(piece: Int) throws {
        var pair = try Pair(TLSClientWishes())
        pair.service.selfSignedName = "mail.example.org"
        try pair.shakeHands(piece: piece)
        let seen = try pair.client.negotiated()
        #expect(seen.version == "TLS1.3")
        #expect(seen.bits == 256)
        #expect(seen.peerDN == "/CN=mail.example.org")
        #expect(!seen.isVerified)
        #expect(seen.verifyError == nil)
        #expect(try pair.server.negotiated().ourCertificate == seen.chain.first)
        let long = ByteString([UInt8](repeating: 7, count: 100_000))
        #expect(try pair.say(long) == long)
        pair.client.close()
        pair.server.feed(pair.client.takeOutput()[...])
        #expect(try pair.server.decrypt() == .closed)
    }

    @Test("The server knows the name that a client wants before it chooses its certificate")
    func names() throws {
        let authority = try TestAuthority()
        let own = try authority.issue("one.example")
        var wishes = TLSClientWishes()
        wishes.serverName = "one.example"
        wishes.protocols = ["smtp"]
        wishes.verification = .required
        wishes.names = ["one.example"]
        var pair = try Pair(wishes, trusting: authority.certificate)
        pair.service.certificates = [own.certificate]
        pair.service.privateKeys = [own.key]
        pair.protocols = ["esmtp", "smtp"]
        try pair.shakeHands()
        #expect(pair.heard?.serverName == "one.example")
        #expect(pair.heard?.protocols == ["smtp"])
        let seen = try pair.client.negotiated()
        #expect(seen.isVerified)
        #expect(seen.chain.count == 2)
        #expect(seen.applicationProtocol == "smtp")
    }

    @Test("The chain that is sent is what the file has, whatever else is trusted", arguments: [false, true])
    func chainOfTheFile(isWhole: Bool) throws {
        let authority = try TestAuthority()
        let own = try authority.issue("one.example")
        if isWhole { try authority.append(to: "one.example") }
        var pair = try Pair(TLSClientWishes())
        pair.service.certificates = [own.certificate]
        pair.service.privateKeys = [own.key]
        pair.service.trust = .path(authority.certificate)
        try pair.shakeHands()
        #expect(try pair.client.negotiated().chain.count == (isWhole ? 2 : 1))
    }

    @Test("A client that offers another protocol than the server's, or several, is turned away")
    func protocols() throws {
        for (offered, isServed) in [(["smtp"], true), (["h2"], false), (["smtp", "h2"], false), ([], true)] {
            var wishes = TLSClientWishes()
            wishes.protocols = offered.map { ByteString($0) }
            var pair = try Pair(wishes)
            pair.service.selfSignedName = "mail.example.org"
            pair.protocols = ["smtp", "esmtp"]
            do {
                try pair.shakeHands()
                #expect(isServed)
            } catch let error as OpenSSLError {
                #expect(!isServed)
                #expect(error.reason.string.contains("no application protocol"))
            }
        }
    }

    @Test("A client's certificate is known to the server, good or not, where it is tried")
    func clientCertificates() throws {
        let (authority, stranger) = (try TestAuthority(), try TestAuthority(named: "Stranger"))
        for (own, isGood) in [(try authority.issue("joe"), true), (try stranger.issue("joe"), false)] {
            var pair = try Pair(TLSClientWishes(), as: own)
            pair.service.selfSignedName = "mail.example.org"
            pair.service.trust = .path(authority.certificate)
            pair.verification = .tried
            try pair.shakeHands()
            // In TLS 1.3 a client is done before the server has seen its certificate.
            _ = try pair.say("x")
            let seen = try pair.server.negotiated()
            #expect(seen.isVerified == isGood)
            #expect((seen.verifyError == nil) == isGood)
            #expect(seen.peerDN == "/O=Example/CN=joe")
        }
    }

    /// What makes a certificate unfit.
    enum Flaw: CaseIterable { case stranger, wrongName, expired }

    @Test(
        "A required certificate that is unfit makes no session; a tried one makes one that knows",
        arguments: Flaw.allCases)
    func unfit(flaw: Flaw) throws {
        let authority = try TestAuthority()
        let issuer = flaw == .stranger ? try TestAuthority(named: "Stranger") : authority
        let own = try issuer.issue(
            flaw == .wrongName ? "two.example" : "one.example", days: flaw == .expired ? -1 : 30)
        for verification in [TLSVerification.required, .tried] {
            var wishes = TLSClientWishes()
            wishes.verification = verification
            wishes.names = ["one.example"]
            var pair = try Pair(wishes, trusting: authority.certificate)
            pair.service.certificates = [own.certificate]
            pair.service.privateKeys = [own.key]
            do {
                try pair.shakeHands()
                #expect(verification == .tried)
                #expect(try !pair.client.negotiated().isVerified)
                #expect(try pair.client.negotiated().verifyError != nil)
            } catch let error as OpenSSLError {
                #expect(verification == .required)
                #expect(error.reason.string.contains("certificate verify failed"))
                #expect(pair.client.verifyError != nil)
            }
        }
    }

    @Test("A certificate that was renewed under its name is served; one that was not is read once")
    func renewed() throws {
        let (files, authority) = (try TemporaryDirectory(), try TestAuthority())
        let contexts = TLSContexts()
        var settings = TLSSettings()
        settings.certificates = [files.file("both.pem")]
        for host in ["one.example", "two.example"] {
            let own = try authority.issue(host)
            try files.write(readFile(own.certificate.string) + readFile(own.key.string), to: "both.pem")
            let context = try contexts.context(for: settings)
            #expect(try contexts.context(for: settings) === context)
            var pair = try Pair(TLSClientWishes())
            pair.service = settings
            try pair.shakeHands()
            #expect(try pair.client.negotiated().peerDN == "/O=Example/CN=\(host)")
        }
    }

    @Test("A setting that cannot be used is refused with its name")
    func refused() throws {
        let mistakes: [(WritableKeyPath<TLSSettings, ByteString?>, ByteString)] = [
            (\.ciphers, "NO-SUCH-CIPHER"), (\.groups, "no-group"), (\.dhParameters, "/nowhere/dh"),
            (\.revocationList, "/nowhere/crl"),
        ]
        for (key, value) in mistakes {
            var settings = TLSSettings()
            settings[keyPath: key] = value
            let error = #expect(throws: OpenSSLError.self) { try TLSContext(settings) }
            #expect(error?.operation.string.contains(value.string) == true)
        }
        var settings = TLSSettings()
        settings.certificates = ["/nowhere/crt"]
        #expect(throws: OpenSSLError.self) { try TLSContext(settings) }
        #expect(throws: TLSOptions.Mistake.self) { try TLSOptions("+no_tlsv1 no_ticket") }
        #expect(throws: TLSOptions.Mistake.self) { try TLSOptions("+no_such_thing") }
        settings = TLSSettings()
        settings.options = try TLSOptions("+no_tlsv1_3")
        settings.selfSignedName = "x"
        var pair = try Pair(TLSClientWishes())
        pair.service = settings
        try pair.shakeHands()
        #expect(try pair.client.negotiated().version == "TLS1.2")
    }

    @Test("Whatever a peer sends instead of a handshake makes an error, or waits for more")
    func strange() throws {
        var wishes = TLSClientWishes()
        wishes.serverName = "one.example"
        wishes.protocols = ["smtp"]
        var client = try TLSSession(clientWith: TLSContext(TLSSettings()), wishes)
        _ = try client.handshake()
        let hello = ByteString(client.takeOutput())
        let bare = try TLSContext(TLSSettings())
        var settings = TLSSettings()
        settings.selfSignedName = "x"
        let service = try TLSContext(settings)
        var random = SeededGenerator(seed: 20)
        var (refused, served) = (0, 0)
        for _ in 0..<2_000 {
            var server = try TLSSession(serverWith: bare)
            server.feed(hello.mutated(using: &random).bytes[...])
            do {
                guard case .heardClient = try server.handshake() else { continue }
                try server.serve(with: service, .none, protocols: ["smtp"])
                _ = try server.handshake()
                served += 1
            } catch { refused += 1 }
        }
        #expect(refused > 100)
        #expect(served > 100)
    }

    @Test("A first message that never ends is given up")
    func endless() throws {
        var server = try TLSSession(serverWith: TLSContext(TLSSettings()))
        // A handshake record that says it holds a longer message than the record.
        let record: [UInt8] =
            [22, 3, 1, 0x40, 0] + [1, 0xFF, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 16380)
        #expect(throws: OpenSSLError.self) {
            for _ in 0..<100 {
                server.feed(record[...])
                _ = try server.handshake()
            }
        }
    }
}
