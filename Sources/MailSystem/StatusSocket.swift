package import Bytes
import Dispatch
import Glibc
package import Spooler

/// Where programs tell what they are doing: sockets in the directory `status` of the spool, one for each process.
///
/// Whoever connects gets the present lines and the end; nothing costs anything until somebody asks. doc/bobbin-status.md
/// describes the lines.
package enum StatusDirectory {
    /// The directory of a spool directory.
    package static func path(of spool: ByteString) -> ByteString { "\(spool)/status" }
}

/// One thing that a process is doing.
package struct StatusLine: Sendable, Hashable {
    /// Since when, in seconds since 1970.
    package var since: Int64
    /// What, in words such as exiwhat's.
    package var text: ByteString
    /// The message that it is about.
    package var message: ByteString
    /// The address of the peer.
    package var peer: ByteString

    /// Makes a line.
    package init(since: Int64, text: ByteString, message: ByteString = "", peer: ByteString = "") {
        self.since = since
        self.text = text
        self.message = message
        self.peer = peer
    }

    /// The line as it is sent: four fields with tabs between them; control characters become blanks.
    var wire: ByteString {
        let fields = ["\(since)" as ByteString, message, peer, text].map { field in
            ByteString(field.map { $0 < 0x20 || $0 == 0x7F ? .blank : $0 })
        }
        return fields.joined(separator: "\t") + ByteString("\n")
    }

    /// Reads a line that was sent; nil for anything else.
    package init?(wire: ByteString) {
        let fields = wire.split(
            separator: 0x09, maxSplits: 3, omittingEmptySubsequences: false)
        guard fields.count == 4, let since = fields[0].decimalInteger() else { return nil }
        self.init(
            since: since, text: ByteString(fields[3]), message: ByteString(fields[1]),
            peer: ByteString(fields[2]))
    }
}

/// Answers who asks what this process is doing.
package final class StatusSocket: Sendable {
    private let path: ByteString
    private let source: ListeningSource

    /// Opens the socket `<program>.<pid>` of this process; nil where the spool lets us not, which disturbs nothing else.
    ///
    /// - Parameters:
    ///   - owner: who gets directory and socket, where we are root.
    ///   - lines: gives the present lines, the first of them about the process itself; called on a thread of its own.
    package init?(
        program: ByteString, spool: ByteString, owner: FileOwner?,
        lines: @escaping @Sendable () -> [StatusLine]
    ) {
        let directory = StatusDirectory.path(of: spool)
        path = "\(directory)/\(program).\(getpid())"
        guard StatusFiles.makeDirectory(directory, owner),
            let descriptor = StatusFiles.listen(directory, name: "\(program).\(getpid())", owner)
        else { return nil }
        source = ListeningSource(descriptor) { connection in
            let text = lines().reduce(into: ByteString()) { $0 += $1.wire }
            StatusFiles.send(text, to: connection)
        }
    }

    /// Removes the socket.
    package func close() {
        source.cancel()
        unsafe unlink(path.string)
    }
}

/// Accepts connections on a queue of its own, one after the other.
///
/// `@unchecked Sendable`: libdispatch lets a source be used from any thread.
private final class ListeningSource: @unchecked Sendable {
    private let source: any DispatchSourceRead

    init(_ descriptor: CInt, _ answer: @escaping @Sendable (CInt) -> Void) {
        source = DispatchSource.makeReadSource(
            fileDescriptor: descriptor, queue: DispatchQueue(label: "status"))
        source.setEventHandler {
            let connection = accept(descriptor, nil, nil)
            guard connection >= 0 else { return }
            _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
            answer(connection)
            Glibc.close(connection)
        }
        source.setCancelHandler { Glibc.close(descriptor) }
        source.activate()
    }

    func cancel() { source.cancel() }
}

/// What there is in the directory `status`.
package struct StatusReport: Sendable, Hashable {
    /// The program, such as `bobbin-receiver`.
    package var program: ByteString
    /// Its process.
    package var pid: Int64
    /// What it says of itself first, then what it is doing.
    package var lines: [StatusLine]

    /// Asks every process of a spool; a socket that nobody listens on is removed.
    ///
    /// - Returns: the reports by program and process, and the names of sockets that could not be asked, with the reason.
    package static func all(of spool: ByteString) -> (reports: [StatusReport], failures: [ByteString]) {
        let directory = StatusDirectory.path(of: spool)
        var (reports, failures): ([StatusReport], [ByteString]) = ([], [])
        for name in StatusFiles.names(directory).sorted() {
            guard let parts = name.cutAtLast(UInt8(ascii: ".")), let pid = parts.after.decimalInteger() else {
                continue
            }
            switch StatusFiles.ask(directory, name) {
            case .answer(let text):
                let lines = text.split(separator: .newline).compactMap { StatusLine(wire: ByteString($0)) }
                reports.append(StatusReport(program: ByteString(parts.before), pid: pid, lines: lines))
            case .gone: break
            case .failed(let reason): failures.append("\(name): \(reason)")
            }
        }
        return (reports, failures)
    }
}

