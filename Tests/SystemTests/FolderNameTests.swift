import Bytes
import Foundation
import TestKit
import Testing

/// `${imapfolder ...}`, beside a real Exim; more of its cases are in the corpus expand/items.be.
@Suite("Names of mail folders")
struct FolderNameTests {
    /// What both programs make of strings, which must be the same.
    private func expanded(_ strings: [String], charset: String = "UTF-8") throws -> [String] {
        let site = try MailSite("headers_charset = \(ByteString(charset))")
        let input = ByteString(strings.map { $0 + "\n" }.joined())
        let wanted = try Latin1.text(site.exim("-be", input: input).output)
        let found = try Latin1.text(site.start("bobbin", ["exim", "-be"], input: input).wait().output)
        #expect(found == wanted)
        return found.split(separator: "\n", omittingEmptySubsequences: false).prefix(strings.count).map {
            String($0.trimmingPrefix("> "))
        }
    }

    @Test("IMF-01, IMF-06: a name becomes modified UTF-7, as the manual's samples do")
    func samples() throws {
        #expect(
            try expanded([
                #"${imapfolder {Foo/Bar}}"#, #"${imapfolder {Foo/Bar}{.}{/}}"#,
                #"${imapfolder {R\xc3\xa4ksm\xc3\xb6rg\xc3\xa5s}}"#, #"${imapfolder{\xf0\x9f\x98\x80&}}"#,
            ]) == ["Foo.Bar", "Foo&AC8-Bar", "R&AOQ-ksm&APY-rg&AOU-s", "&2D3eAA-&-"])
    }

    @Test(
        "IMF-02, IMF-03, IMF-04: without specials none are encoded, and without a separator it is the slash")
    func defaults() throws {
        #expect(
            try expanded([
                "${imapfolder{a/b/c}{/}{}}", "${imapfolder{a/b/c}{/}}", "${imapfolder{a/b/c}}",
                "${imapfolder{axbxc}{x}}",
            ]) == ["a.b.c", "a.b.c", "a.b.c", "a.b.c"])
    }

    @Test("IMF-05: a dot or slash that is not the separator is encoded when it is special, and refused else")
    func dotsAndSlashes() throws {
        #expect(
            try expanded([
                "${imapfolder{a/b.c}{x}{./}}", "${imapfolder{a/b.c}{/}{.}}", "${imapfolder{a/b.c}{.}{/}}",
                "${imapfolder{a/b.c}{/}}",
            ]) == ["a&AC8-b&AC4-c", "a.b&AC4-c", "a&AC8-b.c", "Failed: imapfolder: illegal character '.'"])
    }

    @Test("IMF-07: the name's character set is headers_charset, or what a filter says it is")
    func charsets() throws {
        let letters = #"${imapfolder{\xc3\xa4}}"#
        #expect(try expanded([letters]) == ["&AOQ-"])
        #expect(try expanded([letters], charset: "ISO-8859-1") == ["&AMMApA-"])
        let site = try MailSite("headers_charset = UTF-8")
        let filter: ByteString = """
            # Exim filter
            testprint "${imapfolder{\\xc3\\xa4}}"
            headers charset "ISO-8859-1"
            testprint "${imapfolder{\\xc3\\xa4}}"
            """
        let path = try site.directory.write(filter + ByteString("\n"), to: "filter").string
        let message: ByteString = "From: a@example.org\nSubject: x\n\nx\n"
        let wanted = try Latin1.text(site.exim("-bf", path, input: message).output)
        let found = try Latin1.text(
            site.start("bobbin", ["exim", "-bf", path], input: message).wait().output)
        for said in [wanted, found] {
            #expect(said.contains("Testprint: &AOQ-\n") && said.contains("Testprint: &AMMApA-\n"), "\(said)")
        }
    }

    @Test("IMF-08: a separator that is not one character is refused")
    func separators() throws {
        #expect(
            try expanded(["${imapfolder{a/b}{ab}}", "${imapfolder{a/b}{}}"]) == [
                "Failed: IMAP folder separator must be one character, found \"ab\"",
                "Failed: IMAP folder separator must be one character, found \"\"",
            ])
    }

    @Test("IMF-09: what is not of the character set is an error, and nothing is put in its place")
    func invalid() throws {
        let failure = "Failed: imapfolder: iconv() failed to convert from"
        let unknown = "Invalid or incomplete multibyte or wide character"
        #expect(
            try expanded([
                #"${imapfolder{a\xff}}"#, #"${imapfolder{\xed\xa0\x80}}"#, #"${imapfolder{a\xc3}}"#,
            ]) == [
                "\(failure) UTF-8: \(unknown)", "\(failure) UTF-8: \(unknown)",
                "\(failure) UTF-8: Invalid argument",
            ])
        #expect(
            try expanded([#"${imapfolder{\xe4}}"#, "${imapfolder{a~b}}"], charset: "us-ascii") == [
                "\(failure) us-ascii: \(unknown)", "a~b",
            ])
    }

    @Test("IMF-10: the guide to mailboxes tells whose names of folders these are")
    func documented() throws {
        let guide = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../doc/guides/mailboxes.md").standardizedFileURL
        let text = try String(contentsOf: guide, encoding: .utf8)
        #expect(text.contains("`${imapfolder"))
        #expect(text.contains("Courier") && text.contains("modified UTF-7"))
    }
}
