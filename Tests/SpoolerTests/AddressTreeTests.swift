import Bytes
import Foundation
import Spooler
import TestKit
import Testing

@Suite("Non-recipients trees")
struct AddressTreeTests {
    @Test(
        "The journal's names make the tree that Exim makes of them", arguments: ["spool-4.96", "spool-4.99"])
    func journal(set: String) throws {
        let before = try #require(
            Fixture.headers.first { $0.name.hasPrefix("\(set)/leftover-journal/before-replay") })
        let after = try Fixture.header("\(set)/leftover-journal/after-replay")
        let lines = try #require(before.sibling("-J")).octets().split(separator: .newline)
        var header = try HeaderFile(parsing: try before.octets())
        for line in lines { header.nonRecipients.insert(ByteString(line)) }
        #expect(header.nonRecipients == after.nonRecipients)
        #expect(lines.count == after.nonRecipients.count)
    }

    @Test(
        "Deliveries in the order of the message's log make the tree that Exim made",
        arguments: ["spool-4.96", "spool-4.99"])
    func partialDelivery(set: String) throws {
        let fixture = try #require(
            Fixture.headers.first { $0.name.hasPrefix("\(set)/partial-delivery/after") })
        let header = try HeaderFile(parsing: try fixture.octets())
        let log = fixture.url.deletingLastPathComponent().appending(path: "msglog/\(header.id)")
        var tree = AddressTree()
        for line in try String(contentsOf: log, encoding: .utf8).split(separator: "\n") {
            guard let end = line.range(of: ": t_ok transport succeeded") else { continue }
            let address = ByteString(line[..<end.lowerBound].dropFirst(20))
            tree.insert(HeaderFile.uniqueForm(of: address))
            tree.insert(address)
        }
        #expect(tree == header.nonRecipients)
        #expect(tree.count > 20)
    }

    @Test(
        "However names come, all are found, sorted, and the tree is as shallow as an AVL tree",
        arguments: 1...20)
    func insertion(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var tree = AddressTree()
        var names: Set<ByteString> = []
        for _ in 0..<(seed * 30) {
            let name: ByteString = "u\(Int.random(in: 0..<400, using: &random))@example.org"
            #expect(tree.insert(name) == names.insert(name).inserted)
        }
        #expect(tree.names == names.sorted())
        #expect(names.allSatisfy(tree.contains) && !tree.contains("nobody"))
        let back = try reread(tree)
        #expect(back == tree)
    }

    private func reread(_ tree: AddressTree) throws -> AddressTree {
        var header = try sampleHeader()
        header.nonRecipients = tree
        return try HeaderFile(parsing: header.serialized()).nonRecipients
    }

    private func file(_ tree: [String]) -> ByteString {
        ByteString(
            "1xUfCN-0002hB-01-H\nmail 8 8\n<>\n1 0\n\(tree.joined(separator: "\n"))\n1\na@example.org\n\n")
    }

    @Test("Names in a tree out of order are found, and the tree is in order once it grows")
    func unsorted() throws {
        let octets = file(["YY b@x", "NN z@x", "NN a@x"])
        var header = try HeaderFile(parsing: octets)
        #expect(header.serialized() == octets)
        #expect(!header.nonRecipients.isInOrder)
        #expect(["a@x", "b@x", "z@x"].allSatisfy(header.nonRecipients.contains))
        header.nonRecipients.insert("c@x")
        #expect(header.nonRecipients.isInOrder)
        #expect(header.nonRecipients.names == ["a@x", "b@x", "c@x", "z@x"])
    }

    @Test("An unbalanced tree stays usable, whatever is inserted", arguments: 1...30)
    func unbalanced(seed: Int) throws {
        let depth = 40
        let chain = (0..<depth).map { "\($0 == depth - 1 ? "N" : "Y")N \(UInt8($0)) n\(100 + depth - $0)" }
        var header = try HeaderFile(
            parsing: file(chain.map { String($0.prefix(3)) + String($0.split(separator: " ")[2]) }))
        var random = SeededGenerator(seed: UInt64(seed))
        var names = Set(header.nonRecipients.names)
        for _ in 0..<200 {
            let name: ByteString = "n\(Int.random(in: 0..<300, using: &random))"
            names.insert(name)
            header.nonRecipients.insert(name)
        }
        #expect(header.nonRecipients.names == names.sorted())
        #expect(names.allSatisfy(header.nonRecipients.contains))
        #expect(try HeaderFile(parsing: header.serialized()).nonRecipients.names == names.sorted())
    }

    @Test(
        "A tree whose lines are short or missing is refused",
        arguments: [["YN x@y"], ["NN "], ["N"], ["YY a@b", "NN"]])
    func bad(tree: [String]) {
        #expect(throws: SpoolFormatError.self) { try HeaderFile(parsing: file(tree)) }
    }
}
