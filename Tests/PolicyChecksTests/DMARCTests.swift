import Bytes
import DNS
import PolicyChecks
import TestKit
import Testing

@Suite("DMARC")
struct DMARCTests {
    private static let suffixes = PublicSuffixes(
        """
        // a few rules of each kind
        com
        org
        uk
        co.uk
        example
        jp
        kobe.jp
        *.kawasaki.jp
        !city.kawasaki.jp
        *.ck
        !www.ck
        公司.cn
        cn
        host.example   // what follows a blank does not count

        """)

    @Test(
        "An organizational domain is the longest public suffix with one label more",
        arguments: [
            ("example.com", "example.com"), ("a.b.example.com", "example.com"),
            ("EXAMPLE.com", "example.com"),
            ("x.co.uk", "x.co.uk"), ("a.x.co.uk", "x.co.uk"), ("co.uk", nil), ("com", nil), ("uk", nil),
            ("", nil),
            ("x.uk", "x.uk"), ("unknown", nil), ("a.unknown", "a.unknown"), ("b.a.unknown", "a.unknown"),
            ("kawasaki.jp", "kawasaki.jp"), ("a.kawasaki.jp", nil), ("b.a.kawasaki.jp", "b.a.kawasaki.jp"),
            ("c.b.a.kawasaki.jp", "b.a.kawasaki.jp"), ("city.kawasaki.jp", "city.kawasaki.jp"),
            ("www.city.kawasaki.jp", "city.kawasaki.jp"), ("kobe.jp", nil), ("a.kobe.jp", "a.kobe.jp"),
            ("ck", nil), ("test.ck", nil), ("b.test.ck", "b.test.ck"), ("www.ck", "www.ck"),
            ("www.www.ck", "www.ck"),
            ("食狮.公司.cn", "xn--85x722f.xn--55qx5d.cn"),
            ("www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
            ("xn--55qx5d.cn", nil), ("x.host.example", "x.host.example"), ("host.example", nil),
            ("example.com.", "example.com"), (".example.com", "example.com"), ("a..com", nil),
        ] as [(ByteString, ByteString?)])
    func organizations(name: ByteString, organization: ByteString?) {
        #expect(Self.suffixes.organizationalDomain(of: name) == organization)
    }

    // MARK: Records

    private static func verdict(
        _ zone: String, from domains: [ByteString] = ["example.com"], spf: ByteString? = nil,
        signed: [ByteString] = []
    ) async -> DMARCVerdict {
        await DMARCChecker(TestZone(zone), suffixes).check(
            DMARCQuestion(fromDomains: domains, spfDomain: spf, signingDomains: signed))
    }

    @Test(
        "A failed check has the result that the record asks for, however its tags are written",
        arguments: [
            ("v=DMARC1; p=reject", .reject), ("v=DMARC1;p=quarantine", .quarantine),
            ("v=DMARC1; p=none;", .none),
            ("v = DMARC1 ; P = REJECT", .reject), ("v=DMARC1; p=r", .reject),
            ("v=DMARC1; x=y; p=reject; pct=200", .reject),
            ("v=DMARC1; p=bob", .norecord), ("v=DMARC1; p=", .norecord), ("v=DMARC1", .norecord),
            ("v=DMARC1;", .norecord),
            ("v=DMARC1; p=bob; rua=mailto:a@b.example", .none),
            ("v=DMARC1; rua=https://b.example", .norecord),
            ("v=dmarc1; p=reject", .norecord), ("v=DMARC10; p=reject", .norecord),
            ("p=reject; v=DMARC1", .norecord),
            ("v=DMARC1 p=reject", .norecord), ("v=DMARC1; sp=none; p=reject", .reject),
            ("v=DMARC1; p=reject; sp=bob", .reject), ("v=spf1 -all", .norecord),
        ] as [(String, DMARCResult)])
    func policies(record: String, result: DMARCResult) async {
        #expect(await Self.verdict("_dmarc.example.com TXT \(record)").result == result)
    }

    @Test("What a record asks for is kept as it was published")
    func contents() async {
        let record = await Self.verdict(
            """
            _dmarc.example.com TXT v=DMARC1; p=none; sp=reject; adkim=s; aspf=r; pct=25; \
            rua=mailto:a@x.example!10m, mailto:b@x.example; ruf=mailto:c@x.example
            """
        ).record
        #expect(record?.policy == DMARCRecord.Policy.none)
        #expect(record?.subdomainPolicy == .reject)
        #expect(record?.dkimAlignment == .strict)
        #expect(record?.spfAlignment == .relaxed)
        #expect(record?.percent == 25)
        #expect(record?.aggregateAddresses == ["mailto:a@x.example!10m", "mailto:b@x.example"])
        #expect(record?.failureAddresses == ["mailto:c@x.example"])
    }

    // MARK: Where the record is

    @Test("A subdomain without a record is judged by its organization's, by what that says of subdomains")
    func inheritance() async {
        let zone =
            "_dmarc.example.com TXT v=DMARC1; p=reject; sp=quarantine\n_dmarc.own.example.com TXT v=DMARC1; p=none"
        let inherited = await Self.verdict(zone, from: ["a.b.example.com"])
        #expect(inherited.result == .quarantine)
        #expect(inherited.usedDomain == "example.com")
        #expect(inherited.policy == .quarantine)
        let own = await Self.verdict(zone, from: ["own.example.com"])
        #expect(own.result == DMARCResult.none)
        #expect(own.usedDomain == "own.example.com")
        // Between the two nobody is asked.
        #expect(await Self.verdict(zone, from: ["x.own.example.com"]).result == .quarantine)
    }

    @Test("Several records are as good as none, and hide that of the organization")
    func several() async {
        let zone = """
            _dmarc.a.example.com TXT v=DMARC1; p=none
            _dmarc.a.example.com TXT v=DMARC1; p=quarantine
            _dmarc.example.com TXT v=DMARC1; p=reject
            """
        #expect(await Self.verdict(zone, from: ["a.example.com"]).result == .norecord)
    }

    @Test("Records of others beside it are no trouble")
    func company() async {
        let zone = "_dmarc.example.com TXT v=spf1 -all\n_dmarc.example.com TXT v=DMARC1; p=reject"
        #expect(await Self.verdict(zone).result == .reject)
    }

    @Test("A name service without an answer is a temporary error, at the domain and at its organization")
    func silence() async {
        #expect(await Self.verdict("_dmarc.example.com TIMEOUT").result == .temperror)
        #expect(
            await Self.verdict("_dmarc.example.com TIMEOUT", from: ["a.example.com"]).result == .temperror)
    }

