import Bytes
import OpenSSL
import PolicyChecks
import TestKit
import Testing

/// Our DKIM and somebody else's, message by message.
@Suite("DKIM beside dkimpy")
struct DKIMStrangerTests {
    private static let forms: [DKIMCanonicalization] = [.simple, .relaxed]

    private static func messages(_ count: Int, seed: UInt64) -> [ByteString] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in DKIMSamples.message(&random) }
    }

    @Test("Header and body of generated messages have the canonical forms that dkimpy gives them")
    func canonical() throws {
        let messages = Self.messages(150, seed: 21)
        let questions = messages.flatMap { message in
            Self.forms.map { DKIMStranger.Question.canonical(message.withCRLF, form: $0.word) }
        }
        let answers = try DKIMStranger.ask(questions)
        for (index, answer) in answers.enumerated() {
            let (message, form) = (messages[index / 2], Self.forms[index % 2])
            let (lines, body) = DKIMSamples.parts(message)
            #expect(
                ByteString(lines.map(form.header).joined(separator: "")) == answer.canonicalHeader,
                "\(message)")
            #expect(DKIMTests.canonical(ByteString(body), form) == answer.canonicalBody, "\(message)")
        }
    }

    @Test("dkimpy verifies what we sign, by both types of key at once, and not when it is changed")
    func ours() throws {
        let messages = Self.messages(30, seed: 22)
        let signed = try messages.enumerated().map { index, message in
            let form = Self.forms[index % 2]
            return try DKIMSamples.signed(
                message, [DKIMSamples.order(.rsa, form), DKIMSamples.order(.ed25519, form)])
        }
        let changed = signed.map { $0.replacing(ByteString("From: a@"), with: ByteString("From: b@")) }
        let answers = try DKIMStranger.ask(
            (signed + changed).map { .verify($0.withCRLF, count: 2, keys: DKIMSamples.keys) })
        for (index, answer) in answers.enumerated() {
            let isGood = index < signed.count
            #expect(
                answer.verdicts == [isGood, isGood], "\((signed + changed)[index]) \(answer.problem ?? "")")
        }
    }

    @Test("We verify what dkimpy signs, with and without a length")
    func theirs() async throws {
        let messages = Self.messages(30, seed: 23)
        let signers = [
            DKIMStranger.Signer("rsa", DKIMSamples.rsaKey, "rsa-sha256"),
            DKIMStranger.Signer("ed", DKIMSamples.ed25519Seed, "ed25519-sha256"),
        ]
        let answers = try DKIMStranger.ask(
            messages.enumerated().map { index, message in
                .sign(
                    message.withCRLF, by: signers[index % 2], form: Self.forms[index / 2 % 2].word,
                    countsBody: index % 3 == 0)
            })
        for (message, answer) in zip(messages, answers) {
            let signed = answer.signature.withLF + message
            #expect(await DKIMSamples.check(signed).map(\.result) == [.pass], "\(signed)")
        }
    }
}
