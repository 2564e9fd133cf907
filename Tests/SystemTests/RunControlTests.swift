import Bytes
import Foundation
import TestKit
import Testing

extension SystemTests.RunControl {
    /// A site with four messages, the third of them frozen, of which a copy is made for each program.
    struct Queue {
        let site: MailSite
        let ids: [String]

        init(main: ByteString = "") throws {
            site = try MailSite(
                configuration(main: "queue_run_in_order\n" + main, remote: "  connect_timeout = 5s\n"))
            let mail: [(sender: String, recipients: [String])] = [
                ("a@example.org", ["one@example.com", "bob@example.org"]),
                ("b@example.org", ["two@example.net"]), ("<>", ["three@example.com"]),
                ("c@example.org", ["carol@example.org"]),
            ]
            for (sender, recipients) in mail {
                let ending = try site.start(
                    exim: ["-odq", "-i", "-f", sender] + recipients, input: "Subject: run\n\nhello\n"
                ).wait()
                try #require(ending.code == 0, "\(ending.errors)")
            }
            ids = site.queue.sorted()
            try #require(ids.count == mail.count)
            try site.exim("-Mf", ids[2])
            try Self.shell(
                "rm -rf \(site.directory.path)/log/*; cp -a \(site.directory.path)/spool \(site.directory.path)/saved"
            )
        }

        /// Puts the queue back as it was at the beginning, hints and mailboxes gone.
        func restore() throws {
            let path = site.directory.path
            try Self.shell(
                "rm -rf \(path)/spool \(path)/mail/* \(path)/log/*; cp -a \(path)/saved \(path)/spool")
        }

        static func shell(_ line: ByteString) throws {
            let ending = try ChildProcess("/bin/sh", ["-c", line.string]).wait()
            try #require(ending.code == 0, "\(ending.errors)")
        }

        /// Replaces `ID0` to `ID3`.
        func words(_ line: String) -> [String] {
            line.split(separator: " ").map { word in
                ids.indices.reduce(String(word)) { $0.replacing("ID\($1)", with: ids[$1]) }
            }
        }

        /// The log of a run, sorted; which of the remote messages was tried first, and so had the connection refused,
        /// differs where both are tried at one time.
        func log() throws -> [String] {
            let passing = [
                "exim user lost privilege", "options that have no effect yet", " H=127.0.0.1", " <= <>",
            ]
            return try site.log().filter { line in !passing.contains { line.contains($0) } }.map { line in
                String(line.dropFirst(20)).replacing(/pid=[0-9]+/, with: "pid=N")
                    .replacing(/(R=\S+ T=\S+ defer).*/, with: { "\($0.output.1) <reason>" })
                    .replacing(/1[0-9A-Za-z]{5}-[0-9A-Za-z]{6}-[0-9A-Za-z]{2}/) { id in
                        ids.firstIndex(of: String(id.output)).map { "ID\($0)" } ?? "<new>"
                    }
            }.filter { !$0.hasPrefix("<new>") }.sorted()
        }

        /// The ids that are still there, and which of them are frozen.
        func left() throws -> [String] {
            try ids.indices.filter { site.queue.contains(ids[$0]) }.map { index in
                let isFrozen = Latin1.text(try site.spoolFile(ids[index], "H")).contains("\n-frozen ")
                return "ID\(index)\(isFrozen ? " frozen" : "")"
            }
        }
    }

    @Test(
        "Each word of a queue run takes the messages that Exim takes, and logs it in Exim's words",
        arguments: [
            "-q", "-qf", "-qff", "-qi", "-qif", "-qiff", "-ql", "-qfl", "-qil", "-qq", "-qqf", "-qqiffl",
            "-R example.com", "-R EXAMPLE.com", "-Rexample.net", "-Rf example", "-Rff example.com",
            "-Rr ^(one|two)@", "-Rrff ^t.*e@", "-S b@example", "-Sr ^[ab]@", "-Sff c@", "-R example -S a@",
            "-qR example.net", "-qSrf ^b", "-qi -R example.com", "-qff -R three", "-qqff", "-R a.example",
            "-R x -qGnone",
            "-q ID1", "-q ID1 ID1", "-q ID0 ID1", "-q ID3 ID0", "-qGnone", "-qffGnone",
            "-M ID0", "-M ID2", "-Mc ID0", "-Mc ID2", "-M ID1 ID3", "-Mc ID0 ID1 ID3", "-Mg ID2",
        ])
    func selects(line: String) throws {
        let queue = try Queue()
        let wanted = try queue.site.start(exim: queue.words(line)).wait()
        let (wantedLog, wantedLeft) = (try queue.log(), try queue.left())
        try queue.restore()
        let found = try queue.site.start("bobbin", ["exim"] + queue.words(line)).wait()
        #expect(found.code == wanted.code, "\(found.errors)")
        #expect(difference(try queue.log(), wantedLog) == nil)
        #expect(try queue.left() == wantedLeft)
    }

