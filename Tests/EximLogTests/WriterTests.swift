import Bytes
import EximLog
import Glibc
import TestKit
import Testing

@Suite("The log writer")
struct WriterTests {
    private final class Directory {
        let path: String

        init() {
            var template = Array("/tmp/eximlog-XXXXXX".utf8CString)
            unsafe path = String(cString: mkdtemp(&template))
        }

        deinit { unsafe system("rm -rf \(path)") }
    }

    private let moment = LogMoment(seconds: 1_795_245_204, microseconds: 6_878)

    private func options(_ directory: Directory, _ path: ByteString = "") throws -> EximLogWriter.Options {
        EximLogWriter.Options(
            path: try LogPath(parsing: path, spoolDirectory: ByteString(directory.path)),
            timestamp: LogTimestamp(usesUTC: true))
    }

    @Test("Lines go to their logs with time and id, several in one write")
    func lines() throws {
        let directory = Directory()
        let moment = moment
        let writer = EximLogWriter(options: try options(directory), clock: { moment })
        writer.write([.init("Completed", id: "1xUfHo-0002UX-20"), .init("Start queue run: pid=1")])
        writer.reject(
            "rejected",
            header: RejectedHeader(sender: "a", recipients: ["b"], headers: [(0x20, "Subject: x\n")]))
        let stamp: ByteString = "2026-11-21 07:13:24"
        #expect(
            readFile("\(directory.path)/log/mainlog")
                == "\(stamp) 1xUfHo-0002UX-20 Completed\n\(stamp) Start queue run: pid=1\n\(stamp) rejected\n"
        )
        #expect(
            readFile("\(directory.path)/log/rejectlog")
                == "\(stamp) rejected\nEnvelope-from: <a>\nEnvelope-to: <b>\n  Subject: x\n")
    }

    @Test("Milliseconds, zone and pid stand in Exim's order")
    func stamps() throws {
        let directory = Directory()
        var options = EximLogWriter.Options(
            path: try LogPath(parsing: "", spoolDirectory: ByteString(directory.path)),
            selector: try LogSelector(parsing: "+pid +millisec"),
            timestamp: LogTimestamp(usesUTC: true, showsZone: true))
        options.writesRejectLog = false
        let moment = moment
        let writer = EximLogWriter(options: options, clock: { moment })
        writer.reject("x", id: "ID")
        #expect(
            readFile("\(directory.path)/log/mainlog")
                == "2026-11-21 07:13:24.006 +0000 [\(getpid())] ID x\n")
        #expect(readFile("\(directory.path)/log/rejectlog") == "")
    }

    @Test("After rotation lines go to the new file")
    func rotation() throws {
        let directory = Directory()
        let clock = Ticker()
        let writer = EximLogWriter(options: try options(directory), clock: { clock.tick() })
        writer.main("one")
        let log = "\(directory.path)/log/mainlog"
        #expect(unsafe rename(log, log + ".1") == 0)
        writer.main("two")
        #expect(readFile(log).contains(ByteString("two")))
        #expect(readFile(log + ".1").contains(ByteString("one")))
    }

    @Test("A line that cannot go to its log is told in the panic log")
    func fallback() throws {
        let directory = Directory()
        unsafe mkdir(directory.path + "/main", 0o755)
        let moment = moment
        let writer = EximLogWriter(
            options: try options(directory, "\(directory.path)/%s"), clock: { moment })
        writer.main("precious", id: "ID")
        let panic = readFile(directory.path + "/panic")
        #expect(panic.contains(ByteString("ID precious\n")))
        #expect(panic.contains(ByteString("Cannot open log file")))
    }

    @Test(
        "Names of datestamped logs are the manual's, and the panic log has no date",
        arguments: [
            (
                "/var/spool/exim/log/%slog-%D", "/var/spool/exim/log/mainlog-20021225",
                "/var/spool/exim/log/paniclog"
            ),
            ("/var/log/exim-%s-%D.log", "/var/log/exim-main-20021225.log", "/var/log/exim-panic.log"),
            (
                "/var/spool/exim/log/%D-%slog", "/var/spool/exim/log/20021225-mainlog",
                "/var/spool/exim/log/paniclog"
            ),
            ("/var/log/exim/%s.%M", "/var/log/exim/main.200212", "/var/log/exim/panic"),
            (":syslog", "/s/log/mainlog", "/s/log/paniclog"),
        ] as [(ByteString, ByteString, ByteString)])
    func names(value: ByteString, main: ByteString, panic: ByteString) throws {
        let path = try LogPath(parsing: value, spoolDirectory: "/s")
        #expect(path.file(of: .main, datestamp: "20021225") == main)
        #expect(path.file(of: .panic, datestamp: "20021225") == panic)
        #expect(path.usesSyslog == (value == ":syslog"))
    }

    @Test("A path that cannot be used is refused")
    func badPaths() {
        #expect(throws: LogPath.Problem.notAbsolute(item: "x%s")) {
            try LogPath(parsing: "x%s", spoolDirectory: "/s")
        }
        #expect(throws: LogPath.Problem.noLogName(item: "/x")) {
            try LogPath(parsing: "/x", spoolDirectory: "/s")
        }
    }
}
