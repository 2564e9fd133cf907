import Bytes
import ChildPrograms
import Glibc

/// A command that runs as a child in a process group of its own, with pipes at its standard input and output.
///
/// Its error output goes where its output goes. What is still running when the value ends is killed.
struct ChildCommand: ~Copyable {
    private let number: pid_t
    private var end: ChildEnd?

    /// Starts a command; the first word is its file.
    ///
    /// - Parameters:
    ///   - words: the file and its arguments.
    ///   - environment: `NAME=value` each.
    ///   - directory: where it works.
    ///   - input: the descriptor that becomes its standard input.
    ///   - output: the descriptor that becomes its standard output and error output.
    init(
        _ words: [ByteString], environment: [ByteString] = [], in directory: ByteString, input: CInt,
        output: CInt
    ) throws(SystemFailure) {
        let start = ChildStart(
            words, environment: environment, descriptors: [0: input, 1: output, 2: output], in: directory,
            group: .own)
        do throws(ChildFailure) { number = try start.start() } catch {
            throw SystemFailure(number: error.number)
        }
    }

    /// Ends it, and what it has started in its group.
    func kill() { Glibc.kill(-number, SIGKILL) }

    deinit {
        guard end == nil else { return }
        kill()
        ChildEnd.wait(for: number)
    }

    /// Waits until it has ended or the moment is there; nil when it still runs.
    mutating func wait(until moment: Int64) -> ChildEnd? {
        while end == nil {
            end = ChildEnd.ofChild(number)
            if end == nil {
                if System.moment().seconds >= moment { return nil }
                System.pause(seconds: 0.01)
            }
        }
        return end
    }
}
