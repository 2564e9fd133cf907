import Bytes
import MailText
import Spooler
import TestKit
import Testing

@testable import Receiver

@Suite("A message while it arrives")
struct IntakeTests {
    private func intake(_ directory: TemporaryDirectory, limit: Int = 0) -> MessageIntake {
        let ids = MessageIDGenerator(format: .long, processID: 1, clock: SpoolTime.now)
        return MessageIntake(
            spool: Spool(directory: directory.path), ids: ids, limits: HeaderLimits(total: 1000),
            sizeLimit: limit)
    }

    @Test("Header and body are told apart wherever the octets are cut", arguments: 1...20)
    func chunks(size: Int) throws {
        let directory = try TemporaryDirectory()
        var intake = intake(directory)
        let octets = ByteString("Subject: x\n folded\nTo: y\n\nbody one\nbody two\n").bytes
        for start in stride(from: 0, to: octets.count, by: size) {
            intake.take(Array(octets[start..<min(start + size, octets.count)]))
        }
        let message = try intake.finish()
        #expect(message.headers.map(\.text) == ["Subject: x\n folded\n", "To: y\n"])
        #expect(message.pending.bodySize == 18)
        #expect(message.pending.bodyLineCount == 2)
    }

    @Test(
        "What passes a limit is refused, and nothing is left behind",
        arguments: [
            (10, "A: b\n\n0123456789\n"),
            (0, "X: " + [UInt8](repeating: UInt8(ascii: "x"), count: 3000) + "\n\n".utf8),
        ] as [(Int, ByteString)])
    func limits(limit: Int, octets: ByteString) throws {
        let directory = try TemporaryDirectory()
        var intake = intake(directory, limit: limit)
        intake.take(octets.bytes)
        var isRefused = false
        do { _ = try intake.finish() } catch { isRefused = true }
        #expect(isRefused)
        var left = 0
        try Spool(directory: directory.path).check(olderThan: -1, now: SpoolTime.now().seconds) { _ in
            left += 1
        }
        #expect(left == 0)
    }
}
