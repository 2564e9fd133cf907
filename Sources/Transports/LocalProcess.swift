import Bytes
import ChildPrograms
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
            let end = ChildEnd.wait(for: child)
            guard end == .exited(0), written, let report = LocalReport(decoding: answer) else {
                return LocalReport(
                    .deferred(
                        TransportTrouble(
                            "local delivery process as user \(user.uid) \(end.words) and gave no outcome",
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
        var words: [ByteString] = [program, "--user", "\(user.uid):\(user.gid ?? 0)"]
        if user.initializesGroups { words.append("--initgroups") }
        let start = ChildStart(
            words, environment: ["PATH=/usr/bin:/bin"],
            descriptors: [0: input.reading, 1: output.writing, 2: STDERR_FILENO, Self.dataDescriptor: data])
        defer {
            input.closeReading()
            output.closeWriting()
        }
        do throws(ChildFailure) { return try start.start() } catch {
            throw SystemFailure(number: error.number)
        }
    }
}
