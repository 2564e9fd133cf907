import Bytes
import TestKit
import Testing

extension SystemTests.Reception {
    /// A way to submit a message on the command line, as Exim's options.
    static let submissions: [(arguments: [String], input: ByteString)] = [
        (
            ["-odq", "-f", "alice@example.net", "bob@example.org", "dave@example.com"],
            "Subject: plain\n\nHello\n"
        ),
        (
            ["-odq", "-t", "-f", "alice@example.net"],
            "From: alice@example.net\nTo: bob@example.org\nCc: Dave <dave@example.com>\nBcc: hidden@example.com\n\nx\n"
        ),
        (
            ["-odq", "-t", "-f", "alice@example.net", "dave@example.com"],
            "To: bob@example.org, dave@example.com\nSubject: all but one\n\nx\n"
        ),
        (["-odq", "-i", "-f", "<>", "bob@example.org"], "Subject: null\n\n.\nafter the dot"),
        (["-odq", "bob"], "Subject: unqualified\n\nx\n.\nnot sent\n"),
    ]

    @Test(
        "A message submitted on the command line lies in the spool as Exim would have put it there",
        arguments: submissions)
    func submitted(arguments: [String], input: ByteString) throws {
        let text = configuration(main: "qualify_domain = example.org\n")
        let exim = try MailSite(text)
        let wanted = try exim.start(exim: arguments, input: input).wait()
        let bobbin = try MailSite(text)
        let found = try bobbin.start("bobbin", ["exim"] + arguments, input: input).wait()
        #expect(found.code == wanted.code)
        #expect(difference(masked(found.errors), masked(wanted.errors)) == nil)
        let (one, other) = (
            try Self.outcome(bobbin, replies: []), try Self.outcome(exim, replies: [])
        )
        #expect(difference(one.log, other.log) == nil)
        #expect(difference(one.traces.map(\.header).joined(), other.traces.map(\.header).joined()) == nil)
        #expect(difference(one.traces.map(\.data), other.traces.map(\.data)) == nil)
    }

    @Test("An SMTP session on standard input leaves the same files as with Exim's -bs")
    func standardInput() throws {
        let session: ByteString = """
            EHLO client.example.net\r
            MAIL FROM:<alice@example.net>\r
            RCPT TO:<bob@example.org>\r
            DATA\r
            Subject: by hand\r
            \r
            text\r
            .\r
            QUIT\r

            """
        let exim = try MailSite(configuration())
        let wanted = try exim.start(exim: ["-odq", "-bs"], input: session).wait()
        let bobbin = try MailSite(configuration())
        let found = try bobbin.start("bobbin-receiver", ["stdio", "--queue-only"], input: session).wait()
        #expect(found.code == wanted.code)
        let traces = (
            try Self.outcome(bobbin, replies: []).traces, try Self.outcome(exim, replies: []).traces
        )
        #expect(difference(traces.0.map(\.header).joined(), traces.1.map(\.header).joined()) == nil)
    }
}
