import Bytes
import Configuration
import Expansion
import TestKit
import Testing

@Suite("Configuration: sections")
struct SectionTests {
    private static let text: ByteString = """
        domainlist local = a.example : b.example
        hostlist relay = 10.0.0.0/8
        begin acl
        rcpt:
          accept  hosts = :
          deny    !domains = +local
                  set acl_m_why = no relay
                  message = relay not permitted
        begin routers
        one:
          driver = redirect
          data = ${lookup{$local_part}lsearch{/etc/aliases}}
          condition = a
          condition = b
          no_verify
        two:
          driver = accept
          transport = t
        begin transports
        t:
          driver = appendfile
          file = /var/mail/$local_part
          mode = 0660
        begin retry
        *.example  refused_MX  senders=\"a@b : c@d\"  F,2h,15m; G,16h,1h,1.5
        *          *           F,4d,6h
        begin rewrite
        *@old.example  $1@new.example  Ffr
        """

    @Test("Named lists, ACLs, drivers, retry and rewrite rules come out as they went in")
    func sections() throws {
        let configuration = try Configuration.read(text: Self.text, file: "test.conf")
        #expect(configuration.namedLists.domain["local"]?.source == "a.example : b.example")
        let statements = try #require(configuration.acls["rcpt"]?.statements)
        #expect(statements.map(\.verb) == [.accept, .deny])
        #expect(statements[1].clauses.map(\.name) == ["domains", "set", "message"])
        #expect(statements[1].clauses[0].isNegated)
        #expect(statements[1].clauses[1].variable == "m_why")
        #expect(configuration.routers.map(\.name) == ["one", "two"])
        #expect(configuration.routers[0].flag("verify") == false)
        #expect(configuration.transports["t"]?.number("mode") == 0o660)
        #expect(configuration.retryRules[0].error == "refused_MX")
        #expect(configuration.retryRules[0].senders?.source == "a@b : c@d")
        #expect(configuration.retryRules[0].steps.map(\.factorThousandths) == [1000, 1500])
        #expect(configuration.retryRules[0].steps.map(\.cutoff) == [7200, 57600])
        #expect(configuration.rewriteRules[0].flags == "Ffr")
    }

    @Test("The built-in configuration has nothing in it that is not honoured")
    func builtIn() throws {
        let configuration = try Configuration.read(
            text: Configuration.builtInText(directory: "/tmp/x"), file: "")
        #expect(configuration.notices.isEmpty)
        #expect(configuration.acls["acl_check_rcpt"]?.statements.isEmpty == false)
    }

    @Test(
        "Intervals are written and read as Exim does",
        arguments: [
            ("1w2d3h4m5s", 788_645), ("0s", 0), ("90m", 5400),
        ] as [(ByteString, Int64)])
    func intervals(text: ByteString, seconds: Int64) {
        #expect(EximInterval.parse(text) == seconds)
        #expect(EximInterval.parse(EximInterval.format(seconds)) == seconds)
    }

    @Test("Mutated configurations are read or refused, never worse", arguments: 0..<400)
    func fuzz(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var octets = (seed.isMultiple(of: 2) ? Self.text : Configuration.builtInText(directory: "/tmp/x"))
            .bytes
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let place = Int.random(in: 0..<octets.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: octets[place] = UInt8.random(in: 0...255, using: &random)
            case 1: octets.remove(at: place)
            default: octets.insert(contentsOf: octets[place..<min(place + 20, octets.count)], at: place)
            }
        }
        do {
            _ = try Configuration.read(text: ByteString(octets), file: "fuzz.conf")
        } catch {
            #expect(!error.problem.isEmpty)
        }
    }
}
