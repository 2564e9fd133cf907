import Bytes
import Foundation
import Spooler
import Testing

@Suite("Locks")
struct LockTests {
    /// Locks the first octets of a file as Exim does, says so, and holds on until its input ends.
    private static let classicLocker = #"""
        import fcntl, os, struct, sys
        fd = os.open(sys.argv[1], os.O_RDWR | os.O_APPEND)
        try:
            fcntl.fcntl(fd, fcntl.F_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, int(sys.argv[3]), int(sys.argv[2]), 0))
            os.write(1, b'locked\n')
            sys.stdin.read()
        except OSError:
            os.write(1, b'refused\n')
        """#

    private func data(_ id: MessageID, _ scratch: ScratchSpool) -> String { "\(scratch.path)/input/\(id)-D" }

    @Test("What we hold, a classic lock of another process cannot have", arguments: MessageID.Format.allCases)
    func excludesOthers(format: MessageID.Format) throws {
        let scratch = try ScratchSpool()
        let id = try scratch.spool.accept(format: format)
        let held = try scratch.spool.take(id)
        let python = ["-c", Self.classicLocker, data(id, scratch)]
        #expect(try run("/usr/bin/python3", python + ["\(id.lockLength)", "0"]).output == "refused\n")
        #expect(try run("/usr/bin/python3", python + ["1", "18"]).output == "refused\n")
        #expect(try run("/usr/bin/python3", python + ["10", "\(id.lockLength)"]).output == "locked\n")
        _ = consume held
        #expect(try run("/usr/bin/python3", python + ["\(id.lockLength)", "0"]).output == "locked\n")
    }

    @Test(
        "What another process holds with a classic lock, we cannot have", arguments: MessageID.Format.allCases
    )
    func isExcluded(format: MessageID.Format) throws {
        let scratch = try ScratchSpool()
        let id = try scratch.spool.accept(format: format)
        let process = Process()
        let (output, input) = (Pipe(), Pipe())
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = ["-c", Self.classicLocker, data(id, scratch), "\(id.lockLength)", "0"]
        process.standardOutput = output
        process.standardInput = input
        try process.run()
        #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "locked\n")
        #expect(try scratch.spool.isHeld(id))
        #expect(try scratch.spool.remove(id) == .held)
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        #expect(try !scratch.spool.isHeld(id))
    }

    @Test("Within one process a message is held once, and other openings of -D do not lose it")
    func oneProcess() throws {
        let scratch = try ScratchSpool()
        let id = try scratch.spool.accept()
        let held = try scratch.spool.take(id)
        #expect(try scratch.spool.isHeld(id))
        _ = try scratch.read("input/\(id)-D")
        #expect(try scratch.spool.isHeld(id))
        _ = try scratch.spool.read(id)
        #expect(try scratch.spool.isHeld(id))
        _ = consume held
        #expect(try !scratch.spool.isHeld(id))
    }

    @Test("A descriptor that somebody inherited does not keep a lock that we gave up")
    func inherited() throws {
        let scratch = try ScratchSpool()
        let id = try scratch.spool.accept()
        let message = try scratch.spool.take(id)
        let copy = try message.withDataDescriptor { dup($0) }
        #expect(try scratch.spool.isHeld(id))
        _ = consume message
        #expect(try !scratch.spool.isHeld(id))
        close(copy)
    }

    @Test("A message that is being received is held, and no message yet")
    func reception() throws {
        let scratch = try ScratchSpool()
        let pending = try scratch.spool.newMessage(generator())
        #expect(try scratch.spool.isHeld(pending.id))
        #expect(try scratch.spool.count() == 0)
        let committed = try pending.commit(try sampleHeader())
        #expect(try scratch.spool.isHeld(committed.id))
        #expect(try scratch.spool.count() == 1)
        let id = committed.id
        committed.release()
        #expect(try !scratch.spool.isHeld(id))
    }

    @Test("A symbolic link is not followed, a directory and a missing file are not locked")
    func strange() throws {
        let scratch = try ScratchSpool()
        let id = try scratch.spool.accept()
        let path = data(id, scratch)
        try FileManager.default.moveItem(atPath: path, toPath: path + "x")
        #expect(try outcome(scratch.spool, id) == "noData")
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path + "x")
        #expect(throws: SpoolError.self) { try outcome(scratch.spool, id) }
    }

    private func outcome(_ spool: Spool, _ id: MessageID) throws -> String {
        switch try spool.open(id) {
        case .opened: "opened"
        case .held: "held"
        case .gone: "gone"
        case .noData: "noData"
        case .noHeader: "noHeader"
        case .malformed: "malformed"
        }
    }
}
