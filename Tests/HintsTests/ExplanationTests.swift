import Bytes
import Hints
import TestKit
import Testing

@Suite("Explanations of retry records")
struct ExplanationTests {
    private func explanations() async throws -> [RetryExplanation] {
        let scan = try HintsScan(ByteString(Samples.path("v2-exim-4.100-dev", "retry")))
        var pages = scan.pages()
        return try await pages.next().map {
            RetryExplanation(key: $0.key, record: try RetryRecord(decoding: $0.octets, layout: scan.layout))
        }
    }

    /// The answers of exinext to each question of the sample, without the lines that say what it did not find.
    private func answers() throws -> [(subject: ByteString, text: ByteString)] {
        var result: [(ByteString, ByteString)] = []
        for line in try Samples.text("v2-exim-4.100-dev/exinext.txt").split(separator: .newline) {
            if line.starts(with: ByteString("$ exinext ")) {
                result.append((ByteString(line.dropFirst(10)), ""))
            } else if !line.starts(with: ByteString("No ")), !line.starts(with: ByteString("User@")),
                let last = result.indices.last
            {
                result[last].1 += "\(line)\n" as ByteString
            }
        }
        return result
    }

    private static let hosts: [ByteString: [(ByteString, ByteString?)]] = [
        "a@refused2.test": [("refused.example", "127.0.0.13")], "six.test": [("six.example", "127.0.0.1")],
        "a@msgerr.test": [("msgerr.example", "127.0.0.32")], "exp.test": [("refused.example", "127.0.0.13")],
        "nosuch@unknown-host.test": [("ok.example", "127.0.0.11")],
    ]

    @Test("Records are told in exinext's words")
    func golden() async throws {
        let all = try await explanations()
        var compared = 0
        for (subject, expected) in try answers() where !expected.isEmpty {
            let found = all.filter { explanation in
                explanation.matter.concerns(subject)
                    || (Self.hosts[subject] ?? []).contains {
                        explanation.matter.concerns(host: $0, address: $1)
                    }
            }
            let text = found.map { $0.text(.utc) }.joined(separator: "")
            #expect(text == expected, "\(subject)")
            compared += 1
        }
        #expect(compared >= 5)
    }

    @Test(
        "Every form of key is taken apart, with and without brackets",
        arguments: [
            ("T:mx.example:192.0.2.1", "Transport: mx.example 192.0.2.1"),
            ("T:mx.example:192.0.2.1:2526/192.0.2.9", "Transport: mx.example 192.0.2.1:2526/192.0.2.9"),
            ("T:six.example:[::1]", "Transport: six.example [::1]"),
            ("T:six.example:::1", "Transport: six.example ::1"),
            ("T:[::1]:[::1]", "Transport: [::1] [::1]"),
            ("T:::1:::1", "Transport: ::1 ::1"),
            ("T:[127.0.0.17]:127.0.0.17", "Transport: [127.0.0.17] 127.0.0.17"),
            (
                "T:msgerr.example:127.0.0.32:1xUfJc-0000000063B-0Kt5",
                "Transport: msgerr.example 127.0.0.32 1xUfJc-0000000063B-0Kt5"
            ),
            (
                "T:msgerr.example:127.0.0.32:1xUfOZ-0005yP-0g",
                "Transport: msgerr.example 127.0.0.32 1xUfOZ-0005yP-0g"
            ),
            ("T:|/bin/false:p@pipes.example", "Transport: |/bin/false p@pipes.example"),
            ("T:q@quota.example", "Transport: q@quota.example"),
            ("T:local.example", "Transport: local.example"),
            ("R:r451@rcpt.test:<alice@lab.example>", "Route: r451@rcpt.test:<alice@lab.example>"),
        ])
    func keys(key: String, words: String) {
        #expect(RetryExplanation.Matter(ByteString(key)).words.string == words)
    }

    @Test(
        "A record is found by what people know of it, and by nothing else",
        arguments: [
            ("T:six.example:[::1]", "::1", true), ("T:six.example:[::1]", "[::1]", true),
            ("T:[127.0.0.17]:127.0.0.17", "127.0.0.17", true), ("T:mx.example:192.0.2.1", "192.0.2.1", true),
            ("T:mx.example:192.0.2.10", "192.0.2.1", false), ("T:mx.example:192.0.2.1", "MX.example", true),
            ("T:mx.example:192.0.2.1", "mx.exampl.", false),
            ("T:h.example:127.0.0.32:1xUfOZ-0005yP-0g", "1xUfOZ-0005yP-0g", true),
            ("R:r451@rcpt.test:<alice@lab.example>", "r451@rcpt.test", true),
            ("R:r451@rcpt.test:<alice@lab.example>", "rcpt.test", true),
            ("R:r451@rcpt.test:<alice@lab.example>", "r451", true),
            ("R:r451@rcpt.test:<alice@lab.example>", "lab.example", false),
            ("T:|/bin/false:p@pipes.example", "p@pipes.example", true),
        ])
    func subjects(key: String, subject: String, expected: Bool) {
        #expect(RetryExplanation.Matter(ByteString(key)).concerns(ByteString(subject)) == expected)
    }
}
