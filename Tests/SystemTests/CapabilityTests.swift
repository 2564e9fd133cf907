import Bytes
import TestKit
import Testing

/// What is built in, as `-bV` and predefined macros say it and as it works.
@Suite("What is built in") struct CapabilityTests {
    private func version(_ configuration: ByteString) throws -> (code: Int?, text: String) {
        let site = try MailSite(configuration)
        let ending = try site.run("bobbin", "exim", "-bV")
        return (ending.code, Latin1.text(ending.output + ending.errors))
    }

    private func expanded(_ string: String) throws -> String {
        try Latin1.text(MailSite("").run("bobbin", "exim", "-be", string).output)
    }

    @Test("BLD-05, BLD-17: -bV names the Redis lookup, and the language knows it")
    func redis() throws {
        let lookups = try #require(
            try version("").text.split(separator: "\n").first { $0.hasPrefix("Lookups") })
        #expect(lookups.split(separator: " ").contains("redis"), "\(lookups)")
        #expect(try expanded("${lookup redis{GET x}}").contains("no Redis servers defined"))
        #expect(try expanded("${lookup rediss{GET x}}").contains("unknown lookup type \"rediss\""))
    }

    @Test("BLD-11: -bV names sender rewriting, and srs_encode is there")
    func senderRewriting() throws {
        let support = try #require(
            try version("").text.split(separator: "\n").first { $0.hasPrefix("Support for:") })
        #expect(support.split(separator: " ").contains("SRS"), "\(support)")
        #expect(try expanded("${srs_encode{secret}{a@b.example}{c.example}}").hasPrefix("SRS0="))
    }

    @Test("BLD-15, BLD-16: -bV and a macro name events; event_action is taken, and its forerunner is not")
    func events() throws {
        let transport: ByteString = "begin transports\nt:\n  driver = smtp\n"
        let taken = try version(
            """
            .ifdef _HAVE_EVENT
            event_action = main $event_name
            .endif
            .ifndef _HAVE_EVENT
            what is this
            .endif
            \(transport)  event_action = transport $event_name
            """)
        #expect(taken.code == 0, "\(taken.text)")
        let support = try #require(taken.text.split(separator: "\n").first { $0.hasPrefix("Support for:") })
        #expect(support.split(separator: " ").contains("Event"), "\(support)")
        let refused = try version("\(transport)  tpda_delivery_action = x\n")
        #expect(refused.code == 1)
        #expect(refused.text.contains("TPDA is historic: use event_action"), "\(refused.text)")
    }
}