/// The system calls around the sockets.
///
/// A socket's path has 107 octets at most; so it is named through its directory's descriptor.
private enum StatusFiles {
    enum Answer {
        case answer(ByteString)
        case gone
        case failed(ByteString)
    }

    /// What fits into a socket's address.
    static let longestPath = 108
    /// How long a process may take to answer, and a client to read, in seconds.
    static let patience = 5
    /// The most that a process may answer.
    static let largestAnswer = 16 << 20

    static func makeDirectory(_ path: ByteString, _ owner: FileOwner?) -> Bool {
        if unsafe mkdir(path.string, 0o750) == 0 {
            if geteuid() == 0, let owner { _ = unsafe chown(path.string, owner.uid, owner.gid) }
            return true
        }
        return errno == EEXIST
    }

    static func listen(_ directory: ByteString, name: ByteString, _ owner: FileOwner?) -> CInt? {
        guard let descriptor = socket() else { return nil }
        let path = "\(directory)/\(name)" as ByteString
        _ = unsafe unlink(path.string)
        let isBound = unsafe withAddress(directory, name) { address, length in
            unsafe bind(descriptor, address, length) == 0
        }
        guard isBound, unsafe chmod(path.string, 0o660) == 0, Glibc.listen(descriptor, 16) == 0 else {
            Glibc.close(descriptor)
            return nil
        }
        if geteuid() == 0, let owner { _ = unsafe chown(path.string, owner.uid, owner.gid) }
        return descriptor
    }

    static func send(_ text: ByteString, to connection: CInt) {
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        unsafe setsockopt(
            connection, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var rest = text.bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    static func names(_ directory: ByteString) -> [ByteString] {
        guard let stream = unsafe opendir(directory.string) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [ByteString] = []
        while let entry = unsafe readdir(stream) {
            unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { octets in
                    unsafe names.append(ByteString(String(cString: octets)))
                }
            }
        }
        return names.filter { $0.first != UInt8(ascii: ".") }
    }

    static func ask(_ directory: ByteString, _ name: ByteString) -> Answer {
        guard let descriptor = socket() else { return .failed(reason) }
        defer { Glibc.close(descriptor) }
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let isConnected = unsafe withAddress(directory, name) { address, length in
            unsafe connect(descriptor, address, length) == 0
        }
        guard isConnected else {
            let (number, text) = (errno, reason)
            guard number == ECONNREFUSED || number == ENOENT else { return .failed(text) }
            if number == ECONNREFUSED { unsafe unlink(("\(directory)/\(name)" as ByteString).string) }
            return .gone
        }
        return read(descriptor)
    }

    private static func read(_ descriptor: CInt) -> Answer {
        var text = ByteString()
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while text.count < largestAnswer {
            let count = unsafe Glibc.recv(descriptor, &block, block.count, 0)
            if count < 0, errno == EINTR { continue }
            if count < 0 { return .failed(reason) }
            if count == 0 { return .answer(text) }
            text += block[..<count]
        }
        return .failed("the answer is longer than \(largestAnswer) octets")
    }

    private static var reason: ByteString { unsafe ByteString(String(cString: strerror(errno))) }

    private static func socket() -> CInt? {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = Glibc.socket(AF_UNIX, kind, 0)
        return descriptor < 0 ? nil : descriptor
    }

    private static func withAddress(
        _ directory: ByteString, _ name: ByteString, _ use: (UnsafePointer<sockaddr>, socklen_t) -> Bool
    ) -> Bool {
        let place = unsafe open(directory.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard place >= 0 else { return false }
        defer { Glibc.close(place) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = "/proc/self/fd/\(place)/\(name)" as ByteString
        guard path.count < Self.longestPath else {
            errno = ENAMETOOLONG
            return false
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.bytes) }
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe use($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
