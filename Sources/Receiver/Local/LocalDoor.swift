import Bytes
import ChildPrograms
import Dispatch
import Glibc
import MailSystem
import Synchronization

/// The daemon's local socket: each caller gets a process of his own, with the mail user's rights.
///
/// The daemon reads nothing that a caller says, so that none can hold it up.
final class LocalDoor: Sendable {
    /// How many callers are served at one time, and how many of one user.
    static let most = 64
    static let mostOfUser = 16

    private let descriptor: CInt
    private let path: ByteString
    private let program: ByteString
    private let arguments: [ByteString]
    private let guests = Mutex<[pid_t: UInt32]>([:])
    private let queue = DispatchQueue(label: "local socket")

    /// Listens, with the rights that this process has now; nobody is let in before `open`.
    init(at path: ByteString, _ source: ConfigurationSource) throws(StartError) {
        descriptor = try LocalSocket.listen(at: path)
        self.path = path
        program = SiblingProgram.path(of: "bobbin-receiver") ?? "bobbin-receiver"
        arguments = source.arguments.map { ByteString($0) } + ["local"]
    }

    /// Lets callers in, until `shut`.
    func open(_ runner: RunnerProcess?) {
        queue.async { [self] in
            while true {
                awaitCaller()
                let caller = accept(descriptor, nil, nil)
                if caller >= 0 {
                    admit(caller, runner)
                } else if ![EINTR, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, EAGAIN].contains(errno) {
                    return
                } else if errno != EINTR {
                    // Out of descriptors for now: others go, and this one waits in the queue.
                    usleep(Self.pause)
                }
            }
        }
    }

    /// Waits for the next caller; meanwhile those who have gone are counted out, once a second.
    private func awaitCaller() {
        while true {
            reap()
            let isEmpty = guests.withLock(\.isEmpty)
            var socket = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if unsafe poll(&socket, 1, isEmpty ? -1 : 1000) > 0 { return }
        }
    }

    private func reap() {
        guests.withLock { guests in
            for child in guests.keys where ChildEnd.ofChild(child) != nil {
                guests[child] = nil
            }
        }
    }

    private static let pause: UInt32 = 100_000

    private func admit(_ caller: CInt, _ runner: RunnerProcess?) {
        defer { close(caller) }
        guard let identity = CallerIdentity.peer(of: caller), hasRoom(for: identity.uid),
            start(caller, runner?.inputCopy(), identity.uid)
        else {
            var code = UInt8(EX_TEMPFAIL)
            _ = unsafe send(caller, &code, 1, 0)
            return
        }
    }

    private func hasRoom(for uid: UInt32) -> Bool {
        guests.withLock { guests in
            guests.count < Self.most && guests.values.count { $0 == uid } < Self.mostOfUser
        }
    }

    private func start(_ caller: CInt, _ runner: CInt?, _ uid: UInt32) -> Bool {
        // Out of the way of the numbers that they get.
        let socket = fcntl(caller, F_DUPFD_CLOEXEC, 64)
        let input = runner.map { fcntl($0, F_DUPFD_CLOEXEC, 64) }
        defer { for end in [socket, input, runner].compactMap({ $0 }) where end >= 0 { close(end) } }
        guard socket >= 0 else { return false }
        var descriptors = [LocalGuest.socketNumber: socket]
        if let input, input >= 0 { descriptors[LocalGuest.runnerNumber] = input }
        let words = [program] + arguments + (descriptors.count > 1 ? ["--runner"] : [])
        let child: pid_t
        do throws(ChildFailure) {
            child = try ChildStart(words, descriptors: descriptors, group: .session).start()
        } catch {
            return false
        }
        guests.withLock { $0[child] = uid }
        return true
    }

    /// Lets nobody in any more, and ends those who are at work: what was not taken the caller is told.
    func shut() {
        shutdown(descriptor, CInt(SHUT_RDWR))
        LocalSocket.unlinkSocket(path)
        guests.withLock { guests in
            for child in guests.keys { kill(child, SIGTERM) }
        }
    }
}
