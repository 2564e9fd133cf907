import Bytes
import Foundation
import Testing

@testable import Bobbin

/// A spool with messages of every kind that a queue listing can show; no two of the same second, since exiqgrep leaves the
/// order of those open.
enum RichSpool {
    /// Fills a spool.
    static func fill(_ spool: ScratchSpool, count: Int, now: Int64) throws {
        var used: Set<Int64> = []
        for queue in ["", "slow/"] {
            for number in 0..<(queue.isEmpty ? count : count / 8) {
                let ages: [Int64] = [
                    3, 59, 200, 3_600, 5_430, 5_490, 9_000, 86_400, 259_000, 262_000, 900_000, 9_000_000,
                ]
                var time = now - ages[number % ages.count] - 20
                while !used.insert(time).inserted { time -= 1 }
                try write(spool, queue, number, time)
            }
        }
    }

    private static func write(_ spool: ScratchSpool, _ queue: String, _ number: Int, _ time: Int64) throws {
        let id =
            "\(base62(time, 6))-\(base62(Int64(10_000 + number), 6))-\(base62(Int64(number * 37 % 3_000), 2))"
        let senders = ["", "alice@Example.com", "bob@other.example", "news-\(number)@list.example.org"]
        let sender = senders[number % 4]
        let hosts = ["one.test", "Two.Test", "three.example.org", "x_y.test", "long.domain-name.example.net"]
        let recipients = (0...(number % 7 == 0 ? 5 : number % 3)).map {
            "u\($0).\(number)@\(hosts[($0 + number) % 5])"
        }
        var variables = ["-received_time_usec .123456", "-body_linecount 1"]
        if number % 4 == 1 { variables.append("-frozen \(time + 1)") }
        if number % 9 == 2 { variables.append("-sender_set_untrusted") }
        if number % 3 == 0 { variables.append("-aclm 0 5\nab\ncd") }
        let tree = number % 5 == 3 && recipients.count > 1 ? "NN \(recipients[0])" : "XX"
        let lines = recipients.enumerated().map { $0 % 4 == 3 ? "\($1)  0,0  0,-1#3" : $1 }
        let subject = "Subject: number \(number)\n  folded\n"
        let header = """
            \(id)-H
            root 0 0
            <\(sender)>
            \(time) 0
            \(variables.joined(separator: "\n"))
            \(tree)
            \(lines.count)
            \(lines.joined(separator: "\n"))

            \(String(format: "%03d", subject.utf8.count))  \(subject)
            """
        let sizes = [0, 5, 700, 1_100, 9_000, 20_000, 1_200_000]
        let body = String(repeating: "x", count: sizes[number % sizes.count])
        try spool.write(Data(header.utf8), to: "\(queue)input/\(id)-H")
        try spool.write(Data("\(id)-D\n\(body)\n".utf8), to: "\(queue)input/\(id)-D")
        if number % 11 == 5, recipients.count > 1 {
            try spool.write(Data("\(recipients[1])\n".utf8), to: "\(queue)input/\(id)-J")
        }
    }

    private static func base62(_ value: Int64, _ width: Int) -> String {
        let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        var (rest, text) = (value, "")
        for _ in 0..<width {
            text = String(digits[Int(rest % 62)]) + text
            rest /= 62
        }
        return text
    }
}

@Suite("Exim's utilities for the queue", .serialized)
struct EximUtilityTests {
    private let spool: ScratchSpool

    init() throws {
        try #require(Oracle.isThere, "\(Oracle.missing)")
        spool = try ScratchSpool(messages: false)
        try RichSpool.fill(spool, count: 120, now: Clock.now())
        try spool.settle()
    }

    /// Runs a utility of Debian's and ours until both have seen the same minute.
    private func answers(
        _ program: String, _ words: [String]
    ) async throws -> (mine: Answer, theirs: Answer) {
        for _ in 0..<4 {
            let theirs = try Shell.run("/usr/sbin/\(program)", words)
            let mine = await Ours.run(words, calledAs: program)
            if mine == theirs { return (mine, theirs) }
        }
        return (await Ours.run(words, calledAs: program), try Shell.run("/usr/sbin/\(program)", words))
    }

