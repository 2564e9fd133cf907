import Bytes
import Foundation
import Glibc
import TestKit
import Testing

extension RobustnessTests.Reception {
    /// A way to send a letter.
    struct Manner: Sendable, CustomStringConvertible {
        let description: String
        var size = 200
        var isChunked = false
        var main: ByteString = ""
        var bobbin: ByteString = ""
        /// Whether it is accepted when the commit log has it.
        var isLogged = false
    }

    static let manners = [
        Manner(
            description: "a short message, a split spool, Exim's order", main: "split_spool_directory\n",
            bobbin: "commit_sharing = exim\n"),
        Manner(description: "a long message by BDAT, together", size: 70_000, isChunked: true),
        Manner(
            description: "a short message through the commit log", bobbin: "commit_sharing = always_logged\n",
            isLogged: true),
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

    @Test(
        "A file operation that fails costs at most the message at hand, and its client is told 4xx",
        arguments: manners)
    func everyFileOperation(manner: Manner) throws {
        let site = try MailSite(
            bobbin: "message_id_format = short\n" + manner.bobbin,
            RobustnessSite.configuration(main: manner.main))
        let faults = try Faults(in: site, below: ["spool"])
        let receiver = try site.receiver("--queue-only", environment: faults.environment)
        let sender = Sender(site, port: receiver.port)
        try sender.sendsOne("before")
        var walk = Walk(sender: sender, faults: faults, manner: manner)
        if manner.isLogged { try walk.sendUntilLogged() }
        for trouble in Self.troubles {
            faults.arm(Faults.countOnly, kinds: trouble.kinds)
            let (_, answer) = sender.send(size: manner.size, chunked: manner.isChunked)
            guard case .accepted(let id) = answer else { throw Problem("\(answer)") }
            try sender.awaitFiles(of: id)
            let calls = faults.count
            faults.disarm()
            try sender.remove(id)
            // What was preloaded is at work: there is something to walk over.
            #expect(calls >= 2, "\(trouble)")
            for number in 1...max(calls, 1) { try walk.step(trouble, at: number) }
        }
        #expect(receiver.daemon.isRunning)
        try walk.finish()
    }

    /// One fault after the other, each with a message of its own.
    struct Walk {
        let sender: Sender
        let faults: Faults
        let manner: Manner
        var refusals = 0
        /// How many accepted messages could not be put on the queue at once.
        var waits = 0
        /// What faults that did not end left behind, and what may be left: an incomplete reception.
        var remains: Set<String> = []

        mutating func step(_ trouble: (error: Int32, once: Bool, kinds: FaultKinds), at number: Int) throws {
            let before = try sender.site.logSizes()
            faults.arm(trouble.error, at: number, once: trouble.once, kinds: trouble.kinds)
            let (token, answer) = sender.send(size: manner.size, chunked: manner.isChunked)
            if case .accepted(let id) = answer {
                // The files may come after the answer, and the fault hit what makes them.
                try eventually("the files are made, or cannot be") {
                    sender.hasFiles(id) || faults.fired > 0
                }
            }
            let isWaiting = if case .accepted(let id) = answer { !sender.hasFiles(id) } else { false }
            faults.disarm()
            let what: Comment = "\(manner), \(trouble), call \(number): \(faults.traces), \(answer)"
            switch answer {
            case .accepted(let id):
                try sender.awaitFiles(of: id)
                try sender.expectWhole(id, token, what)
                try sender.remove(id)
                if isWaiting { waits += 1 }
            case .refused(let code):
                refusals += 1
                #expect((400...499).contains(code), what)
                try expectReason(trouble.error, since: before, what)
            case .closed: Issue.record(what)
            }
            if trouble.error == Faults.shortCount {
                #expect(answer != .closed && answer != .refused(451), what)
            }
            try expectNothingHalf(token, mayStay: !trouble.once, what)
            if case .accepted = answer {} else { try sender.sendsOne("the next, after \(what)") }
            // A log that a fault has hit rests for a second.
            if manner.isLogged, faults.traces.contains(where: { $0.contains("bobbin-commit") }) {
                try sendUntilLogged()
            }
        }

        /// Sends until the commit log is in use again.
        func sendUntilLogged() throws {
            let before = try logTimes()
            try eventually("a message goes through the commit log") {
                try sender.sendsOne("for the log")
                return try logTimes() != before && logTimes().count == 2
            }
            // The segments may just have been made.
            try sender.sendsOne("for the log")
        }

        private func logTimes() throws -> [Date] {
            try ["1", "2"].compactMap { name in
                let file = sender.site.directory.file("spool/bobbin-commit/\(ByteString(name))").string
                guard FileManager.default.fileExists(atPath: file) else { return nil }
                return try FileManager.default.attributesOfItem(atPath: file)[.modificationDate] as? Date
            }
        }

        private func expectReason(_ error: Int32, since sizes: [Int], _ what: Comment) throws {
            let logged = try sender.site.logged(since: sizes)
            #expect(logged.contains(ByteString(text(ofError: error))), "\(what)\n\(logged)")
        }

        /// Nothing that was refused may look like a message, unless it could not be removed, and then it is whole.
        private mutating func expectNothingHalf(_ token: String, mayStay: Bool, _ what: Comment) throws {
            for id in sender.site.queue {
                #expect(mayStay, what)
                try sender.expectWhole(id, token, what)
                try sender.remove(id)
            }
            let names = Set(sender.site.names(in: "spool/input").filter { $0.count > 1 })
            let new = names.subtracting(remains)
            // A fault that is over leaves nothing at all.
            #expect(new == [] || mayStay, "\(what): \(new)")
            for name in new { #expect(name.hasSuffix("-D") || name.contains("hdr."), what) }
            remains = names
        }

        func finish() throws {
            #expect(refusals > 0)
            let site = sender.site
            #expect((waits > 0) == manner.isLogged)
            let told = try site.log("panic").contains { $0.contains("accepted, but not on the queue yet") }
            #expect(told == manner.isLogged)
            #expect(try site.run("bobbin", "spool", "repair", "--older", "0").code == 0)
            #expect(site.names(in: "spool/input").filter { $0.count > 1 } == [])
            try sender.sendsOne("at the end")
        }
    }

    @Test(
        "Messages that are committed together: a fault hits some of them, and each client is told about its own"
    )
    func together() throws {
        let site = try MailSite(RobustnessSite.configuration())
        let faults = try Faults(in: site, below: ["spool"])
        let receiver = try site.receiver("--queue-only", environment: faults.environment)
        let sender = Sender(site, port: receiver.port)
        try sender.sendsOne("before")
        var random = SeededGenerator(seed: 5)
        for round in 0..<(6 * soak) {
            let errors = [ENOSPC, EIO, EMFILE]
            faults.arm(
                errors[round % 3], at: Int.random(in: 1...200, using: &random), once: round % 2 == 0)
            let outcomes = Self.crowd(round, of: 24, port: receiver.port)
            faults.disarm()
            let what: Comment = "round \(round): \(faults.traces.prefix(3))"
            for (token, answer) in outcomes {
                switch answer {
                case .accepted(let id):
                    try sender.awaitFiles(of: id)
                    try sender.expectWhole(id, token, what)
                    try sender.remove(id)
                case .refused(let code): #expect(code == 451, what)
                case .closed: Issue.record(what)
                }
            }
            for id in site.queue {
                #expect(round % 2 == 1, what)
                let data = try site.spoolFile(id, "D")
                #expect(outcomes.contains { Letter.isWhole(data, $0.token) }, what)
                try sender.remove(id)
            }
            try sender.sendsOne("after \(what)")
        }
        #expect(receiver.daemon.isRunning)
    }

    /// Many clients who end their messages at about the same time.
    private static func crowd(_ round: Int, of count: Int, port: Int) -> [(token: String, answer: Answer)] {
        let group = DispatchGroup()
        let answers = Answers()
        for client in 0..<count {
            Thread.detachNewThread(in: group) {
                let token = "crowd-\(round)-\(client)"
                answers.add(token, deliver(token, port: port))
            }
        }
        group.wait()
        return answers.all
    }

    private static func deliver(_ token: String, port: Int) -> Answer {
        do {
            let session = try SMTPDialogue.greeted(port: port)
            let reply = try session.message(
                from: "a@example.net", to: ["b@example.org"], Letter.text(token, size: 3000))
            guard reply.code == 250, let said = reply.lines.last else { return .refused(reply.code) }
            return .accepted(String(Latin1.text(said).dropFirst("OK id=".count)))
        } catch {
            return .closed
        }
    }

    @Test(
        "Logs that cannot be written do not stop reception, and go on when they can",
        arguments: [ENOSPC, EIO, EACCES])
    func logs(error: Int32) throws {
        let site = try MailSite(RobustnessSite.configuration())
        let faults = try Faults(in: site, below: ["log"])
        let receiver = try site.receiver("--queue-only", environment: faults.environment)
        let sender = Sender(site, port: receiver.port)
        try sender.sendsOne("before")
        for number in 1...3 {
            for once in [true, false] {
                faults.arm(error, at: number, once: once)
                for _ in 0..<4 { try sender.sendsOne("while the log fails") }
                #expect(faults.fired > 0)
                faults.disarm()
            }
        }
        let (_, answer) = sender.send()
        guard case .accepted(let id) = answer else { throw Problem("\(answer)") }
        #expect(try site.log().contains { $0.contains("\(id) <=") })
        // Whoever starts it hears of it, when no file can be written.
        #expect(try receiver.daemon.errors.contains(ByteString(text(ofError: error))))
    }
}

/// What several clients were told.
final class Answers: @unchecked Sendable {
    // Guarded by the lock.
    private let lock = NSLock()
    private var kept: [(token: String, answer: Answer)] = []

    func add(_ token: String, _ answer: Answer) { lock.withLock { kept.append((token, answer)) } }
    var all: [(token: String, answer: Answer)] { lock.withLock { kept } }
}
