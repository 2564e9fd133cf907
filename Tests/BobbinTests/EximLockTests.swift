import Bytes
import Foundation
import TestKit
import Testing

@testable import Bobbin

@Suite("exim_lock", .timeLimit(.minutes(20)))
struct EximLockTests {
    private let directory: TemporaryDirectory
    private let mailbox: String

    init() throws {
        directory = try TemporaryDirectory()
        mailbox = directory.file("mbox").string
        try directory.write("From a\n", to: "mbox")
    }

    private static let exim = "/usr/sbin/exim_lock"

    /// Runs Exim's program and ours with the same words, one after the other.
    private func both(_ words: [String]) async throws -> (exim: Answer, ours: Answer) {
        try #require(FileManager.default.isExecutableFile(atPath: Self.exim), "needs the package exim4-base")
        return (
            masked(try Self.eximLock(words)), masked(await Ours.run(words, calledAs: "/usr/bin/exim_lock"))
        )
    }

    /// Runs Exim's program with the signals of a login shell: it waits for an alarm, which our threads may block.
    private static func eximLock(_ words: [String]) throws -> Answer {
        let ending = try ChildProcess(exim, words).wait()
        return Answer(
            output: ending.output.string, errors: ending.errors.string, status: Int32(ending.code ?? -1))
    }

    /// The same with times and process numbers hidden.
    private func masked(_ answer: Answer) -> Answer {
        var answer = answer.masked(directory.path.string)
        answer.output = answer.output.replacing(/\.[0-9a-f]{8}\.[0-9a-f]{8}/, with: ".TIME.PROCESS")
        return answer
    }

    @Test(
        "Prints what Exim's prints, and ends as it ends",
        arguments: [
            "", "-x F true", "-retries", "-restore_times F true", "F true extra", "F true", "-v F true",
            "-q F true",
            "F false", "-v -fcntl F true", "-v -flock F true", "-v -fcntl -flock F true",
            "-v -lockfile F true",
            "-v -mbx F true", "-v -mbx -lockfile F true", "-v -mbx -flock F true",
            "-v -mbx -fcntl -flock F true",
            "-v -restore-times F true", "-retries 0 F true", "-retries x F true", "-retries 1x F true",
            "-timeout 2 -v F true", "-interval 0 -v F true", "-v D/none true", "-fcntl D/none true",
            "-v -lockfile D/none/mbox true", "-v -retries 1 D true",
        ])
    func alike(line: String) async throws {
        let words = line.split(separator: " ").map {
            $0.replacingOccurrences(of: "F", with: mailbox).replacingOccurrences(
                of: "D/", with: "\(directory.path)/")
        }.map { $0 == "D" ? directory.path.string : $0 }
        let (exim, ours) = try await both(words)
        #expect(ours == exim)
        #expect(!FileManager.default.fileExists(atPath: mailbox + ".lock"))
        #expect(try directory.read("mbox") == "From a\n")
    }

    @Test(
        "What somebody else holds is waited for and given up, in Exim's words",
        arguments: [
            ("lockfile", "-v"), ("lockfile", "-v -mbx -lockfile"), ("fcntl", "-v"),
            ("fcntl", "-v -timeout 1 -fcntl"),
            ("fcntl", "-mbx"), ("flock", "-v -flock"), ("flock", "-flock -timeout 1"),
            ("flock", "-v -mbx -flock"),
            ("fcntl", "-v -flock"), ("flock", "-v -fcntl"),
        ])
    func held(by kind: String, options: String) async throws {
        let holder = try Holder(kind, mailbox)
        let words =
            options.split(separator: " ").map(String.init) + ["-retries", "2", "-interval", "0", mailbox]
        let (exim, ours) = try await both(words + ["true"])
        #expect(ours == exim)
        withExtendedLifetime(holder) {}
    }

