import Bytes
import MailText
import TestKit
import Testing

@Suite("Header lines")
struct HeaderTests {
    private func read(_ text: ByteString, limits: HeaderLimits = HeaderLimits()) -> (
        HeaderReader, HeaderReader.Step
    ) {
        var reader = HeaderReader(limits: limits)
        var step = HeaderReader.Step.more
        for line in text.split(separator: .newline, omittingEmptySubsequences: false) {
            step = reader.take(line)
            guard step == .more else { return (reader, step) }
        }
        reader.endOfInput()
        return (reader, step)
    }

    @Test("Headers end at the blank line")
    func blankLine() {
        let (reader, step) = read("From: a\r\nSubject: x\n y\n\nbody")
        #expect(step == .finished)
        #expect(reader.headers.map(\.text) == ["From: a\n", "Subject: x\n y\n"])
        #expect(reader.headers.map(\.kind) == [.from, .other])
        #expect(reader.size == 22)
        #expect(reader.headers[1].unfoldedValue == "x y")
    }

    @Test(
        "A line that is no header begins the body",
        arguments: ["no header", " folded first", "a b: c", "From me Mon", "a\u{7F}: x"] as [ByteString])
    func noHeader(line: ByteString) {
        let (reader, step) = read("\(line.first == .blank ? "" : "To: x\n")\(line)\nmore\n")
        #expect(step == .bodyStarted(line))
        #expect(reader.headers.count == (line.first == .blank ? 0 : 1))
    }

    @Test(
        "An empty name and octets above 127 make header lines, as in Exim",
        arguments: [": x", "é: x", "a\t : x"] as [ByteString])
    func oddNames(line: ByteString) {
        #expect(read("To: x\n\(line)\n\nbody").0.headers.map(\.text) == ["To: x\n", line + ByteString("\n")])
    }

    @Test("A continuation line of nothing but white space is left out, as in Exim")
    func emptyContinuation() {
        #expect(read("To: x\n \t\n y\n\nbody").0.headers.map(\.text) == ["To: x\n y\n"])
    }

    @Test("Only the first Message-ID is the identity, or the first Resent- one when there are Resent- lines")
    func kinds() {
        let plain = read("Message-ID: <a>\nMESSAGE-ID : <b>\nReceived: x\nReply-To: y\n\n").0
        #expect(plain.headers.map(\.kind) == [.messageID, .other, .received, .replyTo])
        let resent = read(
            "Message-ID: <a>\nResent-From: f\nResent-Message-ID: <b>\nResent-Reply-To: n\nResent-Message-ID: <c>\n\n"
        ).0
        #expect(resent.headers.map(\.kind) == [.other, .from, .messageID, .other, .other])
    }

    @Test("Header limits speak in Exim's words")
    func limits() {
        let long = ByteString(repeatElement(UInt8(ascii: "x"), count: 300))
        #expect(
            read("Subject: \(long)\n\n", limits: HeaderLimits(total: 100)).1
                == .tooLong("Message header is ridiculously long"))
        #expect(
            read("Subject: \(long)\n\n", limits: HeaderLimits(line: 100)).1
                == .tooLong("A message header line is too long"))
    }

    @Test("NUL becomes a question mark")
    func zero() {
        var reader = HeaderReader()
        _ = reader.take(ByteString([0x61, 0x3A, 0x20, 0, 0x0A]))
        reader.endOfInput()
        #expect(reader.headers.map(\.text) == ["a: ?\n"])
    }

    @Test("Any lines are header or body, and nothing but NUL and empty continuations is changed")
    func fuzz() {
        var random = SeededGenerator(seed: 6)
        let seeds: [ByteString] = ["From: a", " folded", "Resent-To: x", "", "Message-ID : <x>", "no header"]
        for _ in 0..<5_000 {
            var reader = HeaderReader(limits: HeaderLimits(total: 200, line: 60))
            var taken = ByteString()
            for _ in 0..<8 {
                let seed = seeds.randomElement(using: &random) ?? ""
                let line = seed.mutated(alphabet: ": \t\0\u{E9}-", using: &random)
                guard reader.take(line + ByteString("\n")) == .more else { break }
                if let first = line.first, first == .blank || first == 0x09, line.allSatisfy(\.isASCIISpace) {
                    continue
                }
                taken += ByteString(line.map { $0 == 0 ? UInt8(ascii: "?") : $0 }) + ByteString("\n")
            }
            reader.endOfInput()
            let text = reader.headers.map(\.text).joined(separator: "")
            #expect(text.starts(with: taken))
        }
    }

    @Test("Dates are written as Exim writes them")
    func dates() {
        #expect(CivilTime(seconds: 1_795_245_204, offset: 0).headerDate == "Sat, 21 Nov 2026 07:13:24 +0000")
        #expect(CivilTime(seconds: 0, offset: -12_600).headerDate == "Wed, 31 Dec 1969 20:30:00 -0330")
        #expect(CivilTime(seconds: 951_782_400, offset: 3600).headerDate == "Tue, 29 Feb 2000 01:00:00 +0100")
        #expect(TimeZoneRule.utc.civilTime(at: 86_399).headerDate == "Thu, 01 Jan 1970 23:59:59 +0000")
    }
}

