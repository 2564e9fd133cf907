import Bytes
import Dispatch
import Glibc
import MailSystem

/// A caller at the local socket, as the process sees him that the daemon has started for him.
struct LocalGuest {
    /// The number under which the daemon gives us the caller's socket, and its queue runner's input.
    static let socketNumber: CInt = 3
    static let runnerNumber: CInt = 4

    let identity: CallerIdentity
    let form: LocalReception.Form
    /// What follows the form on his command line.
    let words: [String]

    /// Takes over the caller's standard input and output, and his words.
    static func arrived() throws -> LocalGuest {
        for number in [socketNumber, runnerNumber] { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
        guard let identity = CallerIdentity.peer(of: socketNumber),
            let (words, descriptors) = DescriptorPassing.receive(over: socketNumber),
            let form = words.first.flatMap(LocalReception.Form.init(rawValue:))
        else {
            throw Exit.failure("this is started by the daemon for a caller at its local socket", EX_USAGE)
        }
        for (number, descriptor) in descriptors.enumerated() {
            dup2(descriptor, CInt(number))
            close(descriptor)
        }
        leaveWithCaller()
        return LocalGuest(identity: identity, form: form, words: Array(words.dropFirst()))
    }

    /// Tells the caller how it went.
    func leave(_ code: Int32) {
        var octet = UInt8(truncatingIfNeeded: code)
        _ = unsafe write(Self.socketNumber, &octet, 1)
    }

    /// A caller who goes takes this process with him: nobody reads what it says, and what was committed stays.
    private static func leaveWithCaller() {
        DispatchQueue(label: "caller").async {
            let hungUp: Int16 = 0x2000
            var socket = pollfd(fd: socketNumber, events: hungUp, revents: 0)
            while unsafe poll(&socket, 1, -1) < 0, errno == EINTR {}
            _exit(EX_TEMPFAIL)
        }
    }
}
