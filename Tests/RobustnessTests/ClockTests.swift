import Bytes
import Foundation
import Glibc
import TestKit
import Testing

extension RobustnessTests.Clocks {
    /// The wall clock of the programs that are started with its environment.
    struct WallClock {
        private let file: SharedFile
        private let library: String

        init(in site: MailSite) throws {
            library = try Preload.compile("clock", into: site.directory)
            file = try SharedFile(site.directory.file("offset").string, size: 8)
        }

        var environment: [String: String] { ["LD_PRELOAD": library, "CLOCK_OFFSET": file.path] }

        /// Moves it to so many hours from the true time.
        func move(hours: Double) { file.store(Int64(hours * 3600), at: 0) }
    }

    @Test(
        "While the clock jumps to and fro no id comes twice, and every message has its line in the log",
        arguments: ["short", "long"])
    func ids(format: String) throws {
        let site = try MailSite(
            bobbin: "message_id_format = \(ByteString(format))\n", RobustnessSite.configuration())
        let clock = try WallClock(in: site)
        var random = SeededGenerator(seed: 7)
        var ids: [String] = []
        for _ in 0..<2 {
            // A receiver that is started again can have been given the number of the former one; its ids differ all the same.
            let receiver = try site.receiver("--queue-only", environment: clock.environment)
            let session = try SMTPDialogue.greeted(port: receiver.port)
            for number in 0..<60 {
                if number % 3 == 0 { clock.move(hours: Double(Int.random(in: -6...6, using: &random))) }
                let reply = try session.message(
                    from: "a@example.net", to: ["b@example.org"], Letter.text("clock-\(number)"))
                try session.expect(250, reply)
                ids.append(Latin1.text(ByteString(reply.lines[0].dropFirst("OK id=".count))))
            }
            try session.expect(221, session.say("QUIT"))
            receiver.daemon.kill()
        }
        // What the killed one had in its commit log.
        #expect(try site.run("bobbin", "spool", "repair").code == 0)
        #expect(Set(ids).count == ids.count)
        #expect(Set(site.queue) == Set(ids))
        let log = try site.log()
        for id in ids { #expect(log.filter { $0.contains("\(id) <=") }.count == 1) }
    }

    @Test("A jump of the clock ends no session early, and lets none wait longer")
    func sessions() throws {
        let site = try MailSite(RobustnessSite.configuration(main: "smtp_receive_timeout = 4s\n"))
        let clock = try WallClock(in: site)
        let receiver = try site.receiver("--queue-only", environment: clock.environment)
        for hours in [6.0, -6.0] {
            clock.move(hours: 0)
            let session = try SMTPDialogue.greeted(port: receiver.port)
            clock.move(hours: hours)
            try session.expect(250, session.say("NOOP"))
            try session.expect(250, session.message(from: "a@example.net", to: ["b@example.org"], "x\n"))
            // And now silence.
            try session.expect(421, session.reply())
        }
        #expect(try site.log().filter { $0.contains("SMTP command timeout") }.count == 2)
    }

    @Test("Messages are deferred, tried again and delivered while the clock jumps; none is given up early")
    func retries() throws {
        let isSlow = Flag(true)
        let wire = try WireServer { step in
            step.verb == "RCPT" && isSlow.isSet ? .reply("451 not yet") : nil
        }
        // Given up after four days by the rule, and the jumps stay below that.
        let site = try MailSite(
            RobustnessSite.configuration(wire: wire.port, main: "delay_warning = 99d\n").changed(
                "F,2h,1s", to: "F,4d,15m"))
        let clock = try WallClock(in: site)
        let receiver = try site.receiver("--queue-only", environment: clock.environment)
        for (number, hours) in [0.0, 5, -5, 30, -30].enumerated() {
            clock.move(hours: hours)
            let session = try SMTPDialogue.greeted(port: receiver.port)
            try session.expect(
                250,
                session.message(
                    from: "a@example.net", to: ["w\(number)@example.com"], Letter.text("retry-\(number)")))
        }
        func run(_ arguments: String...) throws {
            let runner = try site.start("bobbin-queuerunner", arguments, environment: clock.environment)
            #expect(try runner.wait().code == 0)
        }
        for hours in [0.0, 20, -20, 3, -40, 0.3] {
            clock.move(hours: hours)
            try run()
            try run("--force")
            #expect(site.queue.count == 5, "\(hours) hours")
        }
        #expect(try site.log().filter { $0.contains("retry timeout exceeded") || $0.contains("**") } == [])
        // A retry time that was set while the clock was ahead is reached when the clock is there again, at the latest.
        isSlow.clear()
        clock.move(hours: 21)
        try run()
        #expect(site.queue == [])
        let served = wire.transactions.flatMap(\.recipients)
        #expect(served.count == 5 && Set(served).count == 5)
    }
}
