import Bytes
import Foundation
import TestKit
import Testing

/// Signatures on the way out: the area Signing, whose deliveries are made once for all tests here.
extension DeliveryTests {
    private enum Signed {
        static let area = Task { try DeliveryArea.named("Signing") }
        static let outcomes = Task { try await area.value.outcomes() }

        /// What Bobbin's delivery left.
        static func lines(_ title: String) async throws -> [String] {
            let outcomes = try await outcomes.value
            return try #require(outcomes.first { $0.0 == title }, "no delivery \(title)").2
        }

        /// A line of each message.
        private static let date: Substring = "Date: Fri, 20 Nov 2026 10:00:00 +0000"

        /// The messages that a server got, with CRLF line ends.
        static func messages(_ title: String, at server: String = "127.0.1.2") async throws -> [ByteString] {
            var messages: [[String]] = []
            var isInside = false
            for line in try await lines(title) where line.hasPrefix("\(server) ") {
                let text = line.dropFirst(server.count + 1)
                let isContent = text == "|" || text.hasPrefix("| ")
                if isContent, !isInside { messages.append([]) }
                // What differs between two runs is hidden, and this did not differ.
                let shown = text.hasPrefix("| Date: ") ? "| \(date)" : text
                if isContent { messages[messages.count - 1].append(String(shown.dropFirst(2))) }
                isInside = isContent
            }
            return messages.map { lines in
                ByteString(lines.map { "\(ByteString($0))\r\n" as ByteString }.joined(separator: ""))
            }
        }

        static func isSigned(_ title: String) async throws -> Bool {
            try await messages(title).contains { $0.contains(ByteString("DKIM-Signature:")) }
        }
    }

    @Test("Signatures are those that Exim makes, octet by octet, and what cannot be signed ends as with Exim")
    func signedDeliveries() async throws {
        try check(try await Signed.area.value, try await Signed.outcomes.value)
    }

    @Test(
        "DK-20: dkim_private_key is the key, or a file of it, or says by 0, false or nothing that none is made"
    )
    func keyForms() async throws {
        let signature = try await Signed.messages("signed by what stands in the configuration")
        #expect(signature.count == 1)
        #expect(try await Signed.messages("signed by a file") == signature)
        #expect(try await Signed.isSigned("signed by a file"))
        for title in ["zero", "false", "nothing"].map({ "a key that says \($0)" }) {
            // Even where dkim_strict is set.
            #expect(try await !Signed.isSigned(title))
            #expect(try await Signed.lines(title).contains { $0.contains("=> b@one.test") })
        }
    }

    @Test("DK-22: with dkim_strict a message that cannot be signed waits, and without it goes out unsigned")
    func strictness() async throws {
        let lenient = "a file that is not there"
        #expect(try await Signed.messages(lenient).count == 1)
        #expect(try await !Signed.isSigned(lenient))
        let strict = "a file that is not there, strictly"
        #expect(try await Signed.messages(strict).isEmpty)
        let lines = try await Signed.lines(strict)
        #expect(
            lines.contains {
                $0.hasSuffix(
                    "DKIM: message could not be signed, and dkim_strict is set. Deferring message delivery.")
            })
        #expect(lines.contains { $0.contains("== b@one.test") && $0.contains("defer (13)") })
    }

    @Test(
        "DK-24: whatever a transport does to a message, its signature is of what goes out: a stranger verifies it"
    )
    func lastStep() async throws {
        let titles = [
            "lines that the transport adds and takes", "a transport filter", "simple form",
            "chunks in simple form", "both types of key", "two domains", "an empty body in simple form",
            "LMTP by the smtp transport", "header names",
        ]
        let counts = ["both types of key": 2, "two domains": 2]
        let keys = try await Self.publicKeys()
        var questions: [(String, Int, DKIMStranger.Question)] = []
        for title in titles {
            let count = counts[title] ?? 1
            for message in try await Signed.messages(title) {
                questions.append((title, count, .verify(message, count: count, keys: keys)))
            }
        }
        #expect(questions.count == titles.count)
        for (question, answer) in zip(questions, try DKIMStranger.ask(questions.map(\.2))) {
            #expect(
                answer.verdicts == Array(repeating: true, count: question.1),
                "\(question.0): \(answer.problem ?? "")")
        }
        let added = try #require(try await Signed.messages(titles[0]).first)
        #expect(added.contains(ByteString("\r\nX-New: yes\r\n")) && added.contains(ByteString("; h=Cc:")))
        #expect(try await Signed.messages("a transport filter")[0].contains(ByteString("Changed  world")))
    }

    /// Key records made of the private keys that the area's configuration holds.
    private static func publicKeys() async throws -> [ByteString: ByteString] {
        let configuration = try await Signed.area.value.configuration.string
        func key(_ macro: String, _ cut: Int) throws -> ByteString {
            let line = try #require(
                configuration.split(separator: "\n").first { $0.hasPrefix("\(macro) = ") })
            let pem = line.dropFirst(macro.count + 3).replacingOccurrences(of: "\\n", with: "\n")
            let run = try ChildProcess(
                "/usr/bin/openssl", ["pkey", "-pubout", "-outform", "DER"], input: ByteString(pem)
            ).wait()
            return Base64.encode(run.output.dropFirst(cut))
        }
        let (rsa, ed25519) = (try key("RSAKEY", 0), try key("EDKEY", 12))
        var records: [ByteString: ByteString] = [:]
        for domain in ["example.org", "example.net"] as [ByteString] {
            records["rsa._domainkey.\(domain)"] = "v=DKIM1; k=rsa; p=\(rsa)"
            records["ed._domainkey.\(domain)"] = "v=DKIM1; k=ed25519; p=\(ed25519)"
        }
        return records
    }

    @Test("DK-25: a local delivery of the same message is not signed, by appendfile or by LMTP")
    func localDeliveries() async throws {
        let title = "local deliveries are not signed"
        #expect(try await Signed.isSigned(title))
        let lines = try await Signed.lines(title)
        let remote = lines.filter { $0.contains("DKIM-Signature:") }
        #expect(remote.count == 1 && remote.allSatisfy { $0.hasPrefix("127.0.1.2 | ") })
        #expect(lines.contains { $0.contains("=> b@local.test") || $0.contains("=> b <b@local.test>") })
        #expect(lines.contains { $0.contains("c@lmtp.test") })
        #expect(lines.count { $0.contains("Subject:  a  test") } == 3)
    }
}
