import Bytes
import CLinux
import Glibc

/// A command that runs as a child in a process group of its own, with pipes at its standard input and output.
///
/// Its error output goes where its output goes. What is still running when the value ends is killed.
struct ChildCommand: ~Copyable {
    private let number: pid_t
    private var status: CInt?

    /// Starts a command; the first word is its file.
    ///
    /// - Parameters:
    ///   - words: the file and its arguments.
    ///   - environment: `NAME=value` each.
    ///   - directory: where it works.
    ///   - input: the descriptor that becomes its standard input.
    ///   - output: the descriptor that becomes its standard output and error output.
    init(
        _ words: [ByteString], environment: [ByteString] = [], in directory: ByteString, input: CInt,
        output: CInt
    ) throws(SystemFailure) {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 2)
        guard unsafe clinux_start_in(&actions, directory.string) == 0 else { throw .last }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var defaults = sigset_t()
        unsafe sigemptyset(&defaults)
        unsafe sigaddset(&defaults, SIGPIPE)
        unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF))
        var arguments = unsafe words.map { unsafe strdup($0.string) } + [nil]
        var variables = unsafe environment.map { unsafe strdup($0.string) } + [nil]
        defer {
            unsafe arguments.forEach { unsafe free($0) }
            unsafe variables.forEach { unsafe free($0) }
        }
        var child: pid_t = 0
        let path = words.first?.string ?? ""
        let code = unsafe posix_spawn(&child, path, &actions, &attributes, &arguments, &variables)
        guard code == 0 else { throw SystemFailure(number: code) }
        number = child
    }

    /// Ends it, and what it has started in its group.
    func kill() { Glibc.kill(-number, SIGKILL) }

    deinit {
        guard status == nil else { return }
        kill()
        var ending: CInt = 0
        while unsafe waitpid(number, &ending, 0) < 0, errno == EINTR {}
    }

    /// Waits until it has ended or the moment is there; gives its status as `waitpid` does, nil when it still runs.
    mutating func wait(until end: Int64) -> CInt? {
        while status == nil {
            var ending: CInt = 0
            let found = unsafe waitpid(number, &ending, WNOHANG)
            if found == number {
                status = ending
            } else if found < 0, errno != EINTR {
                status = -1
            } else if System.moment().seconds >= end {
                return nil
            } else {
                System.pause(seconds: 0.01)
            }
        }
        return status
    }
}
