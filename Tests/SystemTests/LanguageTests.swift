import Bytes
import Foundation
import TestKit
import Testing

/// The corpora of `scripts/compare-exim`: strings, lists, addresses and rules, as Exim and as Bobbin take them.
@Suite("Exim's language, beside a real Exim")
struct LanguageTests {
    private static var project: URL {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
    }

    @Test(
        """
        AUX-17: each case of the corpora has Exim's answer, or differs for a reason that is written down \
        (ACLs, broken configurations, certificates, expansions, lists, lookups, rewriting, retry rules, routing, filters, macros \
        and options; AUX-22 lists whose text is a lookup, AUX-23 connection variables from one)
        """,
        arguments: [
            "acl", "broken", "certificates", "config", "expand", "filter", "query", "rewrite", "route",
        ])
    func compared(area: String) throws { try Self.compare(area) }

    @Test(
        """
        SPF-01, SPF-03, SPF-04, SPF-05, SPF-06, SPF-07, SPF-12, SPF-13, SPF-14, SPF-18, SPF-20, SPF-21, SPF-22, SPF-23, SPF-24: \
        SPF has Exim's results, lists, variables, guesses and lookups, or differs for a reason that is written down
        """)
    func senderPolicy() throws { try Self.compare("spf") }

    private static func compare(_ area: String) throws {
        let programs = URL(filePath: try MailSite.path(of: "bobbin")).deletingLastPathComponent().path
        let script = project.appending(path: "scripts/compare-exim").path
        let ending = try ChildProcess(script, ["--programs", programs, area]).wait(within: 600)
        let said = Latin1.text(ending.output) + Latin1.text(ending.errors)
        #expect(ending.code == 0, "\(said)")
        let counts = said.matches(of: /: ([0-9]+) cases,/).compactMap { Int($0.1) }
        #expect(counts.reduce(0, +) >= 20, "\(said)")
    }

