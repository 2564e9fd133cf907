import Bytes
import Foundation
import TestKit
import Testing

@testable import Spooler

@Suite("Messages for listings are read quickly and rightly")
struct ListingReaderTests {
    private static let id = "1xUfHo-0002UW-1v"

    private static let ordinary = """
        1xUfHo-0002UW-1v-H
        root 0 0
        <alice@example.org>
        1795245204 0
        -received_time_usec .123456
        -frozen 1795245205
        -aclm _x 5
        ab
        cd
        -sender_set_untrusted
        --helo_name [1.2.3.4]
        XX
        2
        bob@example.org
        carol@Example.com

        020P Received: from here
        010* X-Gone: y
        020  Subject: a
          longer

        """

    /// Reads one header file both ways, in a spool of its own.
    private func read(
        _ header: String, body: String? = "hello\n", journal: Bool = false
    ) throws -> (listed: ListedMessage?, stored: StoredReading) {
        let directory = NSTemporaryDirectory() + "listing-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let input = directory + "/input"
        try FileManager.default.createDirectory(atPath: input, withIntermediateDirectories: true)
        try Data(header.utf8).write(to: URL(fileURLWithPath: "\(input)/\(Self.id)-H"))
        if let body {
            try Data("\(Self.id)-D\n\(body)".utf8).write(to: URL(fileURLWithPath: "\(input)/\(Self.id)-D"))
        }
        if journal {
            try Data("bob@example.org\n".utf8).write(to: URL(fileURLWithPath: "\(input)/\(Self.id)-J"))
        }
        let spool = Spool(directory: ByteString(directory))
        let entries = try spool.listedQueue()
        let entry = try #require(entries.first)
        #expect(entry.hasJournal == journal)
        var reader = ListingReader(try OpenQueue(spool, for: entries))
        return (reader.read(entry), try spool.read(entry.entry.id))
    }

    /// Expects the same of both readers.
    private func expectSame(_ listed: ListedMessage, _ stored: StoredReading) throws {
        guard case .message(let message) = stored else {
            Issue.record("the quick reader takes what the careful one refuses: \(stored)")
            return
        }
        let header = message.header
        #expect(listed.id == header.id)
        #expect(listed.receivedTime == header.receivedTime)
        #expect(ByteString(listed.sender) == header.sender)
        #expect(ByteString(listed.login) == header.login)
        #expect(listed.isFrozen == header.isFrozen)
        #expect(listed.senderSetUntrusted == header.senderSetUntrusted)
        #expect(listed.size == message.bodySize.map { header.messageSize(bodySize: $0) })
        var recipients: [ByteString] = []
        listed.forEachRecipient {
            recipients.append(ByteString($0))
            return true
        }
        #expect(recipients == header.recipients.map(\.address))
        #expect(header.nonRecipients.isEmpty)
    }

    @Test("An ordinary message is read by the quick reader, and as the careful one reads it")
    func ordinaryMessage() throws {
        let (listed, stored) = try read(Self.ordinary)
        try expectSame(try #require(listed), stored)
        let (bodiless, other) = try read(Self.ordinary, body: nil)
        try expectSame(try #require(bodiless), other)
    }

    @Test("A message with a journal, or with somebody served, is left to the careful reader")
    func leftAlone() throws {
        #expect(try read(Self.ordinary, journal: true).listed == nil)
        #expect(try read(Self.ordinary.replacing("XX\n", with: "NN bob@example.org\n")).listed == nil)
    }

    @Test(
        "Whatever octets change, the quick reader agrees with the careful one or leaves it the message",
        arguments: 0..<8)
    func mutations(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed &* 0x9E37_79B9_7F4A_7C15 &+ 1)
        let spelling = Array(Self.ordinary.utf8)
        let alphabet = Array("\n -*0123#,XNY()<>@aZ\t\0".utf8)
        for _ in 0..<150 {
            var octets = spelling
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                let place = Int.random(in: 0..<octets.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: octets[place] = alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
                case 1: octets.remove(at: place)
                default:
                    octets.insert(alphabet[Int.random(in: 0..<alphabet.count, using: &random)], at: place)
                }
            }
            let (listed, stored) = try read(String(decoding: octets, as: UTF8.self))
            if let listed { try expectSame(listed, stored) }
        }
    }
}
