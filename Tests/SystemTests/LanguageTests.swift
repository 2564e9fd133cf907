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
        (expansions, lists, lookups, rewriting, retry rules, routing, filters, macros and options)
        """,
        arguments: ["config", "expand", "filter", "query", "rewrite", "route"])
    func compared(area: String) throws {
        let programs = URL(filePath: try MailSite.path(of: "bobbin")).deletingLastPathComponent().path
        let script = Self.project.appending(path: "scripts/compare-exim").path
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
}