    // MARK: Alignment

    @Test(
        "An authenticated name speaks for the author by its organization, or strictly by itself",
        arguments: [
            ("example.com", "example.com", "r", true), ("example.com", "mail.example.com", "r", true),
            ("news.example.com", "mail.example.com", "r", true),
            ("example.com", "mail.example.com", "s", false),
            ("news.example.com", "example.com", "s", false), ("EXAMPLE.com", "example.COM", "s", true),
            ("example.com", "example.org", "r", false), ("example.com", "notexample.com", "r", false),
            ("x.com", "evil.com", "r", false), ("evil.com", "x.com", "r", false),
            ("x.co.uk", "y.co.uk", "r", false),
            ("aa.co.uk", "co.uk", "r", false), ("co.uk", "co.uk", "r", true),
            ("co.uk", "a.co.uk", "r", false),
            ("example.com", "", "r", false), ("example.com", ".", "r", false),
            ("example.com", "com", "r", false),
        ] as [(ByteString, ByteString, String, Bool)])
    func alignment(author: ByteString, name: ByteString, mode: String, isAligned: Bool) async {
        let zone = "_dmarc.\(author.lowercasedASCII()) TXT v=DMARC1; p=reject; adkim=\(mode); aspf=\(mode)"
        let bySPF = await Self.verdict(zone, from: [author], spf: name)
        let byDKIM = await Self.verdict(zone, from: [author], signed: ["third.example", name])
        #expect(bySPF.result == (isAligned ? .accept : .reject))
        #expect(byDKIM.result == (isAligned ? .accept : .reject))
        #expect(bySPF.isAlignedSPF == isAligned && !bySPF.isAlignedDKIM)
        #expect(byDKIM.isAlignedDKIM == isAligned && !byDKIM.isAlignedSPF)
    }

