import Bytes
import Glibc

/// `exim_lock`: locks a mailbox as a delivery does, runs a command, and unlocks (manual, section 54.15).
struct EximLock {
    let console: Console

    /// Runs with the words after the program's name.
    func run(_ words: [ByteString]) -> ExitStatus {
        guard let request = EximLockRequest(words) else {
            console.write(Self.usage)
            return .failure
        }
        return run(request)
    }

    static let usage: ByteString = """
        usage: exim_lock [-v] [-q] [-lockfile] [-fcntl] [-flock] [-mbx]
               [-retries <n>] [-interval <n>] [-timeout <n>] [-restore-times]
               <file name> [command]

        """

    private func run(_ request: EximLockRequest) -> ExitStatus {
        let voice = EximLockVoice(console: console, isQuiet: request.isQuiet, isVerbose: request.isVerbose)
        let post = request.usesLockFile ? HitchingPost(request.file) : nil
        if let post {
            voice.detail("lockname =  \(post.lockName)\n           hitchname = \(post.name)")
        }
        for _ in 0..<request.tries {
            switch MailboxLocks.taken(request, post, voice) {
            case .held(let locks):
                voice.remark("locking \(request.file) succeeded: running the command ...")
                runCommand(request)
                locks.release(voice)
                return .success
            case .impossible: return .failure
            case .elsewhere:
                // A blocking lock has waited already.
                guard request.timeout == 0 else { continue }
                console.write(" ... waiting\n")
                console.output.flush()
                sleep(UInt32(clamping: request.interval))
            }
        }
        voice.complain("locking failed too many times")
        return .failure
    }

    private func runCommand(_ request: EximLockRequest) {
        let times = request.restoresTimes ? FileTimes(request.file) : nil
        // What was said so far belongs before what the command says.
        console.output.flush()
        let status = unsafe system(request.command.string)
        if status != 0 { console.write("warning: nonzero status \(Int(status))\n") }
        times?.restore(request.file)
    }
}

/// What `exim_lock` is asked for.
struct EximLockRequest: Sendable, Equatable {
    var file: ByteString = ""
    var command: ByteString = ""
    var usesLockFile = false
    var usesFcntl = false
    var usesFlock = false
    var usesMBX = false
    var isQuiet = false
    var isVerbose = false
    var restoresTimes = false
    var retries = 10
    var interval = 3
    var timeout = 0

    /// Reads the words; nil when they are wrong.
    init?(_ words: [ByteString]) {
        var rest = words[...]
        while let word = rest.first, word.first == UInt8(ascii: "-") {
            rest = rest.dropFirst()
            switch word {
            case "-v": isVerbose = true
            case "-q": isQuiet = true
            case "-lockfile": usesLockFile = true
            case "-fcntl": usesFcntl = true
            case "-flock": usesFlock = true
            case "-mbx": usesMBX = true
            case "-restore-times": restoresTimes = true
            case "-retries", "-interval", "-timeout":
                guard let number = rest.popFirst() else { return nil }
                set(word, Self.number(number))
            default: return nil
            }
        }
        guard let file = rest.popFirst() else { return nil }
        self.file = file
        command = rest.first ?? Self.shell
        if usesMBX {
            if !usesFcntl, !usesFlock { usesFcntl = true }
        } else if !usesLockFile, !usesFcntl, !usesFlock {
            (usesLockFile, usesFcntl) = (true, true)
        }
    }

    /// How often the locks are tried; fewer when each try blocks, so that all take as long as without that.
    var tries: Int {
        guard timeout > 0, retries > 0 else { return max(retries, 0) }
        let (time, isLong) = retries.multipliedReportingOverflow(by: interval)
        return isLong ? retries : max(1, min(retries, time / timeout + (time % timeout == 0 ? 0 : 1)))
    }

    private mutating func set(_ option: ByteString, _ number: Int) {
        switch option {
        case "-retries": retries = number
        case "-interval": interval = number
        default: timeout = number
        }
    }

    /// The digits at the beginning, as Exim's program takes them; 0 without any.
    private static func number(_ text: ByteString) -> Int {
        let digits = text.prefix { $0.isASCIIDigit }
        return ByteString(digits).decimalInteger().flatMap { Int(exactly: $0) } ?? 0
    }

    private static var shell: ByteString {
        guard let shell = unsafe getenv("SHELL") else { return "/bin/sh" }
        let name = unsafe ByteString(String(cString: shell))
        return name.isEmpty ? "/bin/sh" : name
    }
}

/// How `exim_lock` speaks: all on standard output, as Exim's program does.
struct EximLockVoice {
    let console: Console
    let isQuiet: Bool
    let isVerbose: Bool

    /// Something that `-q` silences.
    func remark(_ text: ByteString) { if !isQuiet { complain(text) } }
    /// Something that only `-v` shows.
    func detail(_ text: ByteString) { if isVerbose { complain(text) } }
    /// Something that is always said.
    func complain(_ text: ByteString) { console.write("exim_lock: \(text)\n") }
    /// A refusal of the system; reads `errno`.
    func refusal(_ text: ByteString) {
        complain("\(text): \(unsafe ByteString(String(cString: strerror(errno))))")
    }
}

/// When a file was read and changed.
private struct FileTimes {
    private let times: [timespec]

    init?(_ path: ByteString) {
        var status = stat()
        guard unsafe stat(path.string, &status) == 0 else { return nil }
        times = [status.st_atim, status.st_mtim]
    }

    func restore(_ path: ByteString) { _ = unsafe utimensat(AT_FDCWD, path.string, times, 0) }
}
