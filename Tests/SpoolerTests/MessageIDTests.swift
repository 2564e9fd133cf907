import Bytes
import Foundation
import Spooler
import Synchronization
import Testing

@Suite("Message ids")
struct MessageIDTests {
    @Test("Both generations are told apart, and keep their octets")
    func formats() throws {
        let old = try #require(MessageID(ByteString("1xUfHo-0002UW-1v")))
        let new = try #require(MessageID(ByteString("1xUfIH-000000003bX-2MK4")))
        #expect(old.format == .short && old.bytes == "1xUfHo-0002UW-1v" && old.dataStartOffset == 19)
        #expect(new.format == .long && new.bytes == "1xUfIH-000000003bX-2MK4" && new.lockLength == 26)
        #expect(old.subdirectory == UInt8(ascii: "o") && new.subdirectory == UInt8(ascii: "H"))
        #expect(old.seconds == 1_795_245_204)
    }

    @Test(
        "Anything else is no id",
        arguments: [
            "", "1xUfHo-0002UW-1", "1xUfHo-0002UW-1v ", "1xUfHo_0002UW-1v", "1xUfHo-0002UW-1é",
            "1xUfHo-0002U--1v",
            "1xUfIH-000000003bX-2MK", "1xUfIH-000000003bX2MK4-", "../../etc/passwd", "1xUf/o-0002UW-1v",
        ])
    func refused(text: String) {
        #expect(MessageID(ByteString(text)) == nil)
    }

    @Test("The queue's order is by time and part of the second; the process takes no part")
    func order() throws {
        let ids = try ["1xUfHo-zzzzzz-01", "1xUfHo-000001-02", "1xUfHp-000000-00", "1xUfHq-000000003bX-2MK4"]
            .map { try #require(MessageID(ByteString($0))) }
        #expect(ids.shuffled().sorted(by: MessageID.precedesInQueue) == ids)
        #expect(ids.sorted() != ids)
    }

    private func stuck(_ format: MessageID.Format, _ number: Int? = nil, pid: Int32 = 4321)
        -> MessageIDGenerator
    {
        MessageIDGenerator(format: format, localhostNumber: number, processID: pid) {
            SpoolTime(seconds: 1_795_245_204, microseconds: 562_468)
        }
    }

    @Test("The first id of a process is the one that Exim would make")
    func likeExim() {
        #expect(stuck(.long).next().bytes == "1xUfHo-0000000017h-2MK4")
        #expect(stuck(.short).next().bytes == "1xUfHo-00017h-1o")
        let sixteen = stuck(.short, 16).next().bytes
        #expect(Base62.decode(sixteen.suffix(2)) == UInt64(16 * 200 + 112))
    }

    @Test("A clock that stands still or goes back gives no id twice", arguments: MessageID.Format.allCases)
    func backwards(format: MessageID.Format) {
        let moments = Mutex<[Int64]>([])
        let ids = MessageIDGenerator(format: format, processID: 77) {
            let count = moments.withLock { list in
                list.append(0)
                return list.count
            }
            return SpoolTime(seconds: 1_795_245_204 - Int64(count / 1000) * 3600, microseconds: 0)
        }
        var seen: Set<MessageID> = []
        for _ in 0..<100_000 { seen.insert(ids.next()) }
        #expect(seen.count == 100_000)
    }

    @Test("Threads share a generator without sharing an id", arguments: MessageID.Format.allCases)
    func threads(format: MessageID.Format) async {
        let ids = stuck(format)
        let all = await withTaskGroup(of: [MessageID].self) { group in
            for _ in 0..<8 { group.addTask { (0..<12_500).map { _ in ids.next() } } }
            return await group.reduce(into: Set<MessageID>()) { $0.formUnion($1) }
        }
        #expect(all.count == 100_000)
    }

    @Test("Processes of different numbers never make the same id", arguments: MessageID.Format.allCases)
    func processes(format: MessageID.Format) {
        let generators = [1, 2, 4_194_303].map { stuck(format, pid: $0) }
        let all = Set(generators.flatMap { ids in (0..<20_000).map { _ in ids.next() } })
        #expect(all.count == 60_000)
    }

    @Test("No variant of a short id is what an Exim of any process number would write")
    func variants() throws {
        let ids = stuck(.short, pid: 1)
        #expect(try #require(Base62.decode(ids.next().bytes[7..<13])) < 1 << 22)
        for _ in 0..<20_000 {
            let id = ids.next()
            let process = try #require(Base62.decode(id.bytes[7..<13]))
            #expect(process % (1 << 22) == 1)
            let fraction = try #require(Base62.decode(id.bytes[14..<16]))
            #expect(fraction < 200)
        }
    }
}