    @Test(
        "What keeps domains for later is obeyed as by Exim",
        arguments: [
            "queue_domains = example.com", "queue_smtp_domains = *.com", "hold_domains = *",
            "hold_domains = example.org",
        ], ["-Mc ID0 ID1", "-q", "-qf", "-M ID0"])
    func keeps(option: ByteString, line: String) throws {
        let queue = try Queue(main: option + "\n")
        _ = try queue.site.start(exim: queue.words(line)).wait()
        let (wantedLog, wantedLeft) = (try queue.log(), try queue.left())
        try queue.restore()
        _ = try queue.site.start("bobbin", ["exim"] + queue.words(line)).wait()
        #expect(difference(try queue.log(), wantedLog) == nil)
        #expect(try queue.left() == wantedLeft)
    }

    @Test("A message that is forced stays thawed, also where nothing else has changed")
    func thawed() throws {
        let queue = try Queue()
        try queue.site.run("bobbin", "exim", "-M", queue.ids[2])
        try queue.site.run("bobbin", "exim", "-Mf", queue.ids[2])
        #expect(try queue.left().contains("ID2 frozen"))
        try queue.site.run("bobbin", "exim", "-qff")
        #expect(try queue.left().contains("ID2"))
    }

    @Test("A run that finds the machine too busy is abandoned, unless it is forced")
    func load() throws {
        let queue = try Queue(main: "deliver_queue_load_max = 0.000\n")
        try queue.site.run("bobbin", "exim", "-qf")
        #expect(try queue.log().contains { $0.contains("carol") })
        try queue.restore()
        try queue.site.run("bobbin", "exim", "-q")
        let log = try queue.log()
        // A machine with no load at all cannot show it.
        if log.contains(where: { $0.hasPrefix("Abandon") }) {
            #expect(
                log.contains {
                    $0.contains(/^Abandon queue run: pid=N \(load [0-9]+\.[0-9]{2}, max 0\.00\)$/)
                })
            #expect(!log.contains { $0.contains("carol") })
        }
    }

    @Test("A regular expression that is none stops the run with Exim's words")
    func badPattern() throws {
        let queue = try Queue()
        let ending = try queue.site.start("bobbin", ["exim", "-Rr", "("]).wait()
        #expect(ending.code == 1)
        #expect(ending.errors.string.contains("missing closing parenthesis at offset 1 while compiling ("))
    }

    @Test("Nothing is delivered for real with -N")
    func dryRun() throws {
        let queue = try Queue()
        try queue.site.run("bobbin", "exim", "-N", "-qf")
        #expect(try queue.site.log().count { $0.contains(" *> ") } == 4)
        #expect(try queue.site.delivered().isEmpty)
    }

    @Test("A giving up with -Mg fails what remains, tells the sender, and completes the message")
    func givesUp() throws {
        let queue = try Queue()
        let ending = try queue.site.start("bobbin", ["exim", "-Mg", queue.ids[1]]).wait()
        #expect(ending.code == 0)
        #expect(try queue.log().filter { $0.contains("ID1") } == ["ID1 Completed", "ID1 cancelled by root"])
        #expect(try !queue.left().contains("ID1"))
        #expect(try queue.site.log().contains { $0.contains("<= <> R=\(queue.ids[1])") })
    }

    @Test(
        "Runs at an interval begin at once and again, tell of themselves, and SIGTERM ends them",
        .timeLimit(.minutes(5)))
    func interval() throws {
        let queue = try Queue()
        let pidFile = queue.site.directory.file("run.pid").string
        let daemon = try queue.site.start("bobbin", ["exim", "-qff1s", "-oP", pidFile])
        try eventually("three runs have ended", within: 120) {
            try queue.site.log().count { $0.contains("End queue run: ") && $0.hasSuffix(" -qff") } >= 3
        }
        #expect(try queue.site.log().contains { $0.contains("-q1s, not listening for SMTP") })
        let status = try queue.site.run("bobbin", "status")
        #expect(status.output.string.contains("\(daemon.number) daemon: -q1s, not listening for SMTP"))
        daemon.signal(SIGHUP)
        try eventually("the daemon has begun anew", within: 120) {
            try queue.site.log().count { $0.contains("daemon started: pid=\(daemon.number), -q1s") } == 2
        }
        daemon.signal(SIGTERM)
        #expect(try daemon.wait().code == 0)
        #expect(!FileManager.default.fileExists(atPath: pidFile))
        #expect(try queue.site.run("bobbin", "status").output.isEmpty)
    }

    @Test(
        "A daemon with -bd and -q delivers what comes in, makes runs, and tells of both",
        .timeLimit(.minutes(5)))
    func daemonWithRuns() throws {
        let queue = try Queue()
        let (daemon, port) = try queue.site.receiver("--run-word=--every", "--run-word=1s")
        try eventually("the waiting message is delivered", within: 120) {
            try queue.site.log().contains { $0.contains("=> carol <carol@example.org>") }
        }
        let dialogue = try SMTPDialogue(port: port)
        _ = try dialogue.reply()
        let status = try queue.site.run("bobbin", "status", "--json").output.string
        #expect(status.contains("-q1s, listening for SMTP on [127.0.0.1]:\(port)"))
        #expect(status.contains("delivering for the daemon"))
        #expect(status.contains("\"peer\":\"127.0.0.1\""))
        let picture = try queue.site.run("bobbin", "queue", "watch").output.string
        #expect(picture.contains("handling incoming call from [127.0.0.1]"))
        #expect(picture.contains("frozen"))
        _ = try dialogue.say("QUIT")
        daemon.signal(SIGTERM)
        #expect(try daemon.wait().code == 0)
    }
}
