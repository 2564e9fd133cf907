import Bytes
import Foundation
import Spooler
import Testing

@testable import Bobbin

@Suite("Messages are changed as by Exim")
struct EximMessageTests {
    private let id = "1xUfHo-0002UW-1v"
    private let other = "1xUfHo-0002UX-20"

    @Test("-Mf and -Mt, twice each, answer, log and write as Exim does")
    func freezeAndThaw() async throws {
        let duel = try Duel()
        for option in ["-Mf", "-Mf", "-Mt", "-Mt", "-Mf"] { try await duel.expectSame(option, id, other) }
        try await duel.expectSame("-bp")
        try duel.expectSameFiles()
    }

    @Test("-Mar, -Mmd, -Mmad and -Mes answer, log and write as Exim does")
    func envelope() async throws {
        let duel = try Duel()
        try await duel.expectSame("-Mar", id, "a@B.c", "<x@Y.z>", "Foo Bar <foo@bar>", "\"q l\"@x", "@x:a@y")
        try await duel.expectSame("-Mmd", id, "a@B.c")
        try await duel.expectSame("-Mes", id, "<>")
        try await duel.expectSame("-Mes", id, "foo@Bar")
        try await duel.expectSame("-Mmad", other, "1xUfHr-0002aG-2g")
        try duel.expectSameFiles()
    }

    @Test("Addresses that are wrong are refused in Exim's words, and nothing is written")
    func refusedAddresses() async throws {
        let duel = try Duel()
        let before = try duel.ours.contents()
        try await duel.expectSame("-Mar", id)
        for address in ["c", "d@@e", "<>", "", "a@b, c@d"] {
            try await duel.expectSame("-Mar", id, "good@example.org", address)
        }
        try await duel.expectSame("-Mmd", id, "BOB@example.net", "bob@example.net")
        try await duel.expectSame("-Mes", id)
        try await duel.expectSame("-Mes", id, "")
        try await duel.expectSame("-Mes", id, "foo")
        try await duel.expectSame("-Mes", id, "a@b", "c@d")
        #expect(try duel.ours.contents() == before)
        #expect(duel.ours.mainLog().isEmpty)
    }

    @Test("-Mrm removes what there is of whole, headless, bodyless and malformed messages as Exim does")
    func remove() async throws {
        let duel = try Duel()
        try duel.prepare { spool in
            try FileManager.default.removeItem(atPath: spool.path("input/1xUfHt-0002eX-0r-H"))
            try FileManager.default.removeItem(atPath: spool.path("input/1xUfHr-0002aG-2g-D"))
            try spool.write(Data("junk\n".utf8), to: "input/1xUfHs-0002ac-07-H")
        }
        try await duel.expectSame("-Mrm", id, id)
        for damaged in ["1xUfHt-0002eX-0r", "1xUfHr-0002aG-2g", "1xUfHs-0002ac-07"] {
            for option in ["-Mf", "-Mvc", "-Mrm"] { try await duel.expectSame(option, damaged) }
        }
        try await duel.expectSame("-Mrm", other, "1xUfHo-0002UW-00")
        try duel.expectSameFiles()
    }

    @Test("-Mvh, -Mvb, -Mvl and -Mvc print what Exim prints, also for what is not there")
    func show() async throws {
        let duel = try Duel()
        for option in ["-Mvh", "-Mvb", "-Mvl", "-Mvc"] {
            for message in [id, "1xUfHr-0002Zu-1G", "1xUfHo-0002UW-00"] {
                try await duel.expectSame(option, message)
            }
        }
        try await duel.expectSame("-Mvh", id, other)
        try duel.expectSameFiles()
    }

    @Test("-MG moves to a named queue and back as Exim does")
    func queues() async throws {
        let duel = try Duel()
        try await duel.expectSame("-MG", "bulk", id, other)
        try await duel.expectSame("-qGbulk", "-bp")
        try await duel.expectSame("-bpc", "-qGbulk/")
        try await duel.expectSame("-MG", "bulk", id)
        try await duel.expectSame("-qGbulk", "-MG", "", other)
        try duel.expectSameFiles()
    }

    @Test("A message that somebody holds is left alone, in Exim's words")
    func locked() async throws {
        let duel = try Duel()
        let holders = try [duel.theirs, duel.ours].map { try LockHolder($0, id) }
        for option in ["-Mf", "-Mt", "-Mrm", "-Mvc", "-Mmad"] { try await duel.expectSame(option, id) }
        try await duel.expectSame("-Mar", id, "a@b")
        try await duel.expectSame("-Mes", id, "a@b")
        try await duel.expectSame("-MG", "bulk", id)
        try duel.expectSameFiles()
        withExtendedLifetime(holders) {}
    }
}

/// Exim's lock on a message, held as long as the value lives.
final class LockHolder {
    private let outcome: LockOutcome

    init(_ spool: ScratchSpool, _ id: String) throws {
        outcome = try Spool(directory: ByteString(spool.path(""))).lock(#require(MessageID(id.utf8)))
    }
}
