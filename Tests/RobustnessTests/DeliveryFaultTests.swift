import Bytes
import Foundation
import Glibc
import TestKit
import Testing

extension RobustnessTests.Delivery {
    /// Starts programs as the mail user, so that local deliveries are made by the runner itself.
    static let asMailUser = [
        "/usr/bin/setpriv", "--reuid=\(MailSite.user)", "--regid=\(MailSite.user)", "--clear-groups",
    ]

    /// What is injected: error number, whether once only, and which calls.
    static let troubles: [(error: Int32, once: Bool, kinds: FaultKinds)] = {
        let usual: [(error: Int32, once: Bool, kinds: FaultKinds)] = [
            (EIO, true, .files), (ENOSPC, false, .files), (EMFILE, true, .open),
            (Faults.shortCount, false, .transfer),
        ]
        return soak == 1
            ? usual : usual + [(ENOSPC, true, .files), (EIO, false, .files), (ENFILE, false, .open)]
    }()

    @Test("A file operation of a delivery that fails loses no recipient, and the log says why")
    func everyFileOperation() throws {
        let wire = try WireServer()
        let site = try MailSite(QueueOfLetters.configuration(wire: wire.port))
        try QueueOfLetters.makeHandOver(site)
        let faults = try Faults(in: site, below: ["spool", "mail", "handover"])
        for trouble in Self.troubles {
            let calls = try Self.callsOfOneLetter(site, wire, faults, trouble.kinds)
            #expect(calls > 10)
            let queue = try QueueOfLetters(site, wire, count: calls + 1)
            faults.set(tokens: queue.tokens.map { ByteString($0) })
            faults.arm(trouble.error, once: trouble.once, kinds: trouble.kinds, counting: .byToken)
            try Self.run(site, faults)
            faults.disarm()
            #expect(faults.fired >= calls / 2, "\(trouble)")
            try Self.expectReasons(queue, trouble.error, faults.traces)
            try Self.removeLocks(site)
            for _ in 0..<3 where !queue.waiting.isEmpty { try Self.run(site, faults) }
            let names = site.names(in: "spool/input").joined(separator: " ")
            let doubles = try queue.expectServed(
                atMost: 2, "\(trouble), left: \(names)\n\(faults.traces.joined(separator: "\n"))")
            print("delivery, \(trouble): \(calls) calls, \(faults.fired) failed, twice: \(doubles)")
            if trouble.error == Faults.shortCount { #expect(doubles == []) }
            try queue.clear()
        }
    }

    /// A lock file that could not be removed keeps everybody off its mailbox until it is old, as with Exim.
    private static func removeLocks(_ site: MailSite) throws {
        for name in site.names(in: "mail") where name.hasSuffix(".lock") {
            try FileManager.default.removeItem(atPath: site.directory.file("mail/\(ByteString(name))").string)
        }
    }

    static func run(_ site: MailSite, _ faults: Faults) throws {
        let runner = try site.start(
            "bobbin-queuerunner", ["--force"], through: asMailUser, environment: faults.environment)
        let ending = try runner.wait(within: 300)
        #expect(ending.code == 0, "\(ending)")
    }

    /// How many calls the delivery of one letter makes.
    private static func callsOfOneLetter(
        _ site: MailSite, _ wire: WireServer, _ faults: Faults, _ kinds: FaultKinds
    ) throws -> Int {
        let queue = try QueueOfLetters(site, wire, count: 3)
        faults.set(tokens: queue.tokens.map { ByteString($0) })
        faults.arm(Faults.countOnly, kinds: kinds, counting: .byToken)
        try run(site, faults)
        faults.disarm()
        try queue.expectServed(atMost: 100, "nothing fails")
        try queue.clear()
        return faults.highestCount
    }

    /// Whatever is still on the queue has a line that tells why.
    private static func expectReasons(_ queue: QueueOfLetters, _ error: Int32, _ traces: [String]) throws {
        let lines = try queue.site.bothLogs()
        for id in queue.waiting {
            let mine = lines.filter { $0.contains(id) }
            let traces = traces.filter { $0.contains(id.dropFirst(7).prefix(6)) }
            let isTold = mine.contains { $0.contains(text(ofError: error)) }
            #expect(isTold, "\(id): \(traces)\n\(mine.joined(separator: "\n"))")
        }
    }

    @Test("A bounce that cannot be made is made later: the sender hears of the failure")
    func bounces() throws {
        let wire = try WireServer()
        let site = try MailSite(QueueOfLetters.configuration(wire: wire.port))
        try QueueOfLetters.makeHandOver(site)
        let faults = try Faults(in: site, below: ["spool"], only: "bobbin-receiver")
        var calls = 1
        // Counted twice: what the first run makes for good, the others find.
        let troubles = [(Faults.countOnly, true), (Faults.countOnly, true), (EIO, true), (ENOSPC, false)]
        for (error, once) in troubles.prefix(soak == 1 ? 3 : 4) {
            let queue = try QueueOfLetters(site, wire, count: calls + 1, to: ["nobody"])
            faults.arm(error, once: once, counting: .byProcess)
            try Self.runAsRoot(site, faults)
            faults.disarm()
            if error == Faults.countOnly {
                calls = faults.highestCount
            } else {
                // How many calls a submission makes differs by a few with what goes on beside it.
                #expect(faults.fired * 4 >= calls * 3, "\(faults.fired) of \(calls)")
            }
            for _ in 0..<3 where !queue.waiting.isEmpty { try Self.runAsRoot(site, faults) }
            #expect(queue.waiting == [])
            let told = wire.transactions.flatMap(\.recipients)
            for token in queue.tokens {
                let times = told.filter { $0 == ByteString("w\(token)@example.com") }.count
                // A submission that failed at its very end may have left its message.
                #expect((1...2).contains(times), "\(token): \(times), \(faults.traces)")
            }
            let reasons = try site.log().filter { $0.contains("Process failed when writing error message") }
            if error != Faults.countOnly { #expect(!reasons.isEmpty) }
            try queue.clear()
        }
        #expect(calls > 10)
    }

    private static func runAsRoot(_ site: MailSite, _ faults: Faults) throws {
        let runner = try site.start("bobbin-queuerunner", ["--force"], environment: faults.environment)
        #expect(try runner.wait(within: 300).code == 0)
    }

    @Test("Hints that cannot be read or written do not stop mail", arguments: [ENOSPC, EIO, EACCES])
    func hints(error: Int32) throws {
        let isSlow = Flag(true)
        let wire = try WireServer { step in
            step.verb == "RCPT" && isSlow.isSet && step.argument.contains(ByteString("w0x000x"))
                ? .reply("451 not yet") : nil
        }
        let site = try MailSite(QueueOfLetters.configuration(wire: wire.port))
        try QueueOfLetters.makeHandOver(site)
        let faults = try Faults(in: site, below: ["spool/db"])
        let queue = try QueueOfLetters(site, wire, count: 3)
        faults.arm(error)
        try Self.run(site, faults)
        #expect(faults.fired > 0)
        #expect(queue.waiting.count == 1)
        #expect(try site.log().contains { $0.contains("== w0x000x@example.com") && $0.contains("not yet") })
        let log = try site.bothLogs()
        print("hints, \(text(ofError: error)): \(log.filter { $0.contains("db") }.prefix(3))")
        isSlow.clear()
        try Self.run(site, faults)
        faults.disarm()
        try queue.expectServed(atMost: 1, "\(text(ofError: error))")
    }

    @Test(
        "Logs that cannot be written stop no delivery, and nobody is served twice",
        arguments: ["log", "spool/msglog"])
    func logs(folder: String) throws {
        let wire = try WireServer()
        let site = try MailSite(QueueOfLetters.configuration(wire: wire.port))
        try QueueOfLetters.makeHandOver(site)
        let faults = try Faults(in: site, below: [ByteString(folder)])
        let queue = try QueueOfLetters(site, wire, count: 3)
        // As one who comes again and again while the disk is full.
        faults.arm(ENOSPC)
        for _ in 0..<2 { try Self.run(site, faults) }
        faults.disarm()
        try Self.run(site, faults)
        try queue.expectServed(atMost: 1, "\(folder)")
        #expect(site.names(in: "spool/input").filter { $0.count > 1 } == [])
    }
}