    @Test("While a command runs, Exim's program cannot lock the mailbox, in no way that ours has")
    func excludes() async throws {
        for way in ["-lockfile", "-fcntl", "-flock", "-mbx", "-mbx -flock"] {
            let options = way.split(separator: " ").map(String.init)
            let inner =
                "\(Self.exim) -q -retries 1 -interval 0 \(way) \(mailbox) true > \(directory.path)/inner; echo $? >> \(directory.path)/inner"
            let answer = await Ours.run(["exim_lock", "-q"] + options + [mailbox, inner])
            #expect(answer.status == 0)
            #expect(
                try directory.read("inner").string.hasSuffix("locking failed too many times\n1\n"), "\(way)")
            let free = try Self.eximLock(
                ["-q", "-retries", "1", "-interval", "0"] + options + [mailbox, "true"])
            #expect(free.status == 0, "the locks are gone when the command has ended")
        }
    }

    @Test("The example of doc/exim-lock.md prints what it says")
    func example() async throws {
        let page = try String(
            contentsOfFile: URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
                + "/../../doc/exim-lock.md",
            encoding: .utf8)
        let example = try #require(page.split(separator: "```console\n").last?.split(separator: "```").first)
        let lines = example.replacing("/var/mail/alice", with: mailbox).split(separator: "\n")
        let answer = await Ours.run(["exim_lock", "-fcntl", mailbox, "cp \(mailbox) \(directory.path)/copy"])
        #expect(lines.first?.hasPrefix("$ exim_lock -fcntl \(mailbox) 'cp \(mailbox) ") == true)
        #expect(answer.output == lines.dropFirst().map { $0 + "\n" }.joined())
        #expect(try directory.read("copy") == "From a\n")
    }

    @Test("With -restore-times the mailbox shows the times that it had")
    func times() async throws {
        let moment = Date(timeIntervalSince1970: 1_700_000_000)
        try FileManager.default.setAttributes([.modificationDate: moment], ofItemAtPath: mailbox)
        _ = await Ours.run(["exim_lock", "-q", "-restore-times", mailbox, "echo new >> \(mailbox)"])
        #expect(try directory.read("mbox") == "From a\nnew\n")
        let found = try FileManager.default.attributesOfItem(atPath: mailbox)[.modificationDate] as? Date
        #expect(found == moment)
    }

    @Test("A link in the place of the file that MBX rules lock in /tmp is not followed")
    func links() async throws {
        var status = stat()
        #expect(unsafe stat(mailbox, &status) == 0)
        let name = "/tmp/.\(String(status.st_dev, radix: 16)).\(String(status.st_ino, radix: 16))"
        let target = directory.file("target").string
        defer { _ = unsafe unlink(name) }
        #expect(unsafe symlink(target, name) == 0)
        let symbolic = try await both(["-v", "-mbx", mailbox, "true"])
        #expect(symbolic.ours == symbolic.exim && symbolic.ours.status == 1)
        #expect(unsafe unlink(name) == 0)
        try directory.write("", to: "target")
        // On another file system than /tmp there can be no hard link.
        guard unsafe link(target, name) == 0 else { return }
        let hard = try await both(["-v", "-mbx", mailbox, "true"])
        #expect(hard.ours == hard.exim && hard.ours.status == 1)
    }
}

/// Holds a lock on a mailbox in another process until the value goes.
private final class Holder {
    private let process: ChildProcess
    private let lockFile: String?

    init(_ kind: String, _ mailbox: String) throws {
        lockFile = kind == "lockfile" ? mailbox + ".lock" : nil
        let call = kind == "flock" ? "flock" : "lockf"
        let script =
            lockFile.map { "open('\($0)', 'x'); print('held', flush=True)" }
            ?? "f = open('\(mailbox)', 'r+'); fcntl.\(call)(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(3600)"
        process = try ChildProcess("/usr/bin/python3", ["-c", "import fcntl, time; \(script)"])
        try eventually("the lock is held") { try process.output == "held\n" }
    }

    deinit {
        process.kill()
        if let lockFile { _ = unsafe unlink(lockFile) }
    }
}
