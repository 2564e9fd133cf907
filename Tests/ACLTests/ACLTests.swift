import ACL
import Bytes
import Configuration
import EximLog
import Expansion
import Testing

/// Takes `good@...` for deliverable, `later@...` for undecided, all else for unknown.
private struct TableVerifier: AddressVerifier {
    func verify(
        _ address: ByteString, _ order: VerificationOrder, _ facts: Facts
    ) async -> AddressVerification {
        if address.starts(with: ByteString("good@")) { return .accepted(addressData: nil) }
        if address.starts(with: ByteString("later@")) { return .deferred(said: nil, logged: "try later") }
        return .failed(said: nil, logged: "Unrouteable address")
    }
}

@Suite("ACL")
struct ACLTests {
    private func run(
        _ acl: ByteString, recipient: ByteString = "u@ok.example", sender: ByteString = "s@x.example",
        address: IPAddress? = IPAddress(ByteString("10.1.2.3"))
    ) async throws -> (ACLVerdict, ACLState) {
        let text: ByteString = "domainlist local = ok.example\nacl_smtp_rcpt = a\nbegin acl\na:\n\(acl)\n"
        let configuration = try Configuration.read(text: text, file: "test.conf")
        var environment = Environment()
        environment.namedLists = configuration.namedLists
        let evaluator = ACLEvaluator(
            configuration, expander: Expander(environment), verifier: TableVerifier())
        var facts = Facts()
        facts.connection.remoteAddress = address
        facts.message.sender = sender
        let parts = recipient.cutAtLast(UInt8(ascii: "@")) ?? (recipient[...], [])
        facts.address.localPart = TaintedBytes(ByteString(parts.before), .tainted)
        facts.address.domain = TaintedBytes(ByteString(parts.after), .tainted)
        var state = ACLState(facts: facts, recipient: recipient)
        let option = try #require(configuration.main.template("acl_smtp_rcpt"))
        return (await evaluator.run(option, at: .rcpt, &state), state)
    }

    @Test(
        "The first statement that decides decides; the end denies",
        arguments: [
            ("  accept", .accept),
            ("  deny", .deny),
            ("  defer", .defer),
            ("  drop", .drop),
            ("  discard", .discard),
            ("  warn", .deny),
            ("  accept condition = no", .deny),
            ("  accept domains = +local", .accept),
            ("  deny !domains = +local\n  accept", .accept),
            ("  deny domains = +local\n  accept", .deny),
            ("  accept hosts = 10.0.0.0/8", .accept),
            ("  accept hosts = :", .deny),
            ("  accept senders = *@x.example", .accept),
            ("  accept sender_domains = x.example", .accept),
            ("  accept senders = :", .deny),
            ("  accept recipients = u@ok.example", .accept),
            ("  accept local_parts = ^u\\$", .accept),
            ("  require domains = elsewhere\n  accept", .deny),
            ("  require domains = +local\n  accept", .accept),
            ("  accept domains = +local\n         endpass\n         condition = no\n  accept", .deny),
            ("  accept endpass\n         domains = elsewhere\n  accept", .deny),
            ("  accept domains = elsewhere\n         endpass\n  accept", .accept),
        ] as [(ByteString, ACLVerdict.Decision)])
    func decisions(acl: ByteString, decision: ACLVerdict.Decision) async throws {
        #expect(try await run(acl).0.decision == decision, "\(acl)")
    }

    @Test("A local caller is the empty item of a host list")
    func localCaller() async throws {
        #expect(try await run("  accept hosts = :", address: nil).0.decision == .accept)
    }

    @Test("message goes to the client, log_message to the log, and the one stands in for the other")
    func messages() async throws {
        let both = try await run("  deny message = no $domain\n       log_message = why").0
        #expect(both.message == "no ok.example")
        #expect(both.logMessage == "why")
        let one = try await run("  deny message = no").0
        #expect(one.logMessage == "no")
        let none = try await run("  deny").0
        #expect(none.message == nil && none.logMessage == nil)
    }

    @Test(
        "AUX-11: set keeps a value for later statements, also by the older spelling with a dollar sign",
        arguments: [
            "  warn set acl_m_x = $local_part\n  deny message = $acl_m_x",
            "  warn set $acl_m_x = $local_part\n  deny message = $acl_m_x",
            "  warn set acl_c0 = u\n  deny message = $acl_c0",
        ] as [ByteString])
    func variables(acl: ByteString) async throws {
        #expect(try await run(acl).0.message == "u")
    }

    @Test("AUX-12: add_header, logwrite and log_message leave what they say")
    func modifiers() async throws {
        let (_, state) = try await run(
            "  warn add_header = X-A: 1\n       logwrite = seen $domain\n       log_message = careful\n  accept"
        )
        #expect(state.addedHeaders.map(\.text) == ["X-A: 1\n"])
        #expect(state.logLines.map(\.text) == ["seen ok.example", "Warning: careful"])
        #expect(state.logLines.map(\.namesPeer) == [false, true])
    }

    @Test("Header lines are cut, named, and put where they ask to be")
    func headers() async throws {
        let (_, state) = try await run(
            "  warn add_header = :at_start:X-A: 1\\n X-B: 2\n       add_header = no name here\n  accept")
        #expect(state.addedHeaders.first?.place == .start)
        #expect(state.addedHeaders.last?.text == "X-ACL-Warn: no name here\n")
    }

    @Test(
        "verify = recipient asks the router; trouble defers unless defer_ok",
        arguments: [
            ("good@ok.example", "  accept verify = recipient", .accept),
            ("bad@ok.example", "  accept verify = recipient", .deny),
            ("later@ok.example", "  accept verify = recipient", .defer),
            ("later@ok.example", "  accept verify = recipient/defer_ok", .accept),
            ("bad@ok.example", "  deny !verify = recipient\n  accept", .deny),
        ] as [(ByteString, ByteString, ACLVerdict.Decision)])
    func verification(recipient: ByteString, acl: ByteString, decision: ACLVerdict.Decision) async throws {
        #expect(try await run(acl, recipient: recipient).0.decision == decision)
    }

    @Test("An ACL that calls itself comes to an end, and defers")
    func loop() async throws {
        #expect(try await run("  accept acl = a").0.decision == .defer)
    }

    @Test(
        "A condition that cannot be expanded defers, whatever the verb is",
        arguments: ["accept", "deny", "warn"])
    func trouble(verb: String) async throws {
        let text: ByteString = "  \(ByteString(verb)) condition = ${if nonsense}\n  accept"
        #expect(try await run(text).0.decision == .defer)
    }

    @Test("A warn whose condition cannot be told now is passed over, with a line for acl_warn_skipped")
    func passedOver() async throws {
        let (verdict, state) = try await run(
            "  warn verify = recipient\n  accept", recipient: "later@ok.example")
        #expect(verdict.decision == .accept)
        #expect(state.logLines.map(\.item) == [.aclWarnSkipped])
    }

    @Test("A forced failure leaves a condition out")
    func forcedFailure() async throws {
        #expect(try await run("  accept condition = ${if eq{a}{b}{1}fail}").0.decision == .accept)
    }
}
