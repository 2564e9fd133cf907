package import Bytes
import CHiredis
import Glibc

/// A connection to a Redis server; it ends with its last owner.
///
/// Each call waits, at most for the time limit: use it from one thread at a time, one that may block. After an error
/// the connection is of no more use.
@safe package final class RedisConnection {
    private let context: UnsafeMutablePointer<redisContext>

    /// Connects, gives the password, and chooses the database.
    ///
    /// - Parameter timeLimit: how long the connection, and later each answer, may take.
    package init(_ server: RedisServer, timeLimit: Duration) throws(RedisError) {
        let (seconds, attoseconds) = timeLimit.components
        let limit = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        let made =
            switch server.place {
            case .host(let name, let port): unsafe redisConnectWithTimeout(name.string, CInt(port), limit)
            case .socket(let path): unsafe redisConnectUnixWithTimeout(path.string, limit)
            }
        guard let made = unsafe made else { throw RedisError("out of memory") }
        unsafe context = made
        guard unsafe made.pointee.err == 0 else { throw trouble }
        // hiredis does not: a program started by ours would keep the connection.
        _ = unsafe fcntl(made.pointee.fd, F_SETFD, FD_CLOEXEC)
        guard unsafe redisSetTimeout(made, limit) == REDIS_OK else { throw trouble }
        try greet(server)
    }

    deinit { unsafe redisFree(context) }

    /// Sends the commands together, and waits for the answers.
    ///
    /// - Throws: when not every answer came: then it is unknown which commands were carried out.
    package func run(_ commands: [[ByteString]]) throws(RedisError) -> [RedisReply] {
        var request = ByteString()
        for command in commands { request += Self.encoded(command) }
        let appended = unsafe request.bytes.withUnsafeBytes { octets in
            unsafe redisAppendFormattedCommand(
                context, octets.baseAddress?.assumingMemoryBound(to: CChar.self), octets.count)
        }
        guard appended == REDIS_OK else { throw trouble }
        return try PipeSignal.withheld { () throws(RedisError) in
            var replies: [RedisReply] = []
            for _ in commands { replies.append(try nextReply()) }
            return replies
        }
    }

    private func greet(_ server: RedisServer) throws(RedisError) {
        var commands: [[ByteString]] = []
        if let password = server.password { commands.append(["AUTH", password]) }
        if server.database != 0 { commands.append(["SELECT", "\(server.database)"]) }
        // A server that is still loading its data, or wants a password, says so here.
        commands.append(["PING"])
        for reply in try run(commands) {
            if case .refused(let text) = reply { throw RedisError(text) }
        }
    }

    private func nextReply() throws(RedisError) -> RedisReply {
        var pointer: UnsafeMutableRawPointer?
        guard unsafe redisGetReply(context, &pointer) == REDIS_OK, let found = unsafe pointer else {
            throw trouble
        }
        defer { unsafe freeReplyObject(found) }
        return unsafe Self.copied(found.assumingMemoryBound(to: redisReply.self))
    }

    private var trouble: RedisError {
        let text = unsafe chiredis_error_text(context).map { unsafe String(cString: $0) } ?? ""
        // What hiredis says of a time-out is what the system says of a socket that would block.
        let timedOut = unsafe context.pointee.err == REDIS_ERR_IO && (errno == EAGAIN || errno == EINPROGRESS)
        return timedOut ? .late : RedisError(text.isEmpty ? "no reason given" : ByteString(text))
    }

    /// The command in the protocol's form: its words as values with their lengths.
    static func encoded(_ command: [ByteString]) -> ByteString {
        command.reduce(into: "*\(command.count)\r\n" as ByteString) { text, word in
            text += "$\(word.count)\r\n" as ByteString
            text += word
            text += ByteString("\r\n")
        }
    }

    private static func copied(_ reply: UnsafeMutablePointer<redisReply>) -> RedisReply {
        switch unsafe reply.pointee.type {
        case REDIS_REPLY_STRING: .value(unsafe octets(reply))
        case REDIS_REPLY_STATUS: .status(unsafe octets(reply))
        case REDIS_REPLY_ERROR: .refused(unsafe octets(reply))
        case REDIS_REPLY_INTEGER: .integer(unsafe reply.pointee.integer)
        case REDIS_REPLY_ARRAY:
            .list(
                unsafe (0..<reply.pointee.elements).map { index in
                    unsafe reply.pointee.element[index].map { unsafe copied($0) } ?? .none
                })
        default: .none
        }
    }

    private static func octets(_ reply: UnsafeMutablePointer<redisReply>) -> ByteString {
        guard let start = unsafe reply.pointee.str else { return "" }
        return unsafe ByteString(UnsafeRawBufferPointer(start: start, count: reply.pointee.len))
    }
}

/// Keeps a lost connection from ending the program: hiredis writes without MSG_NOSIGNAL.
private enum PipeSignal {
    /// Does the work; a SIGPIPE that this thread caused meanwhile is taken away.
    static func withheld<Value>(_ work: () throws(RedisError) -> Value) throws(RedisError) -> Value {
        var (only, before, waiting) = (sigset_t(), sigset_t(), sigset_t())
        unsafe sigemptyset(&only)
        unsafe sigaddset(&only, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &only, &before)
        defer {
            unsafe sigpending(&waiting)
            if unsafe sigismember(&before, SIGPIPE) == 0, unsafe sigismember(&waiting, SIGPIPE) == 1 {
                var moment = timespec()
                unsafe _ = sigtimedwait(&only, nil, &moment)
            }
            unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        }
        return try work()
    }
}