    @Test("SRN-01, SRN-02, SRN-03, SRN-04, SRN-05, SRN-06: a sender that one program hides, the other finds")
    func senderRewriting() throws {
        let site = try MailSite("")
        func exim(_ string: String) throws -> String { try Latin1.text(site.exim("-be", string).output) }
        func ours(_ string: String) throws -> String {
            try Latin1.text(site.run("bobbin", "exim", "-be", string).output)
        }
        let programs = [(exim, ours), (ours, exim)]
        for (hide, find) in programs {
            let hidden = try hide("${local_part:${srs_encode{secret}{User@Example.org}{forward.example}}}")
            let localPart = hidden.trimmingCharacters(in: .newlines)
            #expect(localPart.hasPrefix("SRS0=") && localPart.hasSuffix("=Example.org=User"))
            func found(_ localPart: String, _ secret: String) throws -> String {
                try find("${if inbound_srs{\(localPart)}{\(secret)}{yes $srs_recipient}{no $srs_recipient}}")
            }
            #expect(try found(localPart, "secret") == "yes user@example.org\n")
            #expect(try found(localPart, "another") == "no user@example.org\n")
            #expect(try found(localPart.replacing("=Example", with: "=Examble"), "secret").hasPrefix("no "))
            #expect(try found("SRS0=none=aa=example.org=user", "") == "yes user@example.org\n")
            #expect(
                try hide("${srs_encode{secret}{forward.example}{User@Example.org}}").contains(
                    "==forward.example@"))
        }
    }

    @Test("SRN-07: a file can ask for SRS with .ifdef")
    func senderRewritingMacros() throws {
        let site = try MailSite(
            """
            .ifdef _HAVE_SRS
            .ifdef _HAVE_NATIVE_SRS
            smtp_banner = both
            .endif
            .endif

            """)
        #expect(try Latin1.text(site.exim("-bP", "smtp_banner").output) == "smtp_banner = both\n")
        #expect(
            try Latin1.text(site.run("bobbin", "exim", "-bP", "smtp_banner").output) == "smtp_banner = both\n"
        )
        for macro in ["_HAVE_SRS", "_HAVE_NATIVE_SRS"] {
            let shown = try site.run("bobbin", "exim", "-bP", "macro", macro)
            #expect(Latin1.text(shown.output) == "\(macro)=y\n")
        }
    }

    @Test("-bV names the lookups and drivers that work, and those alone")
    func version() throws {
        let site = try MailSite("")
        let text = Latin1.text(try site.run("bobbin", "exim", "-bV").output)
        func list(_ name: String) -> [String] {
            let line = text.split(separator: "\n").first { $0.hasPrefix("\(name): ") } ?? ""
            return line.split(separator: " ").drop { !$0.hasSuffix(":") || $0 == "Lookups" }.dropFirst()
                .filter { !$0.hasSuffix(":") }.map { String($0.split(separator: "/")[0]) }
        }
        let lookups = list("Lookups (built-in)")
        let known = [
            "lsearch", "wildlsearch", "nwildlsearch", "iplsearch", "cdb", "dbm", "dbmjz", "dbmnz", "dnsdb",
            "dsearch",
            "json", "ldap", "mysql", "nis", "oracle", "passwd", "pgsql", "redis", "sqlite", "spf", "testdb",
            "whoson",
        ]
        for name in known {
            let said = Latin1.text(
                try site.run("bobbin", "exim", "-be", "${lookup{x}\(name){/y}{z}{n}}").output)
            #expect(said.contains("unknown lookup type") != lookups.contains(name), "\(name): \(said)")
        }
        let drivers: [(kind: String, name: String, known: [String])] = [
            (
                "authenticators", "Authenticators",
                ["cram_md5", "cyrus_sasl", "dovecot", "external", "plaintext", "spa", "tls"]
            ),
            (
                "routers", "Routers",
                ["accept", "dnslookup", "ipliteral", "iplookup", "manualroute", "queryprogram", "redirect"]
            ),
            ("transports", "Transports", ["appendfile", "autoreply", "lmtp", "pipe", "queuefile", "smtp"]),
        ]
        let more = ["manualroute": "route_data = x\n", "redirect": "data = x\n", "lmtp": "socket = /x\n"]
        for (kind, name, known) in drivers {
            for driver in known {
                let text = "begin \(kind)\na:\ndriver = \(driver)\n\(more[driver] ?? "")"
                let extra = kind == "routers" && driver != "redirect" ? "verify_only\n" : ""
                let own = try MailSite(ByteString(text + extra))
                let ending = try own.run(
                    "bobbin", "config", "check", "-C", own.directory.file("bobbin.conf").string)
                let isMissing = Latin1.text(ending.output + ending.errors).contains("driver")
                #expect(isMissing != list(name).contains(driver), "\(driver): \(ending)")
            }
        }
    }

    @Test(
        "A configuration that is wrong starts nothing, in whichever section",
        arguments: [
            "no_such_option = 1\n", "log_selector = +nosuch\n", "begin acl\na:\n  permit\n",
            "begin routers\na:\n  driver = nosuch\n",
            "begin transports\na:\n  driver = smtp\n  port == x y\n  nosuch = 1\n",
            "begin retry\n* * F\n", "begin rewrite\n*@a\n", "begin authenticators\na:\n  driver = spa\n",
            ".ifdef X\n",
        ])
    func nothingStarts(text: String) throws {
        let site = try MailSite(ByteString(text))
        try FileManager.default.removeItem(atPath: site.directory.file("spool").string)
        for words in [
            ["bobbin-receiver", "listen", "--listen", "127.0.0.1:0"], ["bobbin-receiver", "stdio"],
            ["bobbin-queuerunner"],
        ] {
            let ending = try site.start(words[0], Array(words.dropFirst())).wait()
            #expect(ending.code == 78, "\(words): \(ending)")
            #expect(Latin1.text(ending.errors).contains("bobbin.conf, line "), "\(ending)")
        }
        #expect(!FileManager.default.fileExists(atPath: site.directory.file("spool").string))
        #expect(try site.log("main") == [])
    }
}
