import Bytes
import Foundation
import Spooler
import Synchronization
import Testing

/// Where this package lies.
let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

/// A file below Fixtures or spool-format, read whole.
struct Fixture: Sendable, CustomTestStringConvertible {
    let url: URL
    let name: String

    var testDescription: String { name }
    var fileName: String { url.lastPathComponent }
    var id: MessageID? { MessageID(ByteString(fileName).dropLast(2)) }

    func octets() throws -> ByteString { ByteString(Array(try Data(contentsOf: url))) }

    /// The file of the same message with another suffix, if there is one.
    func sibling(_ suffix: String) -> Fixture? {
        let other = url.deletingLastPathComponent().appending(path: fileName.dropLast(2) + suffix)
        return FileManager.default.fileExists(atPath: other.path) ? Fixture(url: other, name: name) : nil
    }

    /// All files below a directory of this package whose name ends so, in a fixed order.
    static func all(below directory: String, ending suffix: String) -> [Fixture] {
        let root = packageRoot.appending(path: directory)
        let names = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(suffix) }.sorted()
            .map { Fixture(url: root.appending(path: $0), name: $0) }
    }

    /// Every header file that a real Exim wrote.
    static let headers = all(below: "Tests/SpoolerTests/Fixtures", ending: "-H")
    /// Every data file that a real Exim wrote.
    static let data = all(below: "Tests/SpoolerTests/Fixtures", ending: "-D")

    static func header(_ name: String) throws -> HeaderFile {
        let fixture = try #require(headers.first { $0.name.contains(name) })
        return try HeaderFile(parsing: try fixture.octets(), named: fixture.id)
    }
}

/// A spool in a directory of its own, removed with the value.
final class ScratchSpool: Sendable {
    let path: String
    let spool: Spool

    /// - Parameter inMemory: where synchronising takes no time, for tests that stop before or behind it.
    init(isSplit: Bool = false, inMemory: Bool = false) throws {
        path = (inMemory ? "/dev/shm/" : NSTemporaryDirectory()) + "spooler-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        spool = Spool(directory: ByteString(path), isSplit: isSplit)
    }

    deinit { _ = Result { try FileManager.default.removeItem(atPath: path) } }

    /// The spool whose steps stop at the given one, as if the machine had stopped there.
    func stopping(at stop: SpoolStep, after earlier: Int = 0) -> Spool {
        var spool = spool
        let counter = Counter(earlier)
        spool.beforeStep = { (step) throws(SpoolError) in
            if step == stop, counter.next() { throw SpoolError("test", "", .stopped) }
        }
        return spool
    }

    /// The files below the spool, relative, without directories.
    func files() -> [String] {
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return names.filter { name in
            var isDirectory: ObjCBool = false
            let exists = unsafe FileManager.default.fileExists(
                atPath: path + "/" + name, isDirectory: &isDirectory)
            return exists && !isDirectory.boolValue
        }.sorted()
    }

    /// The suffixes of one message's files: of `D`, `H`, `J`, `hdr`, `log`, in that order.
    func states(of id: MessageID) -> String {
        let names = Set(files().map { $0.split(separator: "/").suffix(1).joined() })
        let logs = files().contains { $0.hasPrefix("msglog/") && $0.hasSuffix(id.description) }
        let present = ["D", "H", "J"].filter { names.contains("\(id)-\($0)") }
        return (present + (names.contains("hdr.\(id)") ? ["hdr"] : []) + (logs ? ["log"] : [])).joined(
            separator: " ")
    }

    func write(_ octets: ByteString, to name: String) throws {
        let url = URL(filePath: path + "/" + name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(octets.bytes).write(to: url)
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path + "/" + name) }

    func rename(_ name: String, to other: String) throws {
        try FileManager.default.moveItem(atPath: path + "/" + name, toPath: path + "/" + other)
    }

    func read(_ name: String) throws -> ByteString {
        ByteString(Array(try Data(contentsOf: URL(filePath: path + "/" + name))))
    }
}

/// Says yes when it has been asked so many times before.
final class Counter: Sendable {
    private let left: Mutex<Int>
    init(_ left: Int) { self.left = Mutex(left) }
    func next() -> Bool {
        left.withLock { left in
            defer { left -= 1 }
            return left == 0
        }
    }
}

/// Counts the steps of a spool.
final class StepCounts: Sendable {
    private let counts = Mutex<[SpoolStep: Int]>([:])

    subscript(_ step: SpoolStep) -> Int { counts.withLock { $0[step, default: 0] } }

    func watching(_ spool: Spool) -> Spool {
        var spool = spool
        spool.beforeStep = { [self] (step) throws(SpoolError) in
            counts.withLock { $0[step, default: 0] += 1 }
        }
        return spool
    }
}

/// Runs a program, and gives its exit code and output.
@discardableResult
func run(_ program: String, _ arguments: [String], input: String = "") throws -> (code: Int32, output: String)
{
    let process = Process()
    let (output, entry) = (Pipe(), Pipe())
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = output
    process.standardInput = entry
    try process.run()
    entry.fileHandleForWriting.write(Data(input.utf8))
    try entry.fileHandleForWriting.close()
    let octets = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: octets, as: UTF8.self))
}

/// Ids as a test wants them.
func generator(_ format: MessageID.Format = .long) -> MessageIDGenerator {
    MessageIDGenerator(format: format, processID: ProcessInfo.processInfo.processIdentifier)
}

/// A small message's header.
func sampleHeader(_ recipients: [ByteString] = ["a@example.org", "B@Example.ORG"]) throws -> HeaderFile {
    let id = try #require(MessageID(ByteString("1xUfCN-0002hB-01")))
    var header = HeaderFile(
        id: id, origin: ("mail", 8, 8), sender: "s@example.com", receivedTime: 1_795_244_867)
    header.recipients = recipients.map { Recipient($0) }
    header.headers = [HeaderLine("Received: by test"), HeaderLine("Subject: test")]
    header.headers[0].type = HeaderLine.standardType(ofName: "Received".utf8)
    header.deliverFirstTime = true
    return header
}

extension Spool {
    /// Puts a small message on the queue.
    func accept(
        _ recipients: [ByteString] = ["a@example.org", "B@Example.ORG"], body: ByteString = "hello\n",
        format: MessageID.Format = .long
    ) throws -> MessageID {
        var pending = try newMessage(generator(format))
        try pending.append(body)
        let committed = try pending.commit(
            try sampleHeader(recipients), logging: "2026-11-21 07:13:31 Received")
        return committed.id
    }

    /// Opens a message that nobody else has, or fails the test.
    func take(_ id: MessageID) throws -> LockedMessage {
        switch try open(id) {
        case .opened(let message): return message
        default: throw Unexpected()
        }
    }

    func isHeld(_ id: MessageID) throws -> Bool {
        switch try lock(id) {
        case .held: true
        case .acquired: false
        case .gone: false
        }
    }
}

struct Unexpected: Error {}
