import Bytes
import Foundation
import TestKit
import Testing
import Transports

@Suite("Quotas of mailboxes")
struct QuotaTests {
    @Test(
        "A maildirsize file adds its lines up; one that is damaged, long or below zero is made anew",
        arguments: [
            ("1000S,5C\n10 1\n-4 0\n", 6, 1), ("5C,1000S\n", 0, 0), ("0S\n  7\t 2\n1 1", 8, 3),
            ("1S,2Z\n3 1\n", 3, 1), ("", nil, nil), ("x\n", nil, nil), ("1S\n1\n", nil, nil),
            ("1S\n1 2 3\n", nil, nil), ("1S\n-1 1\n", nil, nil), ("1S\n99999999999999999999 1\n", nil, nil),
            ("1S\n\n1 1\n", nil, nil),
        ] as [(ByteString, Int64?, Int64?)])
    func sizes(text: ByteString, octets: Int64?, files: Int64?) {
        let sizes = MaildirSizes(text)
        #expect(sizes?.amount.octets == octets)
        #expect(sizes?.amount.files == files)
    }

    @Test("Whatever a maildirsize file holds is read or refused, and what we write is read as it was meant")
    func mutations() throws {
        var random = SeededGenerator(seed: 11)
        let seeds: [ByteString] = [
            "10000000S,500C\n123456 78\n312 1\n-312 -1\n",
            "0S\n9223372036854775807 1\n1 9223372036854775807\n",
            "-1C,,S\n\n", "1S\n" + ByteString(repeating: 0x30, count: MaildirSizes.sizeLimit - 4) + " 1\n",
        ]
        for seed in seeds {
            for _ in 0..<2000 {
                guard let sizes = MaildirSizes(seed.mutated(using: &random)) else { continue }
                #expect(sizes.amount.octets >= 0 && sizes.amount.files >= 0)
                #expect(MaildirSizes(sizes.text)?.amount == sizes.amount)
            }
        }
        #expect(MaildirSizes(ByteString("1S\n") + ByteString(repeating: 0x0A, count: 6000)) == nil)
    }

    @Test("Whatever a quota's text is, it is an amount or none")
    func values() throws {
        #expect(QuotaValue.parse("1.5K/no_check")?.amount == 1536)
        #expect(QuotaValue.parse("33.5%")?.amount == 33_500)
        var random = SeededGenerator(seed: 12)
        for seed in ["1.5K/no_check", "0x10M", "-1e308G", "99999999999999999999G", "33.5%"] as [ByteString] {
            for _ in 0..<2000 {
                guard let value = QuotaValue.parse(seed.mutated(using: &random)) else { continue }
                #expect(abs(value.amount) <= 1 << 62)
            }
        }
    }

    @Test("The count of a mailbox follows no link out of it, and a maildirsize that is a link is not touched")
    func links() throws {
        let directory = try TemporaryDirectory()
        try FileManager.default.createDirectory(
            atPath: directory.file("outside").string, withIntermediateDirectories: false)
        try directory.write(ByteString(repeating: 0x61, count: 5000), to: "outside/big")
        try directory.write("keep", to: "precious")
        for name in ["new", "cur", "tmp"] {
            try FileManager.default.createDirectory(
                atPath: directory.file("box/\(name)" as ByteString).string, withIntermediateDirectories: true)
        }
        for (link, target) in [("box/cur/dir", "outside"), ("box/cur/file", "outside/big")] {
            try FileManager.default.createSymbolicLink(
                atPath: directory.file(ByteString(link)).string,
                withDestinationPath: directory.file(ByteString(target)).string)
        }
        var order = LocalOrder(
            transport: "local", kind: .maildir, path: directory.file("box"), uid: geteuid(), gid: getegid(),
            hostName: "mail.example")
        order.content.head = "Subject: x\n\n"
        order.quota.size = .init(1000)
        order.quota.messageSize = 12
        #expect(LocalDelivery.perform(order, data: -1) == .delivered)
        (order.quota.usesSizeFile, order.quota.directoryPattern) = (true, "^(?:cur|new)$")
        try FileManager.default.createSymbolicLink(
            atPath: directory.file("box/maildirsize").string,
            withDestinationPath: directory.file("precious").string)
        guard case .deferred(let trouble) = LocalDelivery.perform(order, data: -1) else {
            Issue.record("delivered")
            return
        }
        #expect(trouble.errno == ELOOP)
        #expect(try directory.read("precious") == "keep")
    }
}
