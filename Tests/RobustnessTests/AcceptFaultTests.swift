import Bytes
import Foundation
import Glibc
import TestKit
import Testing

extension RobustnessTests.Reception {
    /// Errors of accept4(2): of the process, of the system, of the network, and such as should not come.
    static let acceptErrors = [EMFILE, ENOBUFS, ECONNABORTED, EPROTO, EPERM, EIO]

    @Test(
        "A listener outlives every error of accept, does not spin over it, and serves who waited",
        arguments: acceptErrors)
    func accepting(error: Int32) throws {
        let site = try MailSite(RobustnessSite.configuration())
        let faults = try Faults(in: site, below: ["spool"])
        let receiver = try site.receiver("--queue-only", environment: faults.environment)
        let sender = Sender(site, port: receiver.port)
        for _ in 0..<(1 * soak) {
            faults.arm(error, kinds: .accept)
            let waiting = try LoopbackStream(port: receiver.port)
            try eventually("accept fails") { faults.fired >= 1 }
            // A program that spins makes some hundred thousand calls meanwhile.
            usleep(200_000)
            #expect(faults.fired < 1000)
            faults.disarm()
            let greeting = try waiting.readLine()
            #expect(greeting?.starts(with: ByteString("220 ")) == true)
            try sender.sendsOne("after \(text(ofError: error))")
        }
        #expect(receiver.daemon.isRunning)
        #expect(try site.log("panic").contains { $0.contains(text(ofError: error)) })
    }

    @Test("A client whose address the kernel does not tell gets no session, and no rights of a local caller")
    func nameless() throws {
        let site = try MailSite(
            """
            acl_smtp_rcpt = check
            begin acl
            check:
              accept hosts = :

            """)
        let library = try Preload.compile("nameless", into: site.directory)
        let port = try freePort()
        let receiver = try site.start(
            "bobbin-receiver", ["listen", "--listen", "127.0.0.1:\(port)", "--queue-only"],
            environment: ["LD_PRELOAD": library])
        defer { receiver.kill() }
        try eventually("it listens") {
            do { _ = try LoopbackStream(port: port) } catch { return false }
            return true
        }
        let stream = try LoopbackStream(port: port)
        #expect(try stream.readLine() == nil)
        try eventually("it is logged") {
            try site.log().contains { $0.hasSuffix("from a host whose address cannot be found: closed") }
        }
        #expect(receiver.isRunning)
    }

    @Test(
        "A socket call that fails costs at most its connection; what is on the spool is whole",
        arguments: [ECONNRESET, ENOBUFS, EIO, Faults.shortCount])
    func sockets(error: Int32) throws {
        let site = try MailSite(RobustnessSite.configuration())
        let faults = try Faults(in: site, below: ["spool"])
        let receiver = try site.receiver("--queue-only", environment: faults.environment)
        let bystander = try SMTPDialogue.greeted(port: receiver.port)
        for number in 1...20 {
            // A session of its own each time, so that its first call is counted.
            let sender = Sender(site, port: receiver.port)
            faults.arm(error, at: number, once: error != Faults.shortCount, kinds: .socket)
            let (token, answer) = sender.send()
            faults.disarm()
            let what: Comment = "\(text(ofError: error)) at call \(number): \(faults.traces), \(answer)"
            if error == Faults.shortCount, case .accepted = answer {
            } else if error == Faults.shortCount {
                Issue.record(what)
            }
            // The answer to a message that was accepted can be lost: the client sends it once more.
            for id in site.queue {
                try sender.expectWhole(id, token, what)
                try sender.remove(id)
            }
            try Sender(site, port: receiver.port).sendsOne("after \(what)")
        }
        try bystander.expect(250, bystander.say("NOOP"))
        #expect(receiver.daemon.isRunning)
    }
}