@Suite("Header lines that are added")
struct AddedHeaderTests {
    @Test("Received: of local submission is as Exim's")
    func receivedLocal() {
        var received = ReceivedHeader(
            hostname: "mx.example.org", product: "Exim 4.96", id: "1xUfHo-0002Uf-2L",
            sender: "root@example.org")
        received.ident = "root"
        received.protocol = "local"
        received.recipient = "bob@example.net"
        #expect(
            received.line(date: "Sat, 21 Nov 2026 07:13:24 +0000")
                == """
                Received: from root by mx.example.org with local (Exim 4.96)
                \t(envelope-from <root@example.org>)
                \tid 1xUfHo-0002Uf-2L
                \tfor bob@example.net;
                \tSat, 21 Nov 2026 07:13:24 +0000

                """)
    }

    @Test("Received: over TLS is as Exim's")
    func receivedTLS() {
        var received = ReceivedHeader(
            hostname: "mx.example.org", product: "Exim 4.96", id: "1xUfI0-0002lb-0a",
            sender: "alice@example.com")
        received.peer = "[127.0.0.1] (helo=client.example.com)"
        received.protocol = "esmtps"
        received.tlsVersion = "TLS1.3"
        received.tlsCipher = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
        received.recipient = "bob@defer.example.org"
        let line = received.line(date: "Sat, 21 Nov 2026 07:13:36 +0000")
        #expect(line.count == 268)
        #expect(
            line
                == """
                Received: from [127.0.0.1] (helo=client.example.com)
                \tby mx.example.org with esmtps  (TLS1.3) tls TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
                \t(Exim 4.96)
                \t(envelope-from <alice@example.com>)
                \tid 1xUfI0-0002lb-0a
                \tfor bob@defer.example.org;
                \tSat, 21 Nov 2026 07:13:36 +0000

                """)
    }

    private func fixed(
        _ headers: [ByteString], login: ByteString = "root", sender: ByteString = "root@example.org",
        trusted: Bool = true, options: FixupOptions = FixupOptions()
    ) -> FixedHeader {
        let submitter = Submitter(
            login: login, fullName: login, qualifyDomain: "example.org", isTrusted: trusted)
        let message = Submitter.Message(
            id: "1xUgyD-0003Z8-0N", hostname: "mx.example.org", sender: EmailAddress(sender), date: "DATE")
        return submitter.fix(headers.map { Header($0) }, of: message, options: options)
    }

    private func text(_ fixed: FixedHeader) -> ByteString {
        fixed.headers.map { ByteString([$0.kind.rawValue, 0x20]) + $0.text }.joined(separator: "")
    }

    @Test("A submission gets Message-Id:, From: and Date: in Exim's order")
    func added() {
        let result = fixed(["Subject: x\n"])
        #expect(
            text(result)
                == """
                  Subject: x
                I Message-Id: <E1xUgyD-0003Z8-0N@mx.example.org>
                F From: root <root@example.org>
                  Date: DATE

                """)
        #expect(result.messageID?.created == true)
        #expect(text(fixed([], sender: "a@b.c")).contains(ByteString("F From: a@b.c\n")))
        #expect(!text(fixed([], sender: "")).contains(ByteString("From:")))
    }

    @Test("A From: that is just the login is replaced where it stands")
    func login() {
        let result = fixed(["From: root\n", "To: x\n", "Message-ID: <q@w>\n", "Date: d\n"])
        #expect(
            text(result)
                == "* From: root\nF From: root <root@example.org>\nT To: x\nI Message-ID: <q@w>\n  Date: d\n")
        #expect(result.messageID?.id == "q@w")
    }

    @Test("Resent- lines get Resent- additions, date and id before all others")
    func resent() {
        let result = fixed(["From: root\n", "Resent-To: a@b.c\n"])
        #expect(
            text(result)
                == """
                  Resent-Date: DATE
                I Resent-Message-Id: <E1xUgyD-0003Z8-0N@mx.example.org>
                F From: root
                T Resent-To: a@b.c
                F Resent-From: root <root@example.org>

                """)
    }

    @Test("An untrusted user's foreign From: gets a Sender:, and his own Sender: goes")
    func sender() {
        var options = FixupOptions()
        let forged = ["From: boss@example.org\n", "Sender: x@y\n"] as [ByteString]
        let result = fixed(forged, login: "joe", sender: "joe@example.org", trusted: false)
        #expect(text(result).contains(ByteString("* Sender: x@y\n")))
        #expect(text(result).contains(ByteString("S Sender: joe <joe@example.org>\n")))
        options.fromPrefix = "*-"
        let allowed = fixed(
            ["From: x-joe@example.org\n"], login: "joe", sender: "joe@example.org", trusted: false,
            options: options)
        #expect(!text(allowed).contains(ByteString("Sender:")))
        #expect(!text(fixed(forged)).contains(ByteString("S Sender: root")))
    }

    @Test("-t takes Bcc: out, and delivery lines go")
    func removed() {
        var options = FixupOptions()
        options.removesBcc = true
        let result = fixed(["Bcc: z\n", "Return-path: <x>\n", "From: a@b\n"], options: options)
        #expect(result.headers.prefix(3).map(\.kind) == [.old, .old, .from])
    }

    @Test(
        "A full name becomes a phrase as in Exim",
        arguments: [
            ("J.Q. Pub", "\"J.Q. Pub\""), ("A (x) B", "A (x) B"), ("a, b", "\"a, b\""),
            ("Jürgen B", "=?UTF-8?Q?J=C3=BCrgen_B?="), ("a<b>", "\"a<b>\""), ("O'Brien", "O'Brien"),
            ("x@y", "\"x@y\""), ("\"already q\"", "\"already q\""), ("a\\b", "\"a\\b\""),
        ] as [(ByteString, ByteString)])
    func phrases(name: ByteString, phrase: ByteString) {
        #expect(UserName.phrase(name) == phrase)
    }

    @Test("An ampersand in gecos is the login with a capital")
    func gecos() {
        #expect(UserName.named("& Smith,room 1", login: "joe") == "Joe Smith,room 1")
    }
}
