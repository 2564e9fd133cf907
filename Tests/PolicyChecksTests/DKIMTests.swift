import Bytes
import OpenSSL
import PolicyChecks
import TestKit
import Testing

@Suite("DKIM: forms, tags, keys and verdicts")
struct DKIMTests {
    @Test("The example of RFC 6376, section 3.4.5, has the canonical forms that stand there")
    func exampleForms() {
        let headers: [ByteString] = ["A: X\n", "B : Y\t\n\tZ  \n"]
        #expect(headers.map(DKIMCanonicalization.relaxed.header) == ["a:X\r\n", "b:Y Z\r\n"])
        #expect(headers.map(DKIMCanonicalization.simple.header) == ["A: X\r\n", "B : Y\t\r\n\tZ  \r\n"])
        let body: ByteString = " C \nD \t E\n\n\n"
        #expect(Self.canonical(body, .relaxed) == " C\r\nD E\r\n")
        #expect(Self.canonical(body, .simple) == " C \r\nD \t E\r\n")
    }

    @Test("An empty body is one empty line in simple form, and nothing in relaxed form")
    func emptyBodies() {
        for body in ["", "\n", "\n\n\n"] as [ByteString] {
            #expect(Self.canonical(body, .simple) == "\r\n")
            #expect(Self.canonical(body, .relaxed) == "")
        }
        #expect(Self.canonical(" \t\n\n", .relaxed) == "")
        #expect(Self.canonical("no end", .simple) == "no end\r\n")
    }

    static func canonical(_ body: ByteString, _ form: DKIMCanonicalization, pieces: Int = .max) -> ByteString
    {
        var result = ByteString()
        var canonical = DKIMBodyForm(form)
        var rest = body[...]
        while !rest.isEmpty {
            canonical.take(rest.prefix(pieces)) { result += $0 }
            rest = rest.dropFirst(pieces)
        }
        canonical.finish { result += $0 }
        return result
    }

    @Test("A body in pieces has the form of the body at once", arguments: DKIMCanonicalization.allCases)
    func pieces(form: DKIMCanonicalization) {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<200 {
            let body = ByteString(DKIMSamples.parts(DKIMSamples.message(&random)).body)
            let whole = Self.canonical(body, form)
            for size in [1, 2, 3, 7] { #expect(Self.canonical(body, form, pieces: size) == whole) }
        }
    }

    @Test("Both signatures of RFC 8463, appendix A.3, verify")
    func rfc8463() async {
        let verdicts = await DKIMSamples.check(fixture("rfc8463.eml"))
        #expect(verdicts.map(\.result) == [.pass, .pass])
        #expect(verdicts.map(\.signature.algorithm.word) == ["ed25519-sha256", "rsa-sha256"])
        #expect(verdicts.map(\.keyBits) == [256, 1024])
    }

    @Test(
        "What is signed verifies, by each type of key in each form",
        arguments: KeyType.allCases, DKIMCanonicalization.allCases)
    func roundTrip(type: KeyType, form: DKIMCanonicalization) async throws {
        var random = SeededGenerator(seed: 12)
        for _ in 0..<40 {
            let message = try DKIMSamples.signed(
                DKIMSamples.message(&random), [DKIMSamples.order(type, form)])
            #expect(await DKIMSamples.check(message).map(\.result) == [.pass], "\(message)")
        }
    }

    @Test("A message in which one signed octet is another one never verifies", arguments: KeyType.allCases)
    func changed(type: KeyType) async throws {
        var random = SeededGenerator(seed: 13)
        let original: ByteString =
            "From: alice@sign.test\nSubject: a few words\nTo: bob@example.org\n\nWords and more.\nThe end.\n"
        let signed = try DKIMSamples.signed(original, [DKIMSamples.order(type, .simple)])
        #expect(await DKIMSamples.check(signed).map(\.result) == [.pass])
        let start = signed.count - original.count
        for _ in 0..<150 {
            var other = signed
            let place = Int.random(in: start..<other.count, using: &random)
            let octet = UInt8.random(in: 0x21...0x7E, using: &random)
            if other[place] == octet { continue }
            other[place] = octet
            #expect(!(await DKIMSamples.check(other).contains { $0.result == .pass }), "\(other)")
        }
    }

    @Test("A signature that is changed anywhere verifies only as another way to write the same")
    func changedSignature() async throws {
        var random = SeededGenerator(seed: 14)
        let signed = try DKIMSamples.signed(
            "From: a@sign.test\nSubject: x\n\nbody\n", [DKIMSamples.order(.ed25519, .simple)])
        let (lines, body) = DKIMSamples.parts(signed)
        let good = try #require(DKIMSignature(lines[0]))
        let octets = good.signedOctets(Array(lines.dropFirst()))
        for _ in 0..<300 {
            let line = lines[0].mutated(using: &random)
            let message = ByteString(([line] + lines.dropFirst()).joined(separator: "")) + "\n" + body
            let verdicts = await DKIMSamples.check(message)
            for verdict in verdicts where verdict.result == .pass {
                #expect(
                    verdict.signature.signedOctets(Array(lines.dropFirst())) == octets
                        && verdict.signature.signature == good.signature, "\(line)")
            }
        }
    }

