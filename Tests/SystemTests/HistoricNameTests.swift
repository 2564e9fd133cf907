import Bytes
import Foundation
import TestKit
import Testing

/// Names of DomainKeys and TPDA: the guide's tables say what a configuration with them is told.
@Suite("Historic names") struct HistoricNameTests {
    /// A row of the guide: the old name, and what is used today.
    struct Row: Sendable, CustomStringConvertible {
        var chapter: String
        var old: String
        var words: String

        /// The new names, as the guide marks them.
        var today: [String] { words.matches(of: /`([^`]+)`/).map { String($0.1) } }
        var description: String { old }
    }

    private static let guide = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../doc/guides/historic-names.md").standardizedFileURL

    private static func rows() throws -> [Row] {
        var chapter = ""
        return try String(contentsOf: guide, encoding: .utf8).split(separator: "\n").compactMap { line in
            if line.hasPrefix("#") { chapter = line.trimmingPrefix(/#+\ /).description }
            let cells = line.split(separator: " | ").map { $0.trimmingPrefix("| ") }
            guard cells.count > 1, let old = cells[0].wholeMatch(of: /`([^`]+)`/) else { return nil }
            return Row(chapter: chapter, old: String(old.1), words: String(cells[cells.count - 1]))
        }
    }

    /// A configuration that uses the name in its last line.
    private static func configuration(_ row: Row) -> String {
        let acl = "acl_smtp_rcpt = rcpt\nbegin acl\nrcpt:\n  accept\n    "
        let transport = "begin transports\nt:\n  driver = smtp\n  "
        return switch row.chapter {
        case "Controls": "\(acl)control = \(row.old)"
        case "Conditions": "\(acl)\(row.old) = signsall"
        case "Variables": "\(acl)condition = ${if eq{\(row.old)}{1}}"
        case "Variables of actions": "\(transport)event_action = ${if eq{\(row.old)}{}}"
        default: "\(transport)\(row.old) = nofws"
        }
    }

    private func complaint(about row: Row) throws -> String {
        let directory = try TemporaryDirectory()
        let text = Self.configuration(row)
        try directory.write("\(ByteString(text))\n", to: "exim.conf")
        let file = directory.file("exim.conf")
        let ending = try ChildProcess(
            MailSite.program("bobbin").string, ["exim", "-C", file.string, "-bV"]
        ).wait()
        let errors = Latin1.text(ending.errors)
        let line = text.split(separator: "\n").count
        #expect(ending.code == 1)
        #expect(errors.contains("Exim configuration error in line \(line) of \(file):"), "\(errors)")
        return errors
    }

    private func check(_ rows: [Row], count: Int) throws {
        #expect(rows.count == count)
        for row in rows {
            let complaint = try complaint(about: row)
            let name = row.old.drop { $0 == "$" }
            #expect(complaint.contains(name) && complaint.contains("is historic: use "), "\(complaint)")
            #expect(complaint.contains(try #require(row.today.first)), "\(row): \(complaint)")
        }
    }

    private func rows(_ chapter: String, _ prefix: String) throws -> [Row] {
        try Self.rows().filter {
            $0.chapter.hasPrefix(chapter) && $0.old.trimmingPrefix("$").hasPrefix(prefix)
        }
    }

    @Test("DK-02: control = dk_verify is answered with the ACL that sees DKIM signatures")
    func control() throws { try check(rows("Controls", "dk_"), count: 1) }

    @Test(
        "DK-04, DK-05, DK-06, DK-07, DK-08, DK-09: old conditions are answered with the guide's new ones")
    func conditions() throws { try check(rows("Conditions", "dk_"), count: 6) }

    @Test(
        "DK-10, DK-11, DK-12, DK-13, DK-14, DK-15, DK-16, DK-17, DK-18: old variables have new names")
    func variables() throws { try check(rows("Variables", "dk_"), count: 11) }

    @Test("DK-19, DK-21, DK-23: options that signed by DomainKeys are answered with those of DKIM")
    func options() throws {
        try check(rows("Options", "dk_"), count: 5)
        let canon = try #require(try Self.rows().first { $0.old == "dk_canon" })
        #expect(try complaint(about: canon).contains("\"relaxed\" for \"nofws\""))
    }

    @Test("EVT-03, EVT-04: the options of TPDA are answered with event_action and the event's name")
    func actions() throws {
        let rows = try rows("Options", "tpda_")
        try check(rows, count: 3)
        for row in rows.prefix(2) { #expect(try complaint(about: row).contains(row.today[2]), "\(row)") }
    }

    @Test(
        "EVT-05, EVT-06, EVT-07, EVT-08, EVT-09, EVT-10, EVT-11, EVT-12: variables of TPDA have new names")
    func actionVariables() throws { try check(rows("Variables of actions", "tpda_"), count: 10) }

    @Test(
        "DK-01, DK-03: the guide says that DKIM replaces DomainKeys both ways, and that nothing was verified unasked"
    )
    func chapter() throws {
        let text = try String(contentsOf: Self.guide, encoding: .utf8)
        #expect(text.contains("DomainKeys is historic"))
        #expect(text.contains(/takes its place for both directions: for verifying .* and for\s+signing/))
        #expect(text.contains("nothing was verified unless an ACL before DATA said `control = dk_verify`"))
    }

    @Test("A string that is expanded by itself is told of a historic variable too, however it is written")
    func expansion() throws {
        let lines: ByteString = "$dk_status\n${tpda_event}\n${if def:dk_sender{a}{b}}\n$dk_other\n"
        let ending = try ChildProcess(MailSite.program("bobbin").string, ["exim", "-be"], input: lines).wait()
        let output = Latin1.text(ending.output)
        #expect(
            output.contains(
                "unknown variable name \"dk_status\" (DomainKeys is historic: use $dkim_verify_status)"))
        #expect(output.contains("unknown variable in \"${tpda_event}\" (TPDA is historic: use $event_name)"))
        #expect(output.contains("unknown variable \"dk_sender\" after \"def:\" (DomainKeys is historic"))
        #expect(output.contains("unknown variable name \"dk_other\"\n"))
    }
}
