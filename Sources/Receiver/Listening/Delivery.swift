import Bytes
import Glibc
import MailSystem
import Spooler
import Subprocess
import SystemPackage

/// Starts deliveries of messages that have just been committed, in another program.
///
/// A daemon keeps one queue runner, which reads the ids from its standard input; a single submission starts
/// one of its own. When no runner can be had, the message waits for the next queue run: it is safe in the spool.
struct DeliveryStarter: Sendable {
    private let program: String
    private let arguments: [String]
    private let stream: AsyncStream<MessageID>
    private let continuation: AsyncStream<MessageID>.Continuation

    /// The most ids that wait for the runner; more of them wait for the next queue run instead.
    static let backlog = 10_000

    init(_ source: ConfigurationSource) {
        program = Sibling.path(of: "bobbin-queuerunner")
        arguments = source.arguments
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.backlog))
    }

    /// Asks for a delivery; never waits.
    func deliver(_ id: MessageID) { continuation.yield(id) }

    /// No more deliveries will be asked for.
    func finish() { continuation.finish() }

    /// Runs the daemon's queue runner until `finish`, and lets it end its work.
    func run(_ log: SessionLog) async {
        do {
            let outcome = try await Subprocess.run(
                .path(FilePath(program)), arguments: Arguments(arguments + ["--from-stdin"]),
                input: .inputWriter, output: .discarded, error: .discarded
            ) { execution in
                for await id in stream {
                    _ = try await execution.standardInputWriter.write(Array(id.bytes.bytes + [.newline]))
                }
                try await execution.standardInputWriter.finish()
            }
            if !outcome.terminationStatus.isSuccess {
                log.panic(
                    "immediate delivery ended: \(program): \(String(describing: outcome.terminationStatus))")
            }
        } catch {
            log.panic(
                "immediate delivery is not possible (\(program): \(String(describing: error))); messages wait for the next queue run"
            )
        }
    }

    /// Starts a runner for one message and does not wait for it.
    func deliverAlone(_ id: MessageID) {
        Sibling.startInBackground(program, arguments + ["--message", id.bytes.string])
    }
}

/// Our other programs, which lie beside this one.
enum Sibling {
    /// The path of a program in the directory of this one.
    static func path(of name: String) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0,
            let parts = ByteString(buffer[..<count].map { UInt8(bitPattern: $0) }).cutAtLast(
                UInt8(ascii: "/"))
        else { return name }
        return "\(ByteString(parts.before))/\(name)"
    }

    /// POSIX_SPAWN_SETSID, which glibc's header shows to GNU programs only, and POSIX_SPAWN_SETSIGMASK: a thread of
    /// ours may have signals blocked that the program must hear.
    private static let spawnFlags: Int16 = 0x80 | 0x08

    /// Starts a program in a session of its own, with nothing on its standard streams.
    static func startInBackground(_ program: String, _ arguments: [String]) {
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe posix_spawnattr_setflags(&attributes, spawnFlags)
        var noSignals = sigset_t()
        unsafe sigemptyset(&noSignals)
        unsafe posix_spawnattr_setsigmask(&attributes, &noSignals)
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var words = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        var child: pid_t = 0
        unsafe posix_spawn(&child, program, &actions, &attributes, &words, environ)
    }
}
