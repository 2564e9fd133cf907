import Bytes
import CLinux
import Dispatch
import Expansion
import Glibc
import Routing

/// Runs the programs that `${run}` and queryprogram routers name: no shell, an empty standard input, output and errors together.
enum ProgramRunning {
    /// Seconds that a program has, as in Exim.
    static let timeout = 60
    /// The most octets of output that are kept; what comes after them is read and dropped.
    static let mostOutput = 1 << 20
    /// What stands for the status of a program that could not be started.
    private static let notStarted = 127

    static func run(_ arguments: [ByteString], environment: [ByteString]) async -> ProgramOutcome {
        await withCheckedContinuation { continuation in
            // A queue of its own has a thread at once, however many programs run.
            DispatchQueue(label: "run").async {
                continuation.resume(returning: runToEnd(arguments, environment))
            }
        }
    }

    /// Asks a command for a queryprogram router: its standard output, as another user where we are root.
    static func ask(_ query: QueryCommand) async -> QueryAnswer {
        var words = query.words
        if geteuid() == 0, query.user.uid != 0 {
            guard let changer = SiblingProgram.path(of: "bobbin-deliver-local") else {
                return .failed("bobbin-deliver-local is not beside this program")
            }
            words = [changer, "--user", "\(query.user.uid):\(query.user.gid ?? 0)", "--"] + words
        }
        let arguments = words
        return await withCheckedContinuation { continuation in
            DispatchQueue(label: "ask").async {
                continuation.resume(returning: askToEnd(arguments, query.directory, query.timeout))
            }
        }
    }

    private static func askToEnd(
        _ words: [ByteString], _ directory: ByteString, _ timeout: Int
    ) -> QueryAnswer {
        var ends: [CInt] = [-1, -1]
        let code = unsafe clinux_pipe(&ends)
        guard code == 0, words.first?.first == UInt8(ascii: "/") else { return .exited(notStarted) }
        defer { close(ends[0]) }
        let child = spawn(
            words, ["PATH=/usr/bin:/bin"], output: ends[1],
            Surroundings(directory: directory, hearsErrors: false))
        close(ends[1])
        guard let child else { return .exited(notStarted) }
        let (output, isWhole) = readAll(ends[0], within: timeout > 0 ? timeout : Int(Int32.max / 1000))
        if !isWhole { kill(-child, SIGKILL) }
        let status = status(of: child)
        if !isWhole { return .timedOut }
        return status == 0 ? .said(output) : status >= 256 ? .killed(status - 256) : .exited(status)
    }

    /// Where a program works, and whether its error output is heard too.
    private struct Surroundings {
        var directory: ByteString?
        var hearsErrors = true
    }

    private static func runToEnd(_ arguments: [ByteString], _ environment: [ByteString]) -> ProgramOutcome {
        var ends: [CInt] = [-1, -1]
        guard arguments[0].first == UInt8(ascii: "/"), unsafe clinux_pipe(&ends) == 0 else {
            return ProgramOutcome(output: "", status: notStarted)
        }
        defer { close(ends[0]) }
        let child = spawn(arguments, environment, output: ends[1])
        close(ends[1])
        guard let child else { return ProgramOutcome(output: "", status: notStarted) }
        let (output, isWhole) = readAll(ends[0])
        if !isWhole { kill(-child, SIGKILL) }
        return ProgramOutcome(output: output, status: status(of: child))
    }

    private static func spawn(
        _ arguments: [ByteString], _ environment: [ByteString], output: CInt,
        _ surroundings: Surroundings = Surroundings()
    ) -> pid_t? {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        if surroundings.hearsErrors {
            unsafe posix_spawn_file_actions_adddup2(&actions, output, 2)
        } else {
            unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        }
        if let directory = surroundings.directory {
            guard unsafe clinux_start_in(&actions, directory.string) == 0 else { return nil }
        }
        // A group of its own, so that what a shell has started ends with it when the time is over.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // Signals as a login shell has them: a server ignores SIGPIPE, and its threads may block others.
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var pointers = unsafe arguments.map { unsafe strdup($0.string) } + [nil]
        var variables = unsafe environment.map { unsafe strdup($0.string) } + [nil]
        defer {
            unsafe pointers.forEach { unsafe free($0) }
            unsafe variables.forEach { unsafe free($0) }
        }
        var child: pid_t = 0
        let code = unsafe posix_spawn(
            &child, arguments[0].string, &actions, &attributes, &pointers, &variables)
        return code == 0 ? child : nil
    }

    /// All output until every writer has closed; false when the time was over first.
    private static func readAll(
        _ descriptor: CInt, within seconds: Int = timeout
    ) -> (ByteString, isWhole: Bool) {
        let end = ContinuousClock.now + .seconds(seconds)
        var output = ByteString()
        var block = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let left = (end - .now).components.seconds
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = unsafe poll(&waiting, 1, CInt(clamping: max(left, 0) * 1000 + 1))
            if ready < 0, errno == EINTR { continue }
            guard ready > 0, left >= 0 else { return (output, false) }
            let count = unsafe read(descriptor, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return (output, true) }
            output += block[..<min(count, max(mostOutput - output.count, 0))]
        }
    }

    /// The exit status, or 256 and the number of the signal that ended the program.
    private static func status(of child: pid_t) -> Int {
        var status: CInt = 0
        while unsafe waitpid(child, &status, 0) < 0 {
            if errno != EINTR { return notStarted }
        }
        let signal = status & 0x7F
        return signal == 0 ? Int(status >> 8 & 0xFF) : 256 + Int(signal)
    }
}