    @Test("Signatures and key records of any octets are read, or refused, and never trap")
    func mutations() {
        var random = SeededGenerator(seed: 15)
        let signature: ByteString = """
            DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=sign.test; s=rsa; t=1; x=2; l=3;
             h=From : To:Subject; i=@sign.test; q=dns/txt; z=From:a=20b|To:c; bh=AAAA; b=AA AA;

            """
        let record: ByteString = "v=DKIM1; k=rsa; h=sha1:sha256; s=email:*; t=y:s; g=*; n=a=20note; p=AAAA"
        for _ in 0..<3000 {
            let line = signature.mutated(using: &random)
            if let read = DKIMSignature(line) { _ = read.signedOctets([line, "From: a\n"]) }
            _ = DKIMKeyRecord(record.mutated(using: &random))
        }
    }

    @Test("A tag that is given twice makes the list invalid, and what is no tag is passed over")
    func tags() {
        let tags = DKIMTags(" a = 1 ; b=\n two ;; junk ;=x; a=3; c=x=y ".utf8)
        #expect(tags["a"] == "3")
        #expect(tags["b"] == "two")
        #expect(tags["c"] == "x=y")
        #expect(tags["junk"] == nil)
        #expect(tags.hasDuplicates)
        #expect(!DKIMTags("a=1; A=1; b=1".utf8).hasDuplicates)
    }

    @Test("A limit of the body that cannot be read is not taken for none")
    func oddLimits() throws {
        for limit in ["-1", "99999999999999999999", "x", ""] as [ByteString] {
            let line: ByteString =
                "DKIM-Signature: v=1; a=rsa-sha256; d=d; s=s; h=from; l=\(limit); bh=AAAA; b=AAAA\n"
            #expect(try #require(DKIMSignature(line)).fault == .tags, "\(limit)")
        }
    }

