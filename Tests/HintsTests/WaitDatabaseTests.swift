import Bytes
import Hints
import TestKit
import Testing

@Suite("Wait databases", .timeLimit(.minutes(20)))
struct WaitDatabaseTests {
    private let directory: TemporaryDirectory
    private let wait: WaitDatabase

    init() throws {
        directory = try TemporaryDirectory()
        wait = WaitDatabase(HintsSettings(directory: directory.file("db")), transport: "remote_smtp")
    }

    private static func id(_ number: Int) -> ByteString { "1xUfCN-\(number, zeroPadded: 11)-0Kt5" }

    private func records() throws -> [ByteString: WaitRecord] {
        var all: [ByteString: WaitRecord] = [:]
        for (key, value) in try Samples.dump(directory.file("db/wait-remote_smtp").string) {
            all[ByteString(key.dropLast())] = try WaitRecord(decoding: value, layout: .released)
        }
        return all
    }

    private func take(after current: ByteString = "", living: Set<ByteString>? = nil) async -> ByteString? {
        await wait.takeNext(host: "h.example", after: current) {
            living?.contains($0) ?? true
        } suits: { _ in
            true
        }.value ?? nil
    }

    @Test("112 messages fill two continuation records, as Exim fills them")
    func overflow() async throws {
        for number in 0..<112 {
            let trouble = await wait.add(Self.id(number), hosts: ["h.example"]).trouble
            #expect(trouble == nil)
        }
        let records = try records()
        #expect(records.count == 3)
        #expect(records["h.example"]?.ids == (100..<112).map(Self.id))
        #expect(records["h.example"]?.sequence == 2)
        #expect(records["h.example:0"]?.ids == (0..<50).map(Self.id))
        #expect(records["h.example:0"]?.sequence == 0)
        #expect(records["h.example:1"]?.ids == (50..<100).map(Self.id))
        #expect(records["h.example:1"]?.sequence == 1)
    }

    @Test("A message is listed once, also when a continuation lists it, and for each host")
    func once() async throws {
        for number in 0..<60 { _ = await wait.add(Self.id(number), hosts: ["h.example"]) }
        _ = await wait.add(Self.id(3), hosts: ["h.example", "h.example", "b.example"])
        let records = try records()
        #expect(records["h.example"]?.ids.count == 10)
        #expect(records["b.example"]?.ids == [Self.id(3)])
    }

    @Test("An id of another length is never listed, and one in the record clears the host's list")
    func lengths() async throws {
        let short: ByteString = "1xUfOa-00062P-15"
        #expect(await wait.add(short, hosts: ["h.example"]).trouble == nil)
        #expect(await wait.ids(of: "h.example") == .done([]))
        let old = WaitDatabase(
            HintsSettings(directory: directory.file("db")), transport: "remote_smtp", idLength: 16)
        #expect(await old.add(short, hosts: ["h.example"]).trouble == nil)
        #expect(await old.ids(of: "h.example") == .done([short]))
        #expect(await wait.add(Self.id(1), hosts: ["h.example"]).trouble == nil)
        #expect(await wait.ids(of: "h.example") == .done([Self.id(1)]))
    }

    @Test("The next message is the first that exists and suits; the dead and the present one leave the list")
    func next() async throws {
        for number in 0..<5 { _ = await wait.add(Self.id(number), hosts: ["h.example"]) }
        let living: Set<ByteString> = [Self.id(0), Self.id(2), Self.id(3), Self.id(4)]
        let chosen = await wait.takeNext(host: "h.example", after: Self.id(0)) {
            living.contains($0)
        } suits: {
            $0 != Self.id(2)
        }
        #expect(chosen == .done(Self.id(3)))
        #expect(await wait.ids(of: "h.example") == .done([Self.id(2), Self.id(4)]))
    }

    @Test("All waiting messages are taken, newest record first, and then nothing is left")
    func drained() async throws {
        for number in 0..<112 { _ = await wait.add(Self.id(number), hosts: ["h.example"]) }
        var taken: [ByteString] = []
        while let id = await take() { taken.append(id) }
        #expect(taken == (Array(100..<112) + Array(50..<100) + Array(0..<50)).map(Self.id))
        #expect(try records().isEmpty)
    }

    @Test("Lists of messages that no longer exist are emptied, continuations too")
    func dead() async throws {
        for number in 0..<112 { _ = await wait.add(Self.id(number), hosts: ["h.example"]) }
        #expect(await take(living: [Self.id(20)]) == Self.id(20))
        #expect(await take(living: []) == nil)
        #expect(try records().isEmpty)
    }

    @Test("When no message suits, none is taken and all stay")
    func unsuited() async throws {
        for number in 0..<3 { _ = await wait.add(Self.id(number), hosts: ["h.example"]) }
        let outcome = await wait.takeNext(host: "h.example", after: "") { _ in
            true
        } suits: { _ in
            false
        }
        #expect(outcome == .done(nil))
        #expect(await wait.ids(of: "h.example").value?.count == 3)
    }

    @Test("Two takers never get the same message")
    func rivals() async throws {
        for number in 0..<80 { _ = await wait.add(Self.id(number), hosts: ["h.example"]) }
        let taken = await withTaskGroup(of: [ByteString].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var mine: [ByteString] = []
                    while let id = await take() { mine.append(id) }
                    return mine
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(taken.count == Set(taken).count)
        #expect(Set(taken) == Set((0..<80).map(Self.id)))
    }

    @Test("A delivered message leaves the lists wherever it is")
    func removed() async throws {
        for number in 0..<60 { _ = await wait.add(Self.id(number), hosts: ["h.example", "b.example"]) }
        #expect(await wait.remove(Self.id(3), hosts: ["h.example"]).trouble == nil)
        #expect(await wait.remove(Self.id(55), hosts: ["h.example", "nobody.example"]).trouble == nil)
        let records = try records()
        #expect(records["h.example:0"]?.ids.count == 49)
        #expect(records["h.example"]?.ids.count == 9)
        #expect(records["b.example:0"]?.ids.count == 50)
    }
}
