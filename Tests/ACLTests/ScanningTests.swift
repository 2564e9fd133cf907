import Bytes
import Configuration
import Expansion
import Foundation
import TestKit
import Testing

@testable import ACL

@Suite("Content scanning")
struct ScanningTests {
    @Test("The scanners that are named to users are those that are spoken to")
    func names() {
        #expect(Set(Capabilities.malware) == Set(MalwareScanner.allCases.map { ByteString($0.rawValue) }))
    }

    @Test(
        "A score is shown as the C library shows it, cut off as an integer, and drawn as a bar",
        arguments: [
            ("12.3", "12.3", 123, "++++++++++++"), ("-3.2", "-3.2", -31, "---"), ("0.05", "0.1", 0, "/"),
            ("0.95", "0.9", 9, "/"), ("4.99", "5.0", 49, "++++"), ("0.25", "0.2", 2, "/"),
            ("-0.04", "-0.0", 0, "/"),
        ])
    func score(text: String, shown: String, tenths: Int, bar: String) throws {
        let score = try #require(SpamScore(ByteString(text)[...]))
        #expect(score.shown.string == shown)
        #expect(score.tenths == tenths)
        #expect(score.bar(longest: 51).string == bar)
    }

    @Test(
        "No number of a scanner makes a score trap",
        arguments: ["1e400", "nan", "inf", "--1", "", "999999999999", "."])
    func nonsense(text: String) {
        let score = SpamScore(ByteString(text)[...])
        if let score { #expect(!score.shown.isEmpty && !score.bar(longest: 51).isEmpty) }
    }

    @Test(
        "A server of higher priority is asked first, one without weight last among equals, none outside its hours"
    )
    func servers() {
        var warnings: [ByteString] = []
        let items: [ByteString] = [
            "127.0.0.1 1 weight=0", "127.0.0.1 2", "127.0.0.1 3 pri=2", "127.0.0.1 4 time=8-9.30",
            "/a/socket pri=0",
        ]
        let servers = items.compactMap { SpamServer($0, &warnings) }
        var random = SeededGenerator(seed: 1)
        let night = SpamServer.order(servers, at: 0, random: &random)
        #expect(night.map(\.place) == [servers[2], servers[1], servers[0], servers[4]].map(\.place))
        let morning = SpamServer.order(servers, at: 9 * 3600, random: &random)
        #expect(morning.count == 5)
        #expect(warnings == [])
        #expect(SpamServer("127.0.0.1", &warnings) == nil)
        #expect(warnings == ["warning - invalid spamd address: '127.0.0.1'"])
    }

    @Test("What was made for scanning goes at the end, unless it is to stay", arguments: [false, true])
    func copy(keeping: Bool) async throws {
        let directory = try TemporaryDirectory()
        let data = try directory.write("1xUfI7-0003EL-sG-D\nbody\n", to: "data")
        let copy = ScanCopy(
            .init(
                folder: directory.file("scan"), id: "1xUfI7-0003EL-sG", data: data, bodyStart: 19,
                isWireFormat: false, owner: nil))
        try await copy.make(Facts(), date: "Thu Jan  1 00:00:00 1970")
        #expect(FileManager.default.fileExists(atPath: copy.path.string))
        await copy.finish(keeping: keeping)
        #expect(FileManager.default.fileExists(atPath: copy.path.string) == keeping)
        #expect(FileManager.default.fileExists(atPath: copy.folder.string) == keeping)
    }

    @Test("No answer of a spam scanner traps; what is read has a score")
    func fuzz() {
        let answers: [ByteString] = [
            "SPAMD/1.1 0 EX_OK\r\nContent-length: 9\r\n\r\n12.3/5.0\r\nReport\r\nmore\r\n",
            "RSPAMD/1.3 0 EX_OK\r\nMetric: default; True; 10.40 / 15.00 / 0.0\r\nAction: add header\r\n\r\n",
        ]
        var random = SeededGenerator(seed: 46)
        for _ in 0..<2000 {
            for answer in answers {
                let text = answer.mutated(using: &random)
                for result in [SpamResult(spamd: text), SpamResult(rspamd: text)] {
                    guard let result else { continue }
                    #expect(!result.score.shown.isEmpty)
                }
            }
        }
    }
}
