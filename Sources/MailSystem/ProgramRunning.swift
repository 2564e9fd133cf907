import ACL
import Bytes
import ChildPrograms
import Dispatch
import Expansion
import Glibc
import Routing

/// Runs the programs that `${run}` and queryprogram routers name: no shell, an empty standard input, output and errors together.
enum ProgramRunning {
    /// Seconds that a program has, as in Exim.
    static let timeout = 60
    /// The most octets of output that are kept; what comes after them is read and dropped.
    static let mostOutput = 1 << 20
    /// What stands for the status of a program that could not be started.
    private static let notStarted = 127

    static func run(_ arguments: [ByteString], environment: [ByteString]) async -> ProgramOutcome {
        await withCheckedContinuation { continuation in
            // A queue of its own has a thread at once, however many programs run.
            DispatchQueue(label: "run").async {
                continuation.resume(returning: runToEnd(arguments, environment))
            }
        }
    }

    /// Asks a command for a queryprogram router: its standard output, as another user where we are root.
    static func ask(_ query: QueryCommand) async -> QueryAnswer {
        var words = query.words
        if geteuid() == 0, query.user.uid != 0 {
            guard let changer = SiblingProgram.path(of: "bobbin-deliver-local") else {
                return .failed("bobbin-deliver-local is not beside this program")
            }
            words = [changer, "--user", "\(query.user.uid):\(query.user.gid ?? 0)", "--"] + words
        }
        let arguments = words
        return await withCheckedContinuation { continuation in
            DispatchQueue(label: "ask").async {
                continuation.resume(returning: askToEnd(arguments, query.directory, query.timeout))
            }
        }
    }

    private static func askToEnd(
        _ words: [ByteString], _ directory: ByteString, _ timeout: Int
    ) -> QueryAnswer {
        guard words.first?.first == UInt8(ascii: "/") else { return .exited(notStarted) }
        let start = ChildStart(
            words, environment: ["PATH=/usr/bin:/bin"], in: directory, group: .own)
        guard let (output, end) = hear(start, [1], within: timeout > 0 ? timeout : Int(Int32.max / 1000))
        else { return .exited(notStarted) }
        return switch end {
        case nil: .timedOut
        case .exited(0): .said(output)
        case .exited(let status): .exited(status)
        case .killed(let signal): .killed(signal)
        case .unknown: .exited(notStarted)
        }
    }

    /// Runs a command by a shell for a virus scan, and waits for its end; nothing of our environment is its own.
    static func shell(_ command: ByteString, _ directory: ByteString, _ seconds: Int) -> ScannerCommandEnd {
        let start = ChildStart(["/bin/sh", "-c", command], environment: [], in: directory, group: .own)
        guard let (output, end) = hear(start, [1, 2], within: seconds) else {
            return .failed("the shell cannot be started")
        }
        // What was said beyond that could be that something was found.
        guard output.count < mostOutput else { return .failed("it says more than \(mostOutput) octets") }
        return switch end {
        case nil: .failed(SocketReading.text(of: ETIMEDOUT))
        case .exited(let status): .ended(status: status << 8, output: output)
        case .killed(let signal): .ended(status: signal, output: output)
        case .unknown: .failed("its end is not known")
        }
    }

    private static func runToEnd(_ arguments: [ByteString], _ environment: [ByteString]) -> ProgramOutcome {
        let start = ChildStart(arguments, environment: environment, group: .own)
        guard arguments.first?.first == UInt8(ascii: "/"),
            let (output, end) = hear(start, [1, 2], within: timeout)
        else {
            return ProgramOutcome(output: "", status: notStarted)
        }
        let status =
            switch end {
            case .exited(let status): status
            case .killed(let signal): 256 + signal
            case nil: 256 + Int(SIGKILL)
            case .unknown: notStarted
            }
        return ProgramOutcome(output: output, status: status)
    }

    /// Starts a program and hears what it writes to the descriptors; nil when it could not be started.
    ///
    /// Its end is nil when the time was over first, and it and its group were killed.
    private static func hear(
        _ start: ChildStart, _ descriptors: [CInt], within seconds: Int
    ) -> (output: ByteString, end: ChildEnd?)? {
        do throws(ChildFailure) {
            let (reading, writing) = try ChildPipe.ends()
            defer { close(reading) }
            let child: pid_t
            do {
                defer { close(writing) }
                var start = start
                for number in descriptors { start.descriptors[number] = writing }
                child = try start.start()
            }
            let (output, isWhole) = readAll(reading, within: seconds)
            if !isWhole { kill(-child, SIGKILL) }
            let end = ChildEnd.wait(for: child)
            return (output, isWhole ? end : nil)
        } catch {
            // Callers have a status of their own for what could not be started.
            return nil
        }
    }

    /// All output until every writer has closed; false when the time was over first.
    private static func readAll(
        _ descriptor: CInt, within seconds: Int
    ) -> (ByteString, isWhole: Bool) {
        let end = ContinuousClock.now + .seconds(seconds)
        var output = ByteString()
        var block = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let left = (end - .now).components.seconds
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = unsafe poll(&waiting, 1, CInt(clamping: max(left, 0) * 1000 + 1))
            if ready < 0, errno == EINTR { continue }
            guard ready > 0, left >= 0 else { return (output, false) }
            let count = unsafe read(descriptor, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return (output, true) }
            output += block[..<min(count, max(mostOutput - output.count, 0))]
        }
    }
}
