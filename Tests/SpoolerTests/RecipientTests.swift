import Bytes
import Spooler
import Testing

@Suite("Recipients")
struct RecipientTests {
    private func file(_ lines: [String], count: String? = nil) -> ByteString {
        ByteString(
            """
            1xUfCN-0002hB-01-H
            mail 8 8
            <s@example.com>
            1795244867 0
            XX
            \(count ?? "\(lines.count)")
            \(lines.joined(separator: "\n"))


            """)
    }

    @Test(
        "Every form of a recipient's line is taken apart as it was meant",
        arguments: [
            ("a@example.org", Recipient("a@example.org")),
            ("x@host1", Recipient("x@host1")),
            ("user@[192.0.2.1]", Recipient("user@[192.0.2.1]")),
            ("\"a b\"@example.org  0,16  0,-1#3", Recipient("\"a b\"@example.org", dsn: .delay)),
            (
                "a@example.org rfc822;a+2Bx@example.org 24,28  0,-1#3",
                Recipient(
                    "a@example.org", dsn: [.success, .failure, .delay], orcpt: "rfc822;a+2Bx@example.org")
            ),
            (
                "a@example.org  0,0 owner@example.org 17,0#3",
                Recipient("a@example.org", errorsTo: "owner@example.org", parent: 0)
            ),
            ("one@example.net  0,0#1", Recipient("one@example.net", parent: 0)),
            ("one@example.net own@x 5,0#1", Recipient("one@example.net", errorsTo: "own@x", parent: 0)),
            ("one@example.net  10,28#2", Recipient("one@example.net")),
            ("one@example.net 0", Recipient("one@example.net", parent: 0)),
            ("one@example.net 7,0,3", Recipient("one@example.net", parent: 0)),
            (
                "one@example.net  0,2 a b@x 5,-1#3",
                Recipient("one@example.net", dsn: .never, errorsTo: "a b@x")
            ),
        ])
    func forms(line: String, meant: Recipient) throws {
        let octets = file(["p@example.org", line])
        guard line != "one@example.net  10,28#2" else {
            // The length is longer than the line.
            #expect(throws: SpoolFormatError.self) { try HeaderFile(parsing: octets) }
            return
        }
        let header = try HeaderFile(parsing: octets)
        var found = header.recipients[1]
        #expect(header.serialized() == octets)
        found.modernize()
        #expect(found == meant)
    }

    @Test("What is written today is read back, also where the address looks like an older form")
    func modern() throws {
        let recipients = [
            Recipient("a@example.org", orcpt: "rfc822;a@example.org"), Recipient("local#3"),
            Recipient("odd 17"),
            Recipient("many,1,2"), Recipient("a@example.org", dsn: .never, parent: 1),
        ]
        var header = try sampleHeader()
        header.recipients = recipients
        try header.check()
        #expect(try HeaderFile(parsing: header.serialized()).recipients == recipients)
    }

    @Test(
        "Counts that Exim dies of or deletes mail for are refused",
        arguments: [
            ("0", SpoolFormatError.Reason.noRecipients), ("-1", .negativeRecipientCount(-1)),
            ("16385", .tooManyRecipients(16385)), ("2", .recipientCountMismatch(counted: 2)),
            ("", .badRecipientCount), ("99999999999999999999", .badRecipientCount),
        ])
    func counts(count: String, reason: SpoolFormatError.Reason) {
        let error = #expect(throws: SpoolFormatError.self) {
            try HeaderFile(parsing: file(["a@example.org"], count: count))
        }
        #expect(error?.reason == reason)
    }

    @Test("More lines than counted are refused in the header part, where Exim finds them")
    func more() {
        let error = #expect(throws: SpoolFormatError.self) {
            try HeaderFile(parsing: file(["a@example.org", "b@example.org"], count: "1"))
        }
        #expect(error?.part == .headers)
        #expect(error?.line == 8)
    }

    @Test("A parent outside the list is refused, with line and offset", arguments: ["5", "2", "-2"])
    func parents(number: String) throws {
        let error = #expect(throws: SpoolFormatError.self) {
            try HeaderFile(parsing: file(["a@example.org", "b@example.org  0,0  0,\(number)#3"]))
        }
        #expect(error?.reason == .parentOutOfRange(Int64(number) ?? 0))
        #expect(error?.line == 8)
        let octets = file(["a@example.org", "b@example.org"])
        #expect(error?.offset == octets.firstRange(of: ByteString("b@example.org"))?.lowerBound)
    }

    @Test("As many recipients as Exim can read are read")
    func most() throws {
        let lines = (0..<16384).map { "u\($0)@example.org" }
        #expect(try HeaderFile(parsing: file(lines)).recipients.count == 16384)
    }
}
