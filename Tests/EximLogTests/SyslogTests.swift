import Bytes
import Glibc
import TestKit
import Testing

@testable import EximLog

@Suite("Logging to syslog")
struct SyslogTests {
    /// A socket that stands for /dev/log.
    private struct Listener: ~Copyable {
        private let descriptor: CInt

        init(_ path: ByteString) throws {
            descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { buffer in
                unsafe buffer.copyBytes(from: path.bytes)
            }
            let bound = unsafe withUnsafePointer(to: address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            try #require(bound == 0)
        }

        deinit { close(descriptor) }

        /// What has come, without the time and our process number.
        func datagrams() -> [String] {
            var result: [String] = []
            var buffer = [UInt8](repeating: 0, count: 2048)
            while true {
                let count = unsafe recv(descriptor, &buffer, buffer.count, 0x40)
                guard count > 0 else { return result }
                let text = ByteString(buffer[..<count]).string
                result.append(
                    text.replacing(#/>[A-Z][a-z][a-z] [ 0-9][0-9] [0-9:]* /#, with: ">")
                        .replacing("[\(getpid())]", with: ""))
            }
        }
    }

    private func written(
        _ lines: [EximLogWriter.Line], selector: LogSelector = .defaults,
        _ change: (inout SyslogOptions) -> Void = { _ in }
    ) throws -> [String] {
        let directory = try TemporaryDirectory()
        let listener = try Listener(directory.file("log"))
        var options = EximLogWriter.Options(
            path: try LogPath(parsing: "syslog", spoolDirectory: "/nowhere"), selector: selector,
            timestamp: LogTimestamp(usesUTC: true))
        options.syslog.path = directory.file("log")
        change(&options.syslog)
        let writer = EximLogWriter(options: options, clock: { LogMoment(seconds: 0) })
        writer.write(lines)
        return listener.datagrams()
    }

    private static let both = EximLogWriter.Line(
        "rejected", id: "1-2-3", logs: [.main, .reject], rejectTail: "P Received: x\n  y\n")

    @Test("Each log has its priority, and an entry of several lines is numbered")
    func priorities() throws {
        #expect(
            try written([Self.both, EximLogWriter.Line("dire", logs: [.main, .panic])]) == [
                "<22>exim: 1970-01-01 00:00:00 1-2-3 rejected",
                "<21>exim: [1\\3] 1970-01-01 00:00:00 1-2-3 rejected", "<21>exim: [2\\3] P Received: x",
                "<21>exim: [3/3]   y", "<22>exim: 1970-01-01 00:00:00 dire",
                "<17>exim: 1970-01-01 00:00:00 dire",
            ])
    }

    @Test("syslog_duplication, syslog_timestamp, syslog_pid, syslog_facility and syslog_processname")
    func options() throws {
        let lines = [
            Self.both, EximLogWriter.Line("dire", logs: [.main, .panic]), EximLogWriter.Line("plain"),
        ]
        let found = try written(lines, selector: LogSelector([.pid])) { options in
            options.duplicates = false
            options.showsTimestamp = false
            options.showsPID = false
            options.facility = SyslogOptions.facility(named: "local3") ?? -1
            options.name = "bobbin"
        }
        #expect(
            found == [
                "<157>bobbin: [1\\3] 1-2-3 rejected", "<157>bobbin: [2\\3] P Received: x",
                "<157>bobbin: [3/3]   y",
                "<153>bobbin: dire", "<158>bobbin: plain",
            ])
    }

    @Test(
        "Facilities have syslog's numbers, and others are none",
        arguments: [
            ("mail", 2), ("user", 1), ("daemon", 3), ("news", 7), ("uucp", 8), ("local0", 16), ("local7", 23),
            ("local8", nil), ("locala", nil), ("kern", nil), ("", nil),
        ])
    func facilities(name: String, number: Int?) {
        #expect(SyslogOptions.facility(named: ByteString(name)) == number)
    }

    @Test("Long lines are cut, and the pieces put together are the entry", arguments: 0...40)
    func cutting(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let length = Int.random(in: 1...120, using: &generator)
        let octets = (0..<length).map { _ in Bool.random(using: &generator) ? UInt8(ascii: "a") : 0x0A }
        let entry = ByteString(octets + [UInt8(ascii: "z")])
        let pieces = SyslogPieces.cut(entry, longest: 7)
        var joined = ByteString()
        for piece in pieces {
            guard pieces.count > 1, let parts = piece.cut(at: UInt8(ascii: " ")) else {
                joined += piece
                continue
            }
            joined += parts.after
            if parts.before.contains(UInt8(ascii: "\\")) { joined.append(.newline) }
        }
        #expect(joined == entry)
    }
}
