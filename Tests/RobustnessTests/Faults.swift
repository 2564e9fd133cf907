import Bytes
import Foundation
import Glibc
import TestKit

/// A file that a preloaded library has in its memory, too.
final class SharedFile: Sendable {
    let path: String
    private let descriptor: CInt

    /// Makes the file, open to programs of all users.
    init(_ path: String, size: Int) throws {
        self.path = path
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0, fchmod(descriptor, 0o666) == 0, ftruncate(descriptor, size) == 0 else {
            throw Problem("cannot make \(path): error \(errno)")
        }
    }

    deinit { close(descriptor) }

    func store<Value: BitwiseCopyable>(_ value: Value, at offset: Int) {
        var value = value
        unsafe withUnsafeBytes(of: &value) { _ = unsafe pwrite(descriptor, $0.baseAddress, $0.count, offset) }
    }

    func store(_ text: ByteString, at offset: Int) {
        let octets = text.bytes + [0]
        unsafe octets.withUnsafeBytes { _ = unsafe pwrite(descriptor, $0.baseAddress, $0.count, offset) }
    }

    func load<Value: BitwiseCopyable & FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
        var value = Value.zero
        unsafe withUnsafeMutableBytes(of: &value) {
            _ = unsafe pread(descriptor, $0.baseAddress, $0.count, offset)
        }
        return value
    }

    func text(at offset: Int, limit: Int) -> String {
        var octets = [UInt8](repeating: 0, count: limit)
        let count = unsafe pread(descriptor, &octets, limit, offset)
        return Latin1.text(ByteString(octets.prefix(max(count, 0)).prefix { $0 != 0 }))
    }
}

/// What went wrong, in words.
struct Problem: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A library of Fixtures/ for LD_PRELOAD.
enum Preload {
    /// Compiles it into a directory, and gives its path.
    static func compile(_ name: String, into directory: TemporaryDirectory) throws -> String {
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/\(name).c").path
        let target = directory.file("\(ByteString(name)).so").string
        try Program("cc", package: "gcc").run(["-O1", "-shared", "-fPIC", "-o", target, source, "-ldl"])
        return target
    }
}

/// Kinds of system calls, as Fixtures/faults.c numbers them.
struct FaultKinds: OptionSet {
    let rawValue: UInt32
    static let open = FaultKinds(rawValue: 1)
    static let unlink = FaultKinds(rawValue: 128)
    static let close = FaultKinds(rawValue: 256)
    static let transfer = FaultKinds(rawValue: 4 | 8)
    static let accept = FaultKinds(rawValue: 1 << 14)
    static let socket = FaultKinds(rawValue: 1 << 15)
    /// Everything that concerns files and directories.
    static let files = FaultKinds(rawValue: (1 << 14) - 1)
}

/// The system calls of programs that are made to fail: those that concern files below some folders of a site.
final class Faults: Sendable {
    /// What is counted to find the n-th call.
    enum Count: Int32, Sendable {
        /// All calls of all programs.
        case whole = 1
        /// Those whose path has a token, for each token; the n-th call of token n - 1 fails.
        case byToken = 2
        /// Those of each process; the n-th call of process n - 1 fails.
        case byProcess = 3
    }

    /// An error number that makes no call fail: they are only counted.
    static let countOnly: Int32 = -1
    /// An error number for a transfer of half of the octets.
    static let shortCount: Int32 = 0

    // The offsets and sizes of `struct control` in Fixtures/faults.c.
    private static let (tokens, tokenSize, traces, traceSize) = (512, 32, 2048, 128)
    private static let (prefixPlace, tokenPlace, countPlace) = (112, 1136, 17520)
    private static let (tracedPlace, tracePlace) = (21616, 21624)

    private let file: SharedFile
    private let library: String

    /// Makes a control file in a site.
    ///
    /// - Parameters:
    ///   - folders: paths from the site's directory.
    ///   - program: the one program that is concerned; all, when nil.
    init(in site: MailSite, below folders: [ByteString], only program: ByteString? = nil) throws {
        library = try Preload.compile("faults", into: site.directory)
        let size = Self.tracePlace + Self.traces * Self.traceSize
        file = try SharedFile(site.directory.file("faults").string, size: size)
        for (place, folder) in folders.enumerated() {
            file.store(site.directory.file(folder), at: Self.prefixPlace + 256 * place)
        }
        if let program { file.store(program, at: 48) }
        site.expectTrouble()
    }

    /// What makes a program subject to it.
    var environment: [String: String] { ["LD_PRELOAD": library, "FAULT_CONTROL": file.path] }

    /// Names the tokens by which calls are counted.
    func set(tokens: [ByteString]) {
        for (place, token) in tokens.enumerated() {
            file.store(token, at: Self.tokenPlace + place * Self.tokenSize)
        }
    }

    /// Begins to count, and to make calls fail.
    func arm(
        _ error: Int32, at target: Int = 1, once: Bool = false, kinds: FaultKinds = .files,
        counting count: Count = .whole
    ) {
        disarm()
        file.store(kinds.rawValue, at: 4)
        file.store(error, at: 8)
        file.store(Int32(once ? 1 : 0), at: 12)
        file.store(Int64(target), at: 16)
        file.store(Int64(0), at: 24)
        file.store(Int64(0), at: 32)
        for place in 0..<Self.tokens { file.store(Int64(0), at: Self.countPlace + 8 * place) }
        file.store(Int64(0), at: 40)
        file.store(Int64(0), at: Self.tracedPlace)
        file.store(count.rawValue, at: 0)
    }

    /// Lets all calls pass.
    func disarm() { file.store(Int32(0), at: 0) }

    /// How many calls there were.
    var count: Int { Int(file.load(Int64.self, at: 24)) }
    /// How many failed.
    var fired: Int { Int(file.load(Int64.self, at: 32)) }
    /// The most calls of one token or process.
    var highestCount: Int {
        (0..<Self.tokens).map { Int(file.load(Int64.self, at: Self.countPlace + 8 * $0)) }.max() ?? 0
    }
    /// The calls that failed: number, kind and path.
    var traces: [String] {
        let count = min(Int(file.load(Int64.self, at: Self.tracedPlace)), Self.traces)
        return (0..<count).map { file.text(at: Self.tracePlace + $0 * Self.traceSize, limit: Self.traceSize) }
    }
}
