import Bytes
import CLinux
import Glibc
import Routing
import Synchronization

/// One local delivery in a process of another user: `bobbin-deliver-local`, order in, outcome out.
struct LocalProcess {
    /// The descriptor by which the child gets the data file.
    static let dataDescriptor: CInt = 3
    /// The most octets of an outcome.
    private static let outcomeLimit = 1 << 16

    let program: ByteString
    let user: DeliveryUser

    func deliver(_ order: LocalOrder, _ body: MessageBody) async -> LocalOutcome {
        await Offload.run { body.withDescriptor { descriptor, _ in run(order, descriptor) } }
    }

    private func run(_ order: LocalOrder, _ data: CInt) -> LocalOutcome {
        do {
            let input = try Pipe()
            let output = try Pipe()
            let child = try spawn(input, output, data)
            let written = input.writeAll(order.encoded)
            let answer = output.readAll(limit: Self.outcomeLimit)
            let status = wait(for: child)
            guard status == 0, written, let outcome = LocalOutcome(decoding: answer) else {
                return .deferred(
                    TransportTrouble(
                        "local delivery process as user \(user.uid) ended with status \(status) and no outcome",
                        errno: -1))
            }
            return outcome
        } catch {
            return .deferred(TransportTrouble("starting \(program)", errno: error.number))
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

/// A pipe whose ends close with it.
private struct Pipe: ~Copyable {
    private let ends: (reading: CInt, writing: CInt)
    private let state = Mutex((reading: true, writing: true))

    init() throws(SystemFailure) {
        var pair: [CInt] = [0, 0]
        let code = unsafe clinux_pipe(&pair)
        guard code == 0 else { throw SystemFailure(number: code) }
        ends = (pair[0], pair[1])
    }

    deinit {
        closeReading()
        closeWriting()
    }

    var reading: CInt { ends.reading }
    var writing: CInt { ends.writing }

    func closeReading() {
        state.withLock { open in
            if open.reading { close(ends.reading) }
            open.reading = false
        }
    }

    func closeWriting() {
        state.withLock { open in
            if open.writing { close(ends.writing) }
            open.writing = false
        }
    }

    func writeAll(_ octets: ByteString) -> Bool {
        defer { closeWriting() }
        do {
            try System.write(ends.writing, octets.bytes[...])
            return true
        } catch {
            return false
        }
    }

    func readAll(limit: Int) -> ByteString {
        var result = ByteString()
        var block = [UInt8](repeating: 0, count: 4096)
        while result.count < limit {
            let count = unsafe read(ends.reading, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            result += block[..<count]
        }
        return result
    }
}
