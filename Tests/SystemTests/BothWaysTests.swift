import Bytes
import TestKit
import Testing

extension SystemTests.BothWays {
    /// A site with mail of several kinds on its queue, received by Exim.
    static func filled(wire: Int = 9, split: Bool = false) throws -> MailSite {
        let site = try MailSite(configuration(wire: wire, main: split ? "split_spool_directory\n" : ""))
        for number in 1...6 {
            let recipients = (0..<number).map { "r\($0)@\($0 % 2 == 0 ? "example.com" : "Example.ORG")" }
            let ending = try site.start(
                exim: ["-odq", "-i", "-f", number == 3 ? "<>" : "alice\(number)@example.net"] + recipients,
                input: "Subject: number \(number)\n\n\(ByteString(repeating: 0x78, number * 700))\n"
            ).wait()
            try #require(ending.code == 0)
        }
        return site
    }

    @Test(
        "AUX-17: Bobbin lists, counts and shows what Exim received, as Exim does", arguments: [false, true])
    func lists(split: Bool) throws {
        let site = try Self.filled(split: split)
        let id = try #require(site.queue.first)
        try site.exim("-Mf", id)
        for arguments in [["-bp"], ["-bpc"], ["-bpu"], ["-Mvh", id], ["-Mvb", id], ["-Mvl", id]] {
            let wanted = try site.start(exim: arguments).wait()
            let found = try site.start("bobbin", ["exim"] + arguments).wait()
            #expect(found.output == wanted.output, "\(arguments)")
            #expect(found.code == wanted.code, "\(arguments)")
        }
    }

    @Test("AUX-17: What Bobbin freezes, thaws and removes is frozen, thawed and gone for Exim")
    func edits() throws {
        let site = try Self.filled()
        let ids = site.queue
        func listing() throws -> String { try site.exim("-bp").output.string }
        #expect(
            try site.run("bobbin", "exim", "-Mf", ids[0]).output.string == "Message \(ids[0]) is now frozen\n"
        )
        #expect(
            try site.run("bobbin", "exim", "-Mf", ids[0]).output.string
                == "Message \(ids[0]) is already frozen\n")
        #expect(try listing().contains("*** frozen ***"))
        #expect(
            try site.run("bobbin", "exim", "-Mt", ids[0]).output.string
                == "Message \(ids[0]) is no longer frozen\n")
        #expect(!(try listing().contains("*** frozen ***")))
        let header = try site.spoolFile(ids[0], "H")
        #expect(header.contains(ByteString("-manual_thaw\n")))
        #expect(
            try site.run("bobbin", "exim", "-Mrm", ids[1]).output.string
                == "Message \(ids[1]) has been removed\n")
        #expect(!(try listing().contains(ids[1])))
        #expect(site.names(in: "spool").filter { $0.contains(ids[1]) } == [])
        // The journal words of it, as Exim would have logged them.
        let log = try site.log()
        #expect(log.contains { $0.contains("\(ids[0]) frozen by root") })
        #expect(log.contains { $0.contains("\(ids[0]) unfrozen by root") })
        #expect(log.contains { $0.contains("\(ids[1]) removed by root") })
        #expect(log.contains { $0.hasSuffix("\(ids[1]) Completed") })
    }

    @Test("AUX-17: What Exim received, Bobbin delivers; what Bobbin received, Exim delivers")
    func bothDirections() throws {
        let wire = try WireServer()
        let site = try MailSite(configuration(wire: wire.port))
        let exim = try site.eximDaemon()
        let bobbin = try site.receiver()
        let text: ByteString = "Subject: direction\n\nline\n.dotted\n"
        func send(_ port: Int) throws {
            let dialogue = try SMTPDialogue.greeted(port: port)
            try dialogue.expect(
                250,
                dialogue.message(
                    from: "alice@example.net", to: ["bob@example.org", "dave@example.com"], text))
        }
        try send(exim.port)
        #expect(try site.run("bobbin-queuerunner").code == 0)
        #expect(site.queue == [])
        #expect(try site.delivered().count == 1)
        #expect(wire.transactions.count == 1)

        try send(bobbin.port)
        let listing = try site.exim("-bp").output
        #expect(listing.contains(ByteString("dave@example.com")), "\(listing)")
        #expect(try site.exim("-q").code == 0)
        #expect(site.queue == [])
        let mail = try site.delivered().map { masked($0) }
        try #require(mail.count == 2)
        #expect(mail[0] == mail[1])
        let sent = wire.transactions.map { masked($0.message) }
        try #require(sent.count == 2)
        #expect(sent[0] == sent[1])
        #expect(site.names(in: "spool/input") == [])
        let panic = try site.log("panic")
        #expect(panic == [])
    }

    @Test("A message that a live Exim is delivering is left alone, and the other way round")
    func exclusion() throws {
        // The server answers the first message's DATA only when the test says so: until then its lock is held.
        let gate = Gate()
        let wire = try WireServer { step in
            if step.verb == "MESSAGE" { gate.pass() }
            return nil
        }
        let site = try MailSite(configuration(wire: wire.port))
        for holder in ["exim", "bobbin"] {
            gate.close()
            try site.exim(
                "-odq", "-f", "alice@example.net", "dave@example.com", input: "Subject: held\n\nx\n")
            let id = try #require(site.queue.first)
            let first = try holder == "exim" ? site.start(exim: ["-q"]) : site.start("bobbin-queuerunner", [])
            try eventually("the holder is at its final dot") { gate.isWaitedFor }
            let other =
                try holder == "exim"
                ? site.start("bobbin-queuerunner", ["--force"]) : site.start(exim: ["-qf"])
            #expect(try other.wait().code == 0)
            #expect(site.queue == [id])
            #expect(
                try site.log().contains {
                    $0.hasSuffix(
                        "\(id) Spool file for \(id) is locked (another process is handling this message)")
                })
            gate.open()
            #expect(try first.wait().code == 0)
            #expect(site.queue == [])
        }
        #expect(wire.transactions.count == 2)
    }
}
