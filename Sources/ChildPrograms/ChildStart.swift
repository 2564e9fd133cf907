package import Bytes
import CLinux
import Glibc

/// How a program is started as a child: its words, and what of ours it gets.
///
/// No shell is between. Its signals are as a login shell has them: none is blocked or ignored, whatever our threads
/// block and ignore.
package struct ChildStart: Sendable {
    /// Which processes end and are signalled with it.
    package enum Group: Sendable {
        /// Those of ours.
        case inherited
        /// A process group of its own: what it starts can be killed with it.
        case own
        /// A session of its own: no terminal of ours reaches it.
        case session
    }

    /// The program's name and its arguments.
    package var words: [ByteString]
    /// The program's file, which is not searched for; the first word unless it is set.
    package var program: ByteString
    /// `NAME=value` each; nil hands on our own environment.
    package var environment: [ByteString]?
    /// Which of our descriptors it gets under which number; each of 0, 1 and 2 that is not named is `/dev/null`.
    package var descriptors: [CInt: CInt]
    /// Where it works; nil is where we do.
    package var directory: ByteString?
    /// Its process group.
    package var group: Group

    /// Makes a value.
    package init(
        _ words: [ByteString], environment: [ByteString]? = nil, descriptors: [CInt: CInt] = [:],
        in directory: ByteString? = nil, group: Group = .inherited
    ) {
        self.words = words
        program = words.first ?? ""
        self.environment = environment
        self.descriptors = descriptors
        self.directory = directory
        self.group = group
    }

    /// Starts the program; gives its process id, or throws why the system could not.
    ///
    /// The caller waits for its end (`ChildEnd.wait`): nobody else does.
    package func start() throws(ChildFailure) -> Int32 {
        guard !program.isEmpty else { throw ChildFailure(number: ENOENT) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for number in Set(descriptors.keys).union([0, 1, 2]).sorted() {
            if let own = descriptors[number] {
                // One that goes over as it is may be closed, too.
                if own == number, number <= STDERR_FILENO { continue }
                unsafe posix_spawn_file_actions_adddup2(&actions, own, number)
            } else {
                let flags = number == STDIN_FILENO ? O_RDONLY : O_WRONLY
                unsafe posix_spawn_file_actions_addopen(&actions, number, "/dev/null", flags, 0)
            }
        }
        if let directory {
            let code = unsafe clinux_start_in(&actions, directory.string)
            guard code == 0 else { throw ChildFailure(number: code) }
        }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe setSignals(of: &attributes)
        var arguments = unsafe words.map { unsafe strdup($0.string) } + [nil]
        var variables = unsafe (environment ?? []).map { unsafe strdup($0.string) } + [nil]
        defer {
            unsafe arguments.forEach { unsafe free($0) }
            unsafe variables.forEach { unsafe free($0) }
        }
        var child: pid_t = 0
        let code =
            unsafe environment == nil
            ? unsafe posix_spawn(&child, program.string, &actions, &attributes, &arguments, environ)
            : unsafe posix_spawn(&child, program.string, &actions, &attributes, &arguments, &variables)
        guard code == 0 else { throw ChildFailure(number: code) }
        return child
    }

    /// POSIX_SPAWN_SETSID, which glibc's header shows to GNU programs only.
    private static let setsID: Int32 = 0x80

    private func setSignals(of attributes: inout posix_spawnattr_t) {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        let kind: Int32 =
            switch group {
            case .inherited: 0
            case .own: POSIX_SPAWN_SETPGROUP
            case .session: Self.setsID
            }
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | kind))
    }
}

/// A program could not be started.
package struct ChildFailure: Error, Sendable, Hashable {
    /// The system's errno.
    package let number: Int32

    /// Makes a failure.
    package init(number: Int32) { self.number = number }

    /// It in the system's words.
    package var text: ByteString { unsafe ByteString(String(cString: strerror(number))) }
}
