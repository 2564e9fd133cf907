package import Bytes
import Glibc

/// A program of the system that tests use as tool or oracle.
package struct Program: Sendable {
    /// What went wrong, in words for the reader of the test's output.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    let path: String

    /// Finds a program in the usual places; throws, naming the Debian package, when it is missing.
    package init(_ name: String, package debian: String) throws {
        let places = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map { "\($0)/\(name)" }
        guard let found = places.first(where: { unsafe access($0, X_OK) == 0 }) else {
            throw Failure(description: "\(name) is missing: install Debian's package \(debian)")
        }
        path = found
    }

    /// Runs the program to its end and gives its standard output; throws when it fails.
    @discardableResult
    package func run(_ arguments: [String]) throws -> ByteString {
        let scratch = try TemporaryDirectory()
        let place = Place(
            output: scratch.file("out").string, errors: scratch.file("err").string)
        let status = try start(arguments, place).wait()
        guard status == 0 else {
            let words = try scratch.read("err")
            throw Failure(description: "\(path) \(arguments): status \(status): \(words)")
        }
        return try scratch.read("out")
    }

    /// Where a program writes.
    struct Place {
        var output = "/dev/null"
        var errors = "/dev/null"
    }

    func start(_ arguments: [String], _ place: Place = Place()) throws -> RunningProgram {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        let writing = O_WRONLY | O_CREAT | O_TRUNC
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, place.output, writing, 0o600)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, place.errors, writing, 0o600)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // A thread of a test may block signals; a program that inherits that cannot be ended.
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words: [UnsafeMutablePointer<CChar>?] = unsafe ([path] + arguments).map { unsafe strdup($0) }
        unsafe words.append(nil)
        defer { unsafe words.forEach { unsafe free($0) } }
        var process: pid_t = 0
        let refusal = unsafe posix_spawn(&process, path, &actions, &attributes, words, environ)
        guard refusal == 0 else {
            throw Failure(description: "\(path): \(unsafe String(cString: strerror(refusal)))")
        }
        return RunningProgram(process)
    }
}

/// A program that runs; who started it ends or awaits it.
struct RunningProgram: Sendable {
    private let process: pid_t

    init(_ process: pid_t) { self.process = process }

    /// Waits for the end; the exit status, or 128 and the signal's number.
    @discardableResult
    func wait() -> CInt {
        var status: CInt = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : 128 + signal
    }

    /// Asks the program to end, and waits until it has; one that does not listen is killed.
    func end() {
        kill(process, SIGTERM)
        for _ in 0..<Self.patience {
            var status: CInt = 0
            if unsafe waitpid(process, &status, WNOHANG) != 0 { return }
            usleep(10_000)
        }
        kill(process, SIGKILL)
        wait()
    }

    /// How many hundredths of a second a program has for its end.
    private static let patience = 300
}