    @Test("exiqgrep selects and prints what Debian's prints, octet by octet")
    func exiqgrep() async throws {
        let lines = [
            "-c", "-x", "-z", "-zx", "-zi", "-xi", "-xb", "-xR", "-ziR", "-zbR", "-x -l", "-x -i -b",
            "-x -c -i",
            "-f ^<>$ -i", "-f example -b", "-fALICE -i", "-r one.test -b", "-r ^U0 -i", "-r two.test$ -l",
            "-s K -i",
            "-s ^7..$ -b", "-s M$ -i", "-s k -i", "-y 3600 -i", "-o 3600 -i", "-o 9000 -y 300000 -b",
            "-y 60 -c",
            "-o -5 -c", "-a -x -b", "-a -z", "-a -r ^D -b", "-a -r one -c", "-G slow -x", "-G slow -zb",
            "-G none -c", "-f alice -r one -x -b", "-zc", "-h", "-i", "-b", "-y 0", "-Q -x", "-x -Q", "-f",
            "-x extra",
            "-z -- extra", "",
        ]
        for line in lines {
            let words = ["-C", spool.configuration] + line.split(separator: " ").map(String.init)
            let (mine, theirs) = try await answers("exiqgrep", words)
            #expect(mine == theirs, "exiqgrep \(line)")
        }
    }

    @Test("queue list and queue count select what exiqgrep selects")
    func sameSelections() async throws {
        for line in ["-z", "-x", "-f ^<>$", "-r one.test", "-s K", "-o 3600", "-y 9000 -x", "-G slow -x"] {
            let words = ["-C", spool.configuration] + line.split(separator: " ").map(String.init)
            let theirs = try Shell.run("/usr/sbin/exiqgrep", ["-i"] + words).output
            let mine = await Ours.run(["queue", "list", "-i"] + words).output
            let sorted = { (text: String) in text.split(separator: "\n").sorted() }
            #expect(sorted(mine) == sorted(theirs), "\(line)")
            let count = await Ours.run(["queue", "count"] + words).output
            #expect(count == "\(sorted(theirs).count)\n", "\(line)")
        }
    }

    @Test("exiqsumm and queue summary sum up as Debian's exiqsumm does")
    func exiqsumm() async throws {
        let listing = spool.directory + "/listing"
        let text = try Shell.run(Oracle.path, ["-C", spool.configuration, "-bp"]).output
        try text.write(toFile: listing, atomically: true, encoding: .utf8)
        for options in [[], ["-b"], ["-f"], ["-s"], ["-b", "-f"], ["-b", "-f", "-s"], ["-x"], ["-ac"]] {
            let theirs = try Shell.run("/usr/sbin/exiqsumm", options + [listing])
            let mine = await Ours.run(options + [listing], calledAs: "exiqsumm")
            #expect(mine == theirs, "\(options)")
            let input = text.split(separator: "\n", omittingEmptySubsequences: false).map { ByteString($0) }
            #expect(await Ours.run(options, calledAs: "exiqsumm", input: input).output == theirs.output)
        }
        // The order of equals is open there.
        for (options, column) in [(["-a"], 3), (["-c"], 0)] {
            let lines = { (answer: Answer) in answer.output.split(separator: "\n").map(String.init) }
            let theirs = lines(try Shell.run("/usr/sbin/exiqsumm", options + [listing]))
            let mine = lines(await Ours.run(options + [listing], calledAs: "exiqsumm"))
            #expect(mine.sorted() == theirs.sorted())
            let keys = { (lines: [String]) in
                lines.map { $0.split(separator: " ").dropFirst(column).first ?? "" }
            }
            #expect(keys(mine) == keys(theirs))
        }
        let summary = await Ours.run(["queue", "summary", "-C", spool.configuration]).output
        #expect(summary == (await Ours.run([listing], calledAs: "exiqsumm").output))
    }

