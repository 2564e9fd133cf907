import Bytes
import CLinux
import Glibc
import Routing

/// One local delivery in a process of another user: `bobbin-deliver-local`, order in, outcome out.
struct LocalProcess {
    /// The descriptor by which the child gets the data file.
    static let dataDescriptor: CInt = 3
    /// The most octets of an outcome.
    private static let outcomeLimit = 16 << 20

    let program: ByteString
    let user: DeliveryUser

    func deliver(_ order: LocalWork, _ body: MessageBody) async -> LocalReport {
        await Offload.run { body.withDescriptor { descriptor, _ in run(order, descriptor) } }
    }

    /// The same for work that needs no message.
    func deliver(_ order: LocalWork) async -> LocalReport {
        // Standard input stands in for the data file.
        await Offload.run { run(order, STDIN_FILENO) }
    }

    private func run(_ order: LocalWork, _ data: CInt) -> LocalReport {
        do {
            let input = try Pipe()
            let output = try Pipe()
            let child = try spawn(input, output, data)
            let written = input.writeAll(order.encoded)
            let answer = output.readAll(limit: Self.outcomeLimit)
            let status = wait(for: child)
            guard status == 0, written, let report = LocalReport(decoding: answer) else {
                return LocalReport(
                    .deferred(
                        TransportTrouble(
                            "local delivery process as user \(user.uid) ended with status \(status) and no outcome",
                            errno: -1)))
            }
            return report
        } catch {
            return LocalReport(.deferred(TransportTrouble("starting \(program)", errno: error.number)))
        }
    }

    private func spawn(
        _ input: borrowing Pipe, _ output: borrowing Pipe, _ data: CInt
    ) throws(SystemFailure) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, input.reading, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output.writing, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, data, Self.dataDescriptor)
        let identity = "\(user.uid):\(user.gid ?? 0)"
        var arguments = [program.string, "--user", identity]
        if user.initializesGroups { arguments.append("--initgroups") }
        var pointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = unsafe [strdup("PATH=/usr/bin:/bin"), nil]
        defer {
            unsafe pointers.forEach { unsafe free($0) }
            unsafe environment.forEach { unsafe free($0) }
        }
        var child: pid_t = 0
        let code = unsafe posix_spawn(&child, program.string, &actions, nil, &pointers, &environment)
        input.closeReading()
        output.closeWriting()
        guard code == 0 else { throw SystemFailure(number: code) }
        return child
    }

    private func wait(for child: pid_t) -> CInt {
        var status: CInt = 0
        while unsafe waitpid(child, &status, 0) < 0 {
            if errno != EINTR { return -1 }
        }
        return status
    }
}
