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
        (SRN-01, SRN-02 srs_encode; SRN-03, SRN-04, SRN-05, SRN-06 inbound_srs; SRN-07 macros)
        """,
        arguments: ["config", "expand", "rewrite", "route"])
    func compared(area: String) throws {
        let programs = URL(filePath: try MailSite.path(of: "bobbin")).deletingLastPathComponent().path
        let script = Self.project.appending(path: "scripts/compare-exim").path
        let ending = try ChildProcess(script, ["--programs", programs, area]).wait(within: 600)
        let said = Latin1.text(ending.output) + Latin1.text(ending.errors)
        #expect(ending.code == 0, "\(said)")
        let counts = said.matches(of: /: ([0-9]+) cases,/).compactMap { Int($0.1) }
        #expect(counts.reduce(0, +) >= 50, "\(said)")
    }
}
