import Bytes
import TestKit
import Testing

extension SystemTests {
    @Suite("Hints under contention")
    struct HintsContention {
        private static let importers = 5
        private static let runners = 5
        private static let records = 250

        /// Mail for a host where nobody listens, so that each delivery writes a retry record.
        private static func configuration(port: Int) -> ByteString {
            """
            queue_only
            begin routers
            refused:
              driver = manualroute
              route_list = * 127.0.0.1
              self = send
              transport = out
            begin transports
            out:
              driver = smtp
              port = \(port)
              allow_localhost
            begin retry
            * * F,4d,15m

            """
        }

        /// One Exim that is built with SQLite, of which Debian has none: so its part is played.
        ///
        /// Its calls, their order, its waiting for five seconds, and that it drops what it cannot write at once.
        private static let player = """
            import sqlite3, sys, time
            for number in range(int(sys.argv[2])):
                key, record = b'R:player%d@x.example\\0' % number, open(sys.argv[3], 'rb').read()
                connection = sqlite3.connect(sys.argv[1], timeout=5, isolation_level=None)
                begun = time.monotonic()
                try:
                    connection.execute('BEGIN')
                    connection.execute('SELECT dat FROM tblblob WHERE ky = ?', (key,)).fetchone()
                    connection.execute('INSERT OR REPLACE INTO tblblob (ky, dat) VALUES (?, ?)', (key, record))
                    connection.execute('COMMIT')
                    print('kept', number, flush=True)
                except sqlite3.OperationalError as error:
                    waited = time.monotonic() - begun
                    print('starved' if waited > 4 else 'lost', number, waited, error, flush=True)
                connection.close()
            """

        /// What exim_dumpdb prints of an importer's records.
        private static func dump(_ importer: Int) -> ByteString {
            (0..<records).reduce(into: ByteString()) { text, number in
                text += "  R:i\(importer)-\(number)@x.example 111 65 Connection refused\n" as ByteString
                text += "21-Nov-2026 07:15:04  21-Nov-2026 07:15:05  21-Nov-2026 07:30:04 \n" as ByteString
            }
        }

        @Test(
            "Sixteen processes, a real Exim's among them, write hints at once; nothing is lost or damaged",
            .needsRoot)
        func contention() throws {
            let site = try MailSite(Self.configuration(port: try freePort()))
            for number in 0..<8 {
                try site.exim("-odq", "-f", "a@example.net", "b\(number)@d\(number).example", input: "\n")
            }
            // The first run of each makes the files; a real Exim without SQLite keeps its own, and ours lie beside.
            #expect(try site.exim("-qff").code == 0)
            #expect(try site.start("bobbin-queuerunner", ["--force"]).wait().code == 0)
            let file = site.directory.file("spool/db/sqlite/retry").string
            let sqlite = try Program("sqlite3", package: "sqlite3")
            try sqlite.run([
                "-readonly", file,
                "SELECT writefile('\(site.directory.path)/record', dat) FROM tblblob LIMIT 1",
            ])
            for importer in 0..<Self.importers {
                try site.directory.write(Self.dump(importer), to: "dump\(importer)")
            }

            let player = try ChildProcess(
                "/usr/bin/python3", ["-c", Self.player, file, "100", "\(site.directory.path)/record"])
            var others: [ChildProcess] = []
            for number in 0..<Self.importers {
                others.append(
                    try site.start(
                        "bobbin",
                        ["hints", "import", "-z", "--text", "\(site.directory.path)/dump\(number)", "retry"]))
                others.append(try site.start("bobbin-queuerunner", ["--force"]))
                others.append(try site.start(exim: ["-qff"]))
            }
            for process in others {
                let ending = try process.wait(within: 600)
                #expect(ending.code == 0, "\(ending)")
            }
            let played = try player.wait(within: 600)
            #expect(played.code == 0, "\(played)")

            let lines = played.output.string.split(separator: "\n")
            #expect(lines.count == 100)
            // Only an update of Exim's that falls into the microseconds of our reserved lock is dropped at once.
            #expect(
                lines.filter { $0.hasPrefix("lost") }.count < 10, "\(lines.filter { $0.hasPrefix("lost") })")
            let keys = Set(
                try sqlite.run(["-readonly", file, "SELECT CAST(ky AS TEXT) FROM tblblob"]).string
                    .split(separator: "\n").map(String.init))
            for line in lines where line.hasPrefix("kept") {
                #expect(keys.contains("R:player\(line.dropFirst(5))@x.example"))
            }
            let expected = (0..<Self.importers).flatMap { importer in
                (0..<Self.records).map { "R:i\(importer)-\($0)@x.example" }
            }
            #expect(expected.filter { !keys.contains($0) } == [])
            #expect(
                keys.contains {
                    $0.hasPrefix("T:[127.0.0.1]:127.0.0.1:") || $0.hasPrefix("T:127.0.0.1:127.0.0.1:")
                })
            #expect(try sqlite.run(["-readonly", file, "PRAGMA integrity_check"]) == "ok\n")
            let stats = try site.start("bobbin", ["hints", "stats", "--json", "retry"]).wait()
            #expect(stats.output.contains(ByteString("\"damaged\":0")))
            // The real Exim's own database was written all the while, and is whole.
            let exim = try Program("exim_dumpdb", package: "exim4-base").run([
                site.directory.file("spool").string, "retry",
            ])
            #expect(exim.contains(ByteString("T:127.0.0.1:127.0.0.1:")))
            #expect(site.queue.count == 8)
            #expect(try site.log().allSatisfy { !$0.contains("hints") })
        }
    }
}