    @Test("exiqsumm reads lines that are no listing as Debian's does")
    func oddLines() async throws {
        let odd = """
             1h   10  1xUfCD-0002bN-34 <two@blanks.test>
             1h    10 1xUfCD-0002bN-34 <a@b.test> *** frozen ***
                      x@b%c
                      x@[1.2.3.4]
                      x@[IPv6:::1]
                      a@b@c
                      "x@z"@p.test
                    D y@done.test
                   +D z@child.test
            nothing@here.test
            200d  9.9M 1xUfCD-0002bN-34 <BOB> (login) *** frozen ***
                      |pipe@p
                      q@Q_1.test

                1xUfCH-0002bN-34
                *** spool format error: size=3 ***
            91m  1023K 1xUfCE-0002bN-34 <>
                      last@a-very-long-domain-name-which-is-longer-than-what-fits-into-a-line-of-eighty-columns-of-it.test

            """
        let file = spool.directory + "/odd"
        try odd.write(toFile: file, atomically: true, encoding: .utf8)
        for options in [[], ["-s", "-f"], ["-b"]] {
            let theirs = try Shell.run("/usr/sbin/exiqsumm", options + [file])
            #expect(
                await Ours.run(options + [file], calledAs: "exiqsumm").output == theirs.output, "\(options)")
        }
        let empty = try Shell.run("/usr/sbin/exiqsumm", ["/dev/null"])
        #expect(await Ours.run(["/dev/null"], calledAs: "exiqsumm") == empty)
    }

    @Test(
        "A listing of a rich queue is Exim's, for each style, order and layout",
        arguments: ["-bp", "-bpa", "-bpu"])
    func richListing(option: String) async throws {
        for words in [[option], [option, "-qGslow"]] {
            var (mine, theirs) = (Answer(output: "", errors: "", status: -1), "")
            for _ in 0..<4 where mine.output != theirs {
                theirs = try Shell.run(Oracle.path, ["-C", spool.configuration] + words).output
                mine = await Ours.run(["exim", "-C", spool.configuration] + words)
            }
            #expect(mine.output == theirs, "\(words)")
        }
    }

    /// A log of all kinds of lines.
    private static let log = """
        2026-11-21 12:00:00 Start queue run: pid=1
        2026-11-21 12:00:01 1xUfHo-0002UW-1v <= alice@x.test U=root P=local S=300
        2026-11-21 12:00:02 1xUfHp-0002UW-1v <= bob@x.test H=h.test [10.0.0.1]:25 P=esmtp S=300 id=abc
        2026-11-21 12:00:03 1xUfHo-0002UW-1v => carol@y.test R=r T=t H=y.test [10.0.0.2]
        2026-11-21 12:00:03 no id line about alice here
        2026-11-21 12:00:04 1xUfHo-0002UW-1v Completed
        2026-11-21 12:00:05 1xUfHp-0002UW-1v ** dave@y.test: failed
        2026-11-21 12:00:06 1xUfHq-0002UW-1v <= <> R=1xUfHp-0002UW-1v U=exim P=local S=900
        2026-11-21 12:00:07 1xUfHp-0002UW-1v Completed
        2026-11-21 12:00:08 1xUfHq-0002UW-1v == zed@x.test R=r T=t defer (111): Connection refused
        2026-11-21 12:10:08 1xUfHq-0002UW-1v => zed@x.test R=r T=t
        2026-11-21 12:10:09 1xUfHq-0002UW-1v Completed
        2026-11-21 12:11:01 1xUfHr-0002UW-1v == carol@y.test R=r
          a line without a moment, alice
        2026-11-21 12:12:00 +0100 1xUfHs-0002UW-1v <= zoe@x.test U=root P=local S=300
        2026-11-21 12:12:01.123 [44] 1xUfHs-0002UW-1v => al@x.test
        2026-11-21 12:12:02 [44] 1xUfHs-0002UW-1v Completed
        2026-11-21 12:13:00 H=bad.test [10.9.9.9] rejected RCPT <alice@x.test>: no
        Nov 21 12:15:00 host exim[123]: 2026-11-21 12:15:00 1xUfHv-0002UW-1v <= sys@x.test a.ice
        Nov 21 12:15:00 host exim[123]: 1xUfHv-0002UW-1v Completed
        2026-02-28 23:59:59 1xUfHw-0002UW-1v <= night@x.test
        2026-03-01 00:00:01 1xUfHw-0002UW-1v Completed

        """

    @Test("exigrep shows the messages that Debian's shows, with the lines that it shows")
    func exigrep() async throws {
        let file = spool.directory + "/mainlog"
        try Self.log.write(toFile: file, atomically: true, encoding: .utf8)
        let lines = [
            "alice", "-l a.ice", "a.ice", "-I ALICE", "-I alice", "ALICE", "-v alice", "bob", "dave",
            "-M dave", "-M bob",
            "-t 100 zed", "-t 1 night", "-t 2 night", "zoe", "sys", "Start", "moment", "rejected",
            "nothing-at-all",
            "-l [10.0.0.1]", "1xUfHs", "^2026", "-M -v x.test",
        ]
        let entries = { (text: String) in text.components(separatedBy: "\n\n").sorted() }
        for line in lines {
            let words = line.split(separator: " ").map(String.init) + [file]
            let theirs = try Shell.run("/usr/sbin/exigrep", words)
            let mine = await Ours.run(words, calledAs: "exigrep")
            // The order of messages that have not completed is open there.
            #expect(entries(mine.output) == entries(theirs.output), "exigrep \(line)")
            #expect(mine.status == theirs.status, "exigrep \(line)")
        }
    }
}
