import Bytes
import Foundation
import Testing

@testable import Bobbin

/// Exim 4.96 and our personality on two copies of one spool.
struct Duel {
    let theirs: ScratchSpool
    let ours: ScratchSpool

    init(options: String = "") throws {
        try #require(Oracle.isThere, "\(Oracle.missing)")
        theirs = try ScratchSpool(options: options)
        ours = try ScratchSpool(options: options)
    }

    /// Does the same to both spools.
    func prepare(_ change: (ScratchSpool) throws -> Void) throws {
        for spool in [theirs, ours] {
            try change(spool)
            try spool.settle()
        }
    }

    /// Runs the same words on both sides and expects the same answer.
    ///
    /// Ages are told to the minute, and a minute may end between the two runs; so a listing gets a second chance.
    func expectSame(_ words: String..., sourceLocation: SourceLocation = #_sourceLocation) async throws {
        var (mine, exims) = try await answers(words)
        if mine != exims, words.contains(where: { $0.hasPrefix("-bp") }) {
            (mine, exims) = try await answers(words)
        }
        #expect(mine == exims, "\(words)", sourceLocation: sourceLocation)
    }

    private func answers(_ words: [String]) async throws -> (mine: Answer, exims: Answer) {
        let exim = try Shell.run(Oracle.path, ["-C", theirs.configuration] + words)
        let bobbin = await Ours.run(["-C", ours.configuration] + words, calledAs: "/usr/sbin/exim4")
        return (bobbin.masked(ours.directory), exim.masked(theirs.directory))
    }

    /// Expects the same logs and the same files; the moment of freezing may differ by a second.
    func expectSameFiles(sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(ours.mainLog() == theirs.mainLog(), sourceLocation: sourceLocation)
        let (mine, exims) = (try ours.contents(), try theirs.contents())
        #expect(mine.keys.sorted() == exims.keys.sorted(), sourceLocation: sourceLocation)
        for (name, octets) in exims {
            #expect(masked(mine[name]) == masked(octets), "\(name)", sourceLocation: sourceLocation)
        }
    }

    private func masked(_ octets: Data?) -> String? {
        octets.map { data in
            String(decoding: data, as: UTF8.self)
                .replacingOccurrences(of: "-frozen [0-9]+", with: "-frozen N", options: .regularExpression)
        }
    }
}

@Suite("The queue is listed as by Exim")
struct EximListingTests {
    @Test(
        "Each listing option prints Exim's octets",
        arguments: ["-bp", "-bpa", "-bpu", "-bpc"], ["", "split_spool_directory\n"])
    func listings(option: String, layout: String) async throws {
        try await Duel(options: layout).expectSame(option)
    }

    @Test("Unsorted listings have Exim's lines", arguments: ["-bpr", "-bpra", "-bpru"])
    func unsorted(option: String) async throws {
        let duel = try Duel()
        let exim = try Shell.run(Oracle.path, ["-C", duel.theirs.configuration, option])
        let bobbin = await Ours.run(["exim", "-C", duel.ours.configuration, option])
        let entries = { (text: String) in text.components(separatedBy: "\n\n").sorted() }
        #expect(entries(bobbin.output) == entries(exim.output))
    }

    @Test("Messages that are named are listed in the order given, and missing ones are told")
    func named() async throws {
        let duel = try Duel()
        try await duel.expectSame("-bp", "1xUfHu-0002gV-1G", "1xUfHo-0002UW-1v")
        try await duel.expectSame("-bpu", "1xUfHo-0002UW-00", "1xUfI0-0002nt-22")
    }

    @Test("Malformed header files are listed as by Exim")
    func malformed() async throws {
        let duel = try Duel()
        try duel.prepare(Self.spoil)
        for option in ["-bp", "-bpa", "-bpu", "-bpc"] { try await duel.expectSame(option) }
    }

    /// Sample messages, each broken in another way.
    static func spoil(_ spool: ScratchSpool) throws {
        let sample = try #require(spool.octets("input/1xUfHo-0002UW-1v-H"))
        let text = String(decoding: sample, as: UTF8.self)
        let variants = [
            "", "junk\n", String(text.dropLast(5)), text + "x", text + "\0\0",
            text.replacing("XX\n2\n", with: "XX\n3\n"), text.replacing("XX\n2\n", with: "XX\n1\n"),
            text.replacing("XX\n2\n", with: "XX\nq\n"), text.replacing("XX\n2\n", with: "NN dave\n2\n"),
            text.replacing("<root@example.org>\n", with: "root@example.org\n"),
            text.replacing("root 0 0\n", with: "root 0\n"),
            text.replacing("-local\n", with: "-local\n-frozen\n"),
            text.replacing("-local\n", with: "-local\n-frozen 12\n-sender_set_untrusted\n"),
            text.replacing("-local\n", with: "-local\n-unknown_thing x\n"),
            text.replacing("020T", with: "02T"), text.replacing("\n\n152P", with: "\n152P"),
        ]
        for (number, variant) in variants.enumerated() {
            let id = "1xUg\(number / 10)\(number % 10)-0002UW-1v"
            let octets = Data(variant.replacing("1xUfHo-0002UW-1v", with: id).utf8)
            try spool.write(octets, to: "input/\(id)-H")
            try spool.write(Data("\(id)-D\nhello\n".utf8), to: "input/\(id)-D")
        }
        try FileManager.default.removeItem(atPath: spool.path("input/1xUfHt-0002eX-0r-D"))
        try FileManager.default.removeItem(atPath: spool.path("input/1xUfHs-0002ac-07-H"))
    }

    @Test("Sizes and ages are rounded as by Exim")
    func sizesAndAges() async throws {
        let duel = try Duel()
        let now = Clock.now()
        try duel.prepare { spool in
            let sample = String(
                decoding: try #require(spool.octets("input/1xUfHo-0002UW-1v-H")), as: UTF8.self)
            let headers = 311
            let totals = [
                1023, 1024, 1280, 1331, 9999, 10_188, 10_189, 10_239, 10_240, 10_751, 10_752, 1_048_063,
                1_048_064, 1_048_575, 1_048_576, 1_100_000, 1_572_864, 10_433_331, 10_485_759, 10_485_760,
                99_999_999,
            ]
            for (number, total) in totals.enumerated() {
                let id = "1xUh\(number / 10)\(number % 10)-0002UW-1v"
                let age = [30, 3630, 5430, 5490, 9030, 257_430, 261_030, 864_030][number % 8]
                let text = sample.replacing("1xUfHo-0002UW-1v", with: id)
                    .replacing("1795245204 0\n", with: "\(now - Int64(age)) 0\n")
                try spool.write(Data(text.utf8), to: "input/\(id)-H")
                try Shell.run("truncate -s \(total - headers + 19) \(spool.path("input/\(id)-D"))")
            }
        }
        try await duel.expectSame("-bp")
    }
}
