import ACL
import Bytes
import Expansion
import MailText
import Testing

@testable import Receiver

@Suite("Header lines that ACLs add and remove")
struct HeaderEditTests {
    private let header = [
        Header("Received: one\n"), Header("Received: two\n"), Header("From: a\n"), Header("X-Old: 1\n"),
    ]

    private func applied(add: [ByteString] = [], remove: [ByteString] = []) -> [ByteString] {
        var state = ACLState(facts: Facts())
        for line in add { state.add(header: line) }
        state.removedHeaders = remove
        return HeaderEdit(state).applied(to: header)
            .map { $0.kind == .old ? "* \($0.text.dropLast())" : ByteString($0.text.dropLast()) }
    }

    @Test(
        "Each place is where the manual says",
        arguments: [
            ("X-New: 2", 4), (":at_end:X-New: 2", 4), (":at_start:X-New: 2", 0),
            (":after_received:X-New: 2", 2),
            (":at_start_rfc:X-New: 2", 2),
        ] as [(ByteString, Int)])
    func places(line: ByteString, place: Int) {
        #expect(applied(add: [line]).firstIndex(of: "X-New: 2") == place)
    }

    @Test("Removed lines stay, marked; a star is a letter like others, and a list may hold several")
    func removal() {
        #expect(applied(remove: ["x-old"]).last == "* X-Old: 1")
        #expect(applied(remove: ["X-*"]).last == "X-Old: 1")
        #expect(applied(remove: ["x-old : from"]).count { $0.first == UInt8(ascii: "*") } == 2)
    }
}
