import Bytes
import Foundation
import MailSystem
import TestKit
import Testing

@testable import Bobbin

@Suite("Texts and numbers")
struct TextTests {
    @Test(
        "Ages change their unit after 90 minutes and 72 hours",
        arguments: [
            (0, " 0m "), (59, " 0m "), (60, " 1m "), (5400, "90m "), (5460, " 2h "), (257_400, "72h "),
            (261_000, " 3d "), (864_000, "10d "), (-120, "-2m "),
        ] as [(Int64, ByteString)])
    func ages(seconds: Int64, expected: ByteString) {
        #expect(ListingNumbers.age(seconds: seconds) == expected)
    }

    @Test(
        "Sizes fill five columns, and round as printf does",
        arguments: [
            (0, "     "), (1, "    1"), (1023, " 1023"), (1024, " 1.0K"), (1280, " 1.2K"), (1331, " 1.3K"),
            (10_239, "10.0K"),
            (10_240, "  10K"), (1_048_575, "1024K"), (1_048_576, " 1.0M"), (10_485_759, "10.0M"),
            (10_485_760, "  10M"), (1 << 33, "8192M"), (-5, "   -5"),
        ] as [(Int, ByteString)])
    func sizes(size: Int, expected: ByteString) {
        #expect(ListingNumbers.size(size) == expected)
    }

    @Test("Any octets become good JSON, and Python's surrogateescape reads them back")
    func json() throws {
        var random = SeededGenerator(seed: 8259)
        var object = JSONObject()
        var hex: [String] = []
        for number in 0..<300 {
            let octets = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                Bool.random(using: &random)
                    ? UInt8.random(in: 0...255, using: &random)
                    : ([0xC3, 0xA9, 0xED, 0xA0, 0x80, 0xF0, 0x9F, 0x98, 0x80, 0x22, 0x5C] as [UInt8])
                        .randomElement(using: &random) ?? 0
            }
            object.add("k\(number)", ByteString(octets))
            hex.append(octets.map { String(format: "%02x", $0) }.joined())
        }
        let file = NSTemporaryDirectory() + "bobbin-json-" + UUID().uuidString
        try Data(object.text.bytes).write(to: URL(fileURLWithPath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let script =
            "import json,sys\nfor v in json.load(open(sys.argv[1],'rb')).values(): print(v.encode('utf-8','surrogateescape').hex())"
        let answer = try Shell.run("/usr/bin/python3", ["-c", script, file])
        #expect(answer.output == hex.map { $0 + "\n" }.joined())
    }

    @Test(
        "Queue names stay inside the spool",
        arguments: [
            ("", true), ("bulk", true), ("a/b", true), ("..", false), ("a/..", false), ("/", false),
            ("a//b", false), ("a b", false),
        ])
    func queueNames(name: String, isValid: Bool) {
        #expect(QueueName.isValid(ByteString(name)) == isValid)
    }

    @Test("Root, the mail user and members of its group are admin users; others are not")
    func admins() throws {
        let spool = try ScratchSpool(options: "exim_user = mail\nexim_group = 4000\n")
        let site = try Site(.init(file: ByteString(spool.configuration)))
        let callers: [(UInt32, UInt32, [UInt32], Bool)] = [
            (0, 0, [], true), (8, 1, [], true), (5, 4000, [], true), (5, 1, [7, 4000], true),
            (5, 1, [7], false),
        ]
        for (uid, gid, groups, expected) in callers {
            let caller = Caller(uid: uid, gid: gid, groups: groups, login: "x")
            #expect(site.isAdmin(caller) == expected)
            #expect(site.mayList(caller) == expected)
        }
    }
}
