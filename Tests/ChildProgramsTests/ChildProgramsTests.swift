// ChildProgramsTests: what a program that we start gets of ours, and what we hear of its end.
import Bytes
import ChildPrograms
import Glibc
import TestKit
import Testing

@Suite("Programs that run as our children")
struct ChildProgramsTests {
    /// Runs a shell's script with its output in a file; gives the end and what it wrote.
    private func run(
        _ script: ByteString, _ change: (inout ChildStart) -> Void = { _ in }
    ) throws -> (end: ChildEnd, output: ByteString) {
        let place = try TemporaryDirectory()
        let file = unsafe open(place.file("said").string, O_WRONLY | O_CREAT, 0o600)
        defer { close(file) }
        var start = ChildStart(["/bin/sh", "-c", script], descriptors: [1: file])
        change(&start)
        let end = ChildEnd.wait(for: try start.start())
        return (end, try place.read("said"))
    }

    @Test(
        "How a child ends is told: with each status, and by a signal",
        arguments: [
            ("exit 0", ChildEnd.exited(0)), ("exit 1", .exited(1)), ("exit 255", .exited(255)),
            ("kill -9 $$", .killed(9)), ("kill -15 $$", .killed(15)),
        ] as [(ByteString, ChildEnd)])
    func ends(script: ByteString, end: ChildEnd) throws {
        #expect(try run(script).end == end)
    }

    @Test("It gets no descriptor but those that it is given, and /dev/null for the standard ones")
    func descriptors() throws {
        let (reading, writing) = try ChildPipe.ends()
        defer {
            close(reading)
            close(writing)
        }
        let (end, output) = try run("readlink /proc/$$/fd/0 /proc/$$/fd/2; ls /proc/$$/fd") {
            $0.descriptors[240] = reading
        }
        #expect(end == .exited(0))
        let lines = output.split(separator: .newline).map { ByteString($0).string }
        #expect(lines.prefix(2) == ["/dev/null", "/dev/null"])
        let numbers = Set(lines.dropFirst(2).compactMap { Int($0) })
        #expect(numbers.isSuperset(of: [0, 1, 2, 240]))
        #expect(!numbers.contains(Int(writing)))
    }

    @Test("Signals that we ignore or block end it as if we did not")
    func signals() throws {
        var (blocked, before) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&blocked)
        unsafe sigaddset(&blocked, SIGTERM)
        unsafe pthread_sigmask(SIG_BLOCK, &blocked, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        #expect(try run("kill -15 $$; exit 3").end == .killed(15))
        let old = unsafe signal(SIGPIPE, SIG_IGN)
        defer { _ = unsafe signal(SIGPIPE, old) }
        #expect(try run("kill -13 $$; exit 3").end == .killed(13))
    }

    @Test("It works in its directory, with its environment only, in a group or session of its own")
    func surroundings() throws {
        let place = try run("pwd; echo $ONE-$HOME; ps -o pgid=,sid= -p $$; echo $$") {
            $0.environment = ["ONE=1", "PATH=/usr/bin:/bin"]
            $0.directory = "/usr"
            $0.group = .session
        }
        let words = place.output.string.split { $0 == "\n" || $0 == " " }.map(String.init)
        try #require(words.count == 5)
        #expect(words[0] == "/usr")
        #expect(words[1] == "1-")
        #expect(words[2] == words[4] && words[3] == words[4])
        let group = try run("ps -o pgid= -p $$; echo $$") { $0.group = .own }
        let numbers = group.output.string.split { $0 == "\n" || $0 == " " }
        #expect(numbers.count == 2 && numbers.first == numbers.last)
    }

    @Test(
        "What cannot be started says why",
        arguments: [
            (["/nowhere/at/all"], nil, ENOENT), (["/etc/passwd"], nil, EACCES), ([], nil, ENOENT),
            (["/bin/true"], "/nowhere", ENOENT),
        ] as [([ByteString], ByteString?, Int32)])
    func failures(words: [ByteString], directory: ByteString?, number: Int32) {
        #expect(throws: ChildFailure(number: number)) {
            try ChildStart(words, in: directory).start()
        }
    }
}