    @Test("Of each name the lowest line counts that has not been used")
    func headerOrder() throws {
        let signature = try #require(
            DKIMSignature("DKIM-Signature: a=rsa-sha256; c=relaxed; h=x:X:x:x:y; b=\n"))
        let octets = signature.signedOctets(["X: 1\n", "Y: 2\n", "x : 3\n"])
        #expect(
            octets == "x:3\r\nx:1\r\ny:2\r\ndkim-signature:a=rsa-sha256; c=relaxed; h=x:X:x:x:y; b=")
    }

    @Test("A message without a signature costs no hashing, and one with twenty is not looked at")
    func limits() {
        #expect(DKIMHashing(["From: a\n", "X-DKIM-Signature: b\n", "DKIM-Signature\n"]) == nil)
        let line: ByteString = "DKIM-Signature: v=1; a=rsa-sha256; d=d; s=s; h=from; bh=AAAA; b=AAAA\n"
        let many = DKIMHashing(Array(repeating: line, count: 20))?.finish()
        #expect(many?.refusal == .tooMany)
        #expect(many?.signatures == [])
        #expect(DKIMHashing(Array(repeating: line, count: 19))?.finish().signatures.count == 19)
    }

    @Test("A key that the DNS cannot give now is told apart from one that is not there")
    func undecided() async throws {
        let zone = TestZone("slow._domainkey.sign.test TIMEOUT")
        for (selector, isUndecided) in [("slow", true), ("none", false)] as [(ByteString, Bool)] {
            var order = DKIMSamples.order(.ed25519, .relaxed)
            order.selector = selector
            let (lines, body) = DKIMSamples.parts(try DKIMSamples.signed("From: a@sign.test\n\nx\n", [order]))
            let hashing = try #require(DKIMHashing(lines))
            hashing.take(body)
            let verdict = try #require(await DKIMVerifier(zone).check(hashing.finish()).first)
            #expect(verdict.result == .keyUnavailable)
            #expect(verdict.isUndecided == isUndecided)
        }
    }

    @Test("When the time for a message's keys is over, the rest have none, and are undecided")
    func lateKeys() async throws {
        let order = DKIMSamples.order(.ed25519, .relaxed)
        let (lines, body) = DKIMSamples.parts(try DKIMSamples.signed("From: a@sign.test\n\nx\n", [order]))
        let hashing = try #require(DKIMHashing(lines))
        hashing.take(body)
        let verifier = DKIMVerifier(DKIMSamples.zone, timeLimit: .zero)
        let verdict = try #require(await verifier.check(hashing.finish()).first)
        #expect(verdict.result == .keyUnavailable)
        #expect(verdict.isUndecided)
    }

    @Test("A signature is weak when its time is over, or the body goes on behind its l=")
    func weakness() throws {
        func evidence(_ tags: ByteString) throws -> DKIMEvidence {
            let line: ByteString =
                "DKIM-Signature: v=1; a=rsa-sha256; d=d; s=s; h=from; \(tags); bh=AAAA; b=AAAA\n"
            let hashing = try #require(DKIMHashing([line, "From: a@d\n"]))
            hashing.take(ByteString("1234\n").bytes[...])
            return hashing.finish()
        }
        for (limit, isCut) in [(0, true), (5, true), (6, false), (7, false)] {
            #expect(try evidence("l=\(limit)").cutBodies.isEmpty == !isCut, "l=\(limit)")
        }
        #expect(try evidence("t=1").cutBodies.isEmpty)
    }

    @Test("A signature is past its time the second after x=")
    func expiry() async throws {
        var order = DKIMSamples.order(.ed25519, .relaxed)
        order.lifetime = 10
        let message = try DKIMSamples.signed("From: a@sign.test\n\nx\n", [order])
        let verdict = try #require(await DKIMSamples.check(message).first)
        #expect(verdict.result == .pass)
        #expect(!verdict.isWeak(at: 1_700_000_010))
        #expect(verdict.isWeak(at: 1_700_000_011))
    }

    @Test("A body without end keeps nothing: empty lines are counted, and written when something follows")
    func longBodies() {
        var form = DKIMBodyForm(.simple)
        var (octets, longest) = (0, 0)
        func sink(_ output: [UInt8]) {
            octets += output.count
            longest = max(longest, output.count)
        }
        let lines = [UInt8](repeating: .newline, count: 1 << 16)
        for _ in 0..<16 { form.take(lines[...], sink) }
        #expect(octets == 0)
        form.take([UInt8(ascii: "x")], sink)
        form.finish(sink)
        #expect(octets == 2 * 16 << 16 + 3)
        #expect(longest <= 1 << 15)
    }

    @Test("A key signs as RFC 8032, section 7.1, says, and nothing but its own signature is good")
    func keys() throws {
        let seed = try #require(Base64.decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=".utf8))
        let der = ByteString([0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20]) + seed
        let pem: ByteString =
            "-----BEGIN PRIVATE KEY-----\n\(Base64.encode(der))\n-----END PRIVATE KEY-----\n"
        let signature = try PrivateKey(pem: pem).sign("", .sha256)
        #expect(
            Hex.encode(signature).string == """
                e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
                d25bf5f0595bbe24655141438e7a100b
                """)
        let octets = try #require(Base64.decode("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=".utf8))
        let key = try PublicKey(ed25519: octets)
        try key.check(signature, of: "", .sha256)
        var isRefused = false
        do throws(OpenSSLError) { try key.check(signature, of: "x", .sha256) } catch { isRefused = true }
        #expect(isRefused)
    }
}