    // MARK: Authors

    @Test("Of several authors the one counts whose domain asks for the most; none is no author")
    func authors() async {
        let zone = "_dmarc.example.com TXT v=DMARC1; p=reject\n_dmarc.example.org TXT v=DMARC1; p=none"
        #expect(
            await Self.verdict(zone, from: ["example.org", "example.com"], spf: "example.org").result
                == .reject)
        #expect(
            await Self.verdict(zone, from: ["example.com", "example.com"], spf: "example.com").result
                == .accept)
        #expect(
            await Self.verdict(zone, from: ["example.com", "nobody.example"], spf: "example.com").result
                == .norecord)
        #expect(await Self.verdict(zone, from: []).result == .nofrom)
        #expect(await Self.verdict(zone, from: [""]).result == .nofrom)
        #expect(await Self.verdict(zone, from: ["", "example.com"], spf: "example.com").result == .nofrom)
        let many = (0...DMARCChecker.mostAuthors).map { "a\($0).example" as ByteString }
        #expect(await Self.verdict(zone, from: many).result == .reject)
    }

    @Test("A name that is too long for the DNS is nobody's, and costs nothing")
    func longNames() async {
        let long = ByteString(repeating: UInt8(ascii: "a"), count: 250)
        for name in [
            long, ByteString((0..<500_000).map { $0 % 2 == 0 ? UInt8(ascii: "a") : UInt8(ascii: ".") }),
        ] {
            #expect(await Self.verdict("", from: [name]).result == .nofrom)
        }
        #expect(Self.suffixes.organizationalDomain(of: long + ByteString(".com")) == nil)
    }

    @Test("Where the DNS left open who vouches for a message, it is neither refused nor let in")
    func undecided() async {
        let checker = DMARCChecker(
            TestZone("_dmarc.example.com TXT v=DMARC1; p=reject\n_dmarc.none.example TXT v=DMARC1; p=none"),
            Self.suffixes)
        func result(_ from: ByteString, spf: ByteString? = nil, signers: [ByteString] = []) async
            -> DMARCResult
        {
            var question = DMARCQuestion(fromDomains: [from])
            (question.undecidedSPF, question.undecidedSigners) = (spf, signers)
            return await checker.check(question).result
        }
        #expect(await result("example.com", spf: "mail.example.com") == .temperror)
        #expect(await result("example.com", signers: ["other.example", "example.com"]) == .temperror)
        #expect(await result("example.com", spf: "other.example", signers: ["other.example"]) == .reject)
        #expect(await result("none.example", spf: "none.example") == DMARCResult.none)
    }

    @Test("No record and no name, however strange, ends the process; only an aligned name makes it accept")
    func fuzz() async {
        var random = SeededGenerator(seed: 0x44_4D_41_52_43)
        let pieces = [
            "v=DMARC1", ";", "p", "=", "reject", " ", "pct", "rua", ",", "mailto:", "\u{0}",
            "999999999999999999999", "é", "sp",
        ]
        for _ in 0..<2_000 {
            let text =
                "v=DMARC1;"
                + (0..<Int.random(in: 0..<12, using: &random)).map { _ in
                    pieces.randomElement(using: &random) ?? ""
                }.joined()
            let domain = ByteString(
                (0..<Int.random(in: 0..<20, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                })
            let found = await Self.verdict("_dmarc.example.com TXT \(text)", spf: domain, signed: [domain])
            #expect(found.result != .accept)
            _ = Self.suffixes.organizationalDomain(of: domain)
        }
    }
}
