import Glibc

/// What the system lets this process do.
enum ProcessLimits {
    /// Asks for as many open files as there may be, since each connection holds one; a file that may grow no further, and a
    /// client that is gone, are errors of a call and no reason to die.
    static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit()
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard unsafe getrlimit(files, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        unsafe setrlimit(files, &limit)
    }
}
