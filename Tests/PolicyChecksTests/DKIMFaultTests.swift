import Bytes
import OpenSSL
import PolicyChecks
import TestKit
import Testing

@Suite("DKIM: what makes a signature count for nothing")
struct DKIMFaultTests {
    private static func fault(_ tags: ByteString) throws -> DKIMSignature.Fault? {
        try #require(DKIMSignature("DKIM-Signature: v=1; a=rsa-sha256; s=s; bh=AAAA; b=AAAA; \(tags)\n"))
            .fault
    }

    @Test("A message with more header lines than are looked at has no signature that counts")
    func manyHeaders() throws {
        let message: ByteString = "From: a@sign.test\nSubject: x\n\nbody\n"
        let (lines, _) = DKIMSamples.parts(
            try DKIMSamples.signed(message, [DKIMSamples.order(.ed25519, .relaxed)]))
        for (count, refusal) in [(512, nil), (513, .tooManyHeaders)] as [(Int, DKIMEvidence.Refusal?)] {
            let filler = Array(repeating: "X: y\n" as ByteString, count: count - lines.count)
            let evidence = try #require(DKIMHashing(lines + filler)).finish()
            #expect(evidence.refusal == refusal)
            #expect(evidence.signatures.isEmpty == (refusal != nil))
        }
    }

    @Test("What is added to the end of a long signed header line breaks the signature")
    func longHeaders() async throws {
        let long = ByteString([UInt8](repeating: UInt8(ascii: "x"), count: 1 << 16))
        let message: ByteString = "From: a@sign.test\nSubject: \(long)\n\nbody\n"
        let signed = try DKIMSamples.signed(message, [DKIMSamples.order(.ed25519, .relaxed)])
        #expect(await DKIMSamples.check(signed).map(\.result) == [.pass])
        let changed = signed.replacing(ByteString("xx\n\nbody"), with: ByteString("xx more\n\nbody"))
        #expect(changed != signed)
        #expect(await DKIMSamples.check(changed).map(\.result) == [.signatureIncorrect])
    }

    @Test(
        "A signature without From: in h= is invalid",
        arguments: [("from", true), ("To : FROM", true), ("to:subject", false), ("from-x:xfrom", false)])
    func from(names: String, isGood: Bool) throws {
        #expect(try Self.fault("d=d.test; h=\(ByteString(names))") == (isGood ? nil : .tags))
    }

    @Test(
        "A signature whose i= is outside of d= is invalid",
        arguments: [
            ("@d.test", true), ("a@D.Test", true), ("a=40b@x.d.test", true), ("a@b@d.test", true),
            ("@bank.test", false), ("@xd.test", false), ("@test", false), ("d.test", false), ("", false),
            ("a@d.test@bank.test", false), ("@d.test.bank.test", false),
        ])
    func identity(identity: String, isGood: Bool) throws {
        let tags: ByteString = "d=d.test; h=from; i=\(ByteString(identity))"
        #expect(try Self.fault(tags) == (isGood ? nil : .tags))
    }

    @Test("A signature in which a tag is given twice is invalid, and so is a key record")
    func duplicates() throws {
        #expect(try Self.fault("d=d.test; h=from; d=d.test") == .tags)
        #expect(try Self.fault("d=d.test; h=from; foo=1; foo=1") == .tags)
        #expect(DKIMKeyRecord("v=DKIM1; p=AAAA; p=AAAA") == nil)
        #expect(DKIMKeyRecord("v=DKIM1; p=AAAA") != nil)
    }

    @Test("A key with t=s is for identities of its own domain only")
    func strictKeys() async throws {
        let zone = TestZone(
            DKIMSamples.zoneText.replacing(
                "ed._domainkey.sign.test TXT v=DKIM1;", with: "ed._domainkey.sign.test TXT v=DKIM1; t=s;"))
        try #require(zone.names != DKIMSamples.zone.names)
        for (identity, result) in [("a@sign.test", .pass), ("a@x.sign.test", .identityNotAllowed)]
            as [(ByteString, DKIMResult)]
        {
            var order = DKIMSamples.order(.ed25519, .relaxed)
            order.identity = identity
            let (lines, body) = DKIMSamples.parts(
                try DKIMSamples.signed("From: a@sign.test\n\nx\n", [order]))
            let hashing = try #require(DKIMHashing(lines))
            hashing.take(body)
            #expect(await DKIMVerifier(zone).check(hashing.finish()).map(\.result) == [result])
        }
        #expect(DKIMResult.identityNotAllowed.status == "fail")
    }

    @Test("What would be several items of $dkim_signers, or change its separator, is not in it")
    func signers() throws {
        func signers(_ tags: ByteString) throws -> [ByteString] {
            try #require(DKIMSignature("DKIM-Signature: a=rsa-sha256; \(tags)\n")).signers
        }
        #expect(try signers("d=d.test; i=a@d.test") == ["d.test", "a@d.test"])
        #expect(try signers("d=d.test:bank.test; i=a:b@d.test") == [])
        #expect(try signers("d=<,bank.test,d.test; i=a=20b@d.test") == [])
    }

    @Test("dkim_timestamps takes a number of seconds; 0 writes when it was made, and no end")
    func timestamps() throws {
        #expect(DKIMSigningOrder.seconds(" 3600 ") == 3600)
        for text in ["", "x", "1h", "-1", "99999999999999999999"] as [ByteString] {
            #expect(DKIMSigningOrder.seconds(text) == nil, "\(text)")
        }
        var order = DKIMSamples.order(.ed25519, .relaxed)
        for (lifetime, end) in [(0, nil), (60, 1_700_000_060)] as [(Int64, Int64?)] {
            order.lifetime = lifetime
            let (lines, _) = DKIMSamples.parts(try DKIMSamples.signed("From: a@sign.test\n\nx\n", [order]))
            let signature = try #require(DKIMSignature(lines[0]))
            #expect(signature.created == 1_700_000_000)
            #expect(signature.expires == end)
        }
    }

    @Test("Domains and selectors beyond ASCII are signed for by their A-labels")
    func labels() {
        #expect(DKIMSigningOrder.asciiName("b\u{FC}cher.test") == "xn--bcher-kva.test")
        #expect(DKIMSigningOrder.asciiName("plain_1.test") == "plain_1.test")
        #expect(DKIMSigningOrder.asciiName(ByteString([0xFF, 0x2E, 0x61])) == nil)
        #expect(DKIMSigningOrder.asciiIdentity("\u{FC}@b\u{FC}cher.test") == "\u{FC}@xn--bcher-kva.test")
    }
}
