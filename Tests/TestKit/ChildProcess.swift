package import Bytes
import Glibc
import Synchronization

/// A program that runs beside the test, in a process group of its own; it ends, with its children, when the value goes.
package final class ChildProcess: Sendable {
    /// How a program ended, and what it said.
    package struct Ending: Sendable {
        /// The exit code; nil when a signal ended it.
        package let code: Int?
        /// The signal that ended it.
        package let signal: Int?
        /// What it wrote to standard output.
        package let output: ByteString
        /// What it wrote to standard error.
        package let errors: ByteString
    }

    /// The number of the process, and of its group.
    package let number: Int32

    private let name: String
    private let files: TemporaryDirectory
    private let state = Mutex(State())

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - path: the program's file.
    ///   - arguments: its arguments, without its name.
    ///   - input: what it reads on standard input.
    ///   - environment: variables that are set on top of ours.
    package init(
        _ path: String, _ arguments: [String], input: ByteString = "", environment: [String: String] = [:]
    ) throws {
        name = path
        files = try TemporaryDirectory()
        try files.write(input, to: "in")
        try files.write("", to: "out")
        try files.write("", to: "err")
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe _ = posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, files.file("in").string, O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(
            &actions, 1, files.file("out").string, O_WRONLY | O_APPEND, 0)
        unsafe posix_spawn_file_actions_addopen(
            &actions, 2, files.file("err").string, O_WRONLY | O_APPEND, 0)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe _ = posix_spawnattr_destroy(&attributes) }
        // A group of its own, so that all its children can be ended; and the signals as a login shell has them.
        var signals = sigset_t()
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)

        var started: pid_t = 0
        let variables = Self.ownEnvironment().merging(environment) { _, new in new }
        let failure = unsafe Self.withCStrings([path] + arguments) { words in
            unsafe Self.withCStrings(variables.map { "\($0.key)=\($0.value)" }) { settings in
                unsafe posix_spawn(&started, path, &actions, &attributes, words, settings)
            }
        }
        guard failure == 0 else {
            throw Program.Failure(description: "cannot start \(path): error \(failure)")
        }
        number = started
    }

    deinit { kill() }

    /// Sends a signal to the program itself.
    package func signal(_ signal: Int32) {
        guard isRunning else { return }
        _ = Glibc.kill(number, signal)
    }

    /// Ends the program and its children at once (signal 9), and waits until it is gone.
    package func kill() {
        state.withLock { state in
            guard !state.isReaped else { return }
            // Until it is reaped its number, and that of its group, belong to nobody else.
            _ = Glibc.kill(-number, SIGKILL)
            if state.ending == nil { state.ending = awaitEnding(0) }
            var ended: Int32 = 0
            unsafe waitpid(number, &ended, 0)
            state.isReaped = true
        }
    }

    /// Whether it has not ended yet.
    package var isRunning: Bool { ending() == nil }

    /// What it wrote to standard output so far.
    package var output: ByteString { get throws { try files.read("out") } }

    /// What it wrote to standard error so far.
    package var errors: ByteString { get throws { try files.read("err") } }

    /// Waits for the program's end; one that does not end in time is killed, and that throws.
    @discardableResult
    package func wait(within seconds: Int = 120) throws -> Ending {
        do {
            try eventually("\(name) ends", within: seconds) { !isRunning }
        } catch {
            kill()
            throw Program.Failure(
                description: "\(error); it said: \(try files.read("out")) \(try files.read("err"))")
        }
        let ended = ending()
        return Ending(
            code: ended?.code, signal: ended?.signal, output: try files.read("out"),
            errors: try files.read("err"))
    }

    private struct State {
        /// How it ended; nil while it runs.
        var ending: (code: Int?, signal: Int?)?
        /// Whether the system has forgotten it, so that its number may be somebody else's.
        var isReaped = false
    }

    private func ending() -> (code: Int?, signal: Int?)? {
        state.withLock { state in
            if state.ending == nil { state.ending = awaitEnding(WNOHANG) }
            return state.ending
        }
    }

    /// How it ended, without reaping it: what is left of its group can still be ended under its number.
    private func awaitEnding(_ options: Int32) -> (code: Int?, signal: Int?)? {
        var information = siginfo_t()
        let done = unsafe waitid(P_PID, id_t(number), &information, WEXITED | WNOWAIT | options)
        let child = unsafe information._sifields._sigchld
        guard done == 0, child.si_pid == number else { return nil }
        let status = Int(child.si_status)
        return information.si_code == CInt(CLD_EXITED) ? (status, nil) : (nil, status)
    }

    private static func ownEnvironment() -> [String: String] {
        var variables: [String: String] = [:]
        for name in ["PATH", "HOME", "USER", "LANG", "TMPDIR", "LD_LIBRARY_PATH"] {
            if let value = unsafe getenv(name) { variables[name] = unsafe String(cString: value) }
        }
        return variables
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe strings.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe pointers.withUnsafeMutableBufferPointer { buffer in
            guard let first = buffer.baseAddress else { preconditionFailure("the array ends with nil") }
            return unsafe body(first)
        }
    }
}
