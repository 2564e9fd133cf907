import Bytes
import Foundation
import Lookups
import TestKit
import Testing

@Suite("Lookups in JSON files")
struct JSONTests {
    private static let document = """
        {"a": "x", "n": 2.50, "list": [10, "two", {"deep": [true, null]}], "u": "\\u00e9\\ud83d\\ude00\\n", "": {"b": {}}}
        """

    private func find(_ key: ByteString, in text: [UInt8] = Array(document.utf8)) async throws
        -> LookupOutcome
    {
        let file = FileManager.default.temporaryDirectory.appending(path: "json-\(UUID().uuidString)")
        try Data(text).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let driver = try #require(LookupDrivers.standard().driver(named: "json"))
        return await driver.find(LookupRequest(key: key, file: ByteString(file.path)))
    }

    @Test(
        "A list of names and places finds an element; strings lose their quotes, arrays and objects are JSON again",
        arguments: [
            ("a", "x"), ("n", "2.50"), ("list:0", "10"), ("list:1", "two"), ("list:2:deep:0", "true"),
            ("list:2", #"{"deep": [true, null]}"#), ("list", #"[10, "two", {"deep": [true, null]}]"#),
            ("u", "\u{e9}\u{1f600}\n"), ("<, list, 1", "two"),
        ])
    func found(key: String, value: String) async throws {
        #expect(try await find(ByteString(key)) == .found(ByteString(value)))
    }

    @Test(
        "What is not there, is null, or lies in no array or object is not found",
        arguments: ["b", "list:3", "list:x", "a:0", "list:2:deep:1", "n:0", "list:-1"])
    func missing(key: String) async throws {
        #expect(try await find(ByteString(key)) == .notFound)
    }

    @Test("Any document gives an answer: a value, nothing, or that it is no JSON")
    func mutations() async throws {
        var random = SeededGenerator(seed: 11)
        var refused = 0
        for round in 0..<400 {
            var text = Array(Self.document.utf8)
            for _ in 0...(round % 4) {
                let place = Int.random(in: 0..<text.count, using: &random)
                switch round % 3 {
                case 0: text[place] = UInt8.random(in: 0...255, using: &random)
                case 1: text.remove(at: place)
                default:
                    text.insert(Array("[]{}\",:\\u1e-".utf8).randomElement(using: &random) ?? 0, at: place)
                }
            }
            if case .deferred = try await find("list:2:deep", in: text) { refused += 1 }
        }
        #expect(refused > 50)
    }

    @Test("Arrays that lie deeper in each other than the limit are no document")
    func depth() async throws {
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
        guard case .deferred = try await find("0", in: deep) else {
            Issue.record("deep nesting was accepted")
            return
        }
    }
}

@Suite("Lookups by SQL")
struct SQLiteTests {
    @Test(
        "A statement that is wrong finds nothing, a file that cannot be opened is unusable, a path must be absolute"
    )
    func trouble() async throws {
        let driver = SQLiteSearch()
        let missing = LookupRequest(key: "select 1", options: ["file=/nosuch/directory/db"])
        guard case .unusable = await driver.find(missing) else {
            Issue.record("a missing directory was no trouble")
            return
        }
        #expect(
            await driver.find(LookupRequest(key: "select 1"))
                == .unusable("absolute file name expected for \"sqlite\" lookup"))
        let file = FileManager.default.temporaryDirectory.appending(path: "sql-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let option: ByteString = "file=\(ByteString(file.path))"
        #expect(await driver.find(LookupRequest(key: "nonsense", options: [option])) == .notFound)
        let made = LookupRequest(
            key: "create table t(a, b); insert into t values('x y', null), ('\"', 2.5)", options: [option])
        #expect(await driver.find(made) == .notFound)
        let rows = LookupRequest(key: "select * from t", options: [option])
        #expect(await driver.find(rows) == .found("a=\"x y\" b=<NULL> \na=\"\\\"\" b=2.5 "))
    }
}
