import Bytes
import TestKit
import Testing

@Suite("bobbin verify and bobbin retry")
struct TraceTests {
    private static func configuration() throws -> (TemporaryDirectory, String) {
        let directory = try TemporaryDirectory()
        let path = try directory.write(
            """
            spool_directory = \(directory.path)/spool
            log_file_path = \(directory.path)/%slog
            primary_hostname = mail.example.org
            qualify_domain = example.org
            begin routers
            unknown:
              driver = redirect
              local_parts = nobody
              allow_fail
              data = :fail: no such person here
            elsewhere:
              driver = accept
              domains = !example.org
              transport = box
            guarded:
              driver = accept
              condition = no
              transport = box
            local:
              driver = accept
              transport = box
            begin transports
            box:
              driver = appendfile
              file = /dev/null
            begin retry
            * rcpt_452 F,1d,5m
            *.net * F,1d,10m
            * * senders=: F,1h,1h
            * * F,2h,15m; G,16h,1h,1.5; F,4d,6h

            """, to: "bobbin.conf")
        return (directory, path.string)
    }

    @Test("verify tells what each router does with an address, and then the verdict")
    func verify() async throws {
        let (directory, file) = try Self.configuration()
        defer { withExtendedLifetime(directory) {} }
        let good = await Ours.run(["verify", "-C", file, "alice@example.org"])
        #expect(
            good.output == """
                  router unknown: passed over: local_parts does not match
                  router elsewhere: passed over: domains does not match
                  router guarded: passed over: condition is false
                  router local: accepts
                alice@example.org verified

                """)
        #expect(good.status == 0)
        let bad = await Ours.run(["verify", "-C", file, "nobody@example.org"])
        #expect(
            bad.output == """
                  router unknown: fails: no such person here
                nobody@example.org failed to verify: no such person here

                """)
        #expect(bad.status == 2)
        let quiet = await Ours.run(["verify", "--quiet", "-C", file, "alice"])
        #expect(quiet.output == "alice@example.org verified\n")
        let routed = await Ours.run(["route", "--trace", "-C", file, "bob@example.com"])
        #expect(
            routed.output == """
                  router unknown: passed over: local_parts does not match
                  router elsewhere: accepts
                bob@example.com
                  router = elsewhere, transport = box

                """)
    }

    @Test("retry tells which rule serves, why the others do not, and when it tries")
    func retry() async throws {
        let (directory, file) = try Self.configuration()
        defer { withExtendedLifetime(directory) {} }
        let first = 27
        let usual = await Ours.run(["retry", "-C", file, "-f", "a@example.org", "example.com", "refused"])
        #expect(
            usual.output == """
                line \(first): *  rcpt_452  F,1d,5m;
                  passed over: it is for another error
                line \(first + 1): *.net  *  F,1d,10m;
                  passed over: the pattern does not match
                line \(first + 2): *  *  F,1h,1h;
                  passed over: it is for other senders
                line \(first + 3): *  *  F,2h,15m; G,16h,1h,1.5; F,4d,6h;
                  from at once until 2h after the first failure: every 15m
                  from 2h until 16h after the first failure: first after 1h, then each time 1.5 times as long
                  from 16h until 4d after the first failure: every 6h
                  after 4d it is given up

                """)
        let bounce = await Ours.run(["retry", "-C", file, "-f", "<>", "x@example.com"])
        #expect(bounce.output.hasSuffix("every 1h\n  after 1h it is given up\n"))
        let wrong = await Ours.run(["retry", "-C", file, "example.com", "nonsense"])
        #expect(wrong.status == 64)
        #expect(wrong.errors.contains("unknown or malformed retry error \"nonsense\""))
    }
}
