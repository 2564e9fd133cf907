import Bytes
import Glibc
import SMTP
import Synchronization

/// The commands of a session that `bobbin check-host` holds.
struct SessionScript {
    let commands: [ByteString]
    let showsSteps: Bool

    init(helo: String, sender: String, recipients: [String], showsSteps: Bool) {
        let envelope =
            recipients.isEmpty ? [] : ["MAIL FROM:<\(sender)>"] + recipients.map { "RCPT TO:<\($0)>" }
        commands = (["EHLO \(helo)"] + envelope + ["QUIT"]).map { ByteString($0) }
        self.showsSteps = showsSteps
    }
}

/// Says what a session came to: each command with its reply, and the statement of an ACL that decided.
final class SessionReport: Sendable {
    private struct State {
        var steps: [ByteString] = []
        var refusals = 0
    }

    private let showsSteps: Bool
    private let state = Mutex(State())

    init(showsSteps: Bool) { self.showsSteps = showsSteps }

    /// A step of an ACL.
    func note(_ step: ByteString) { state.withLock { $0.steps.append(step) } }

    /// A command and its reply, with what ACLs did between.
    func tell(_ command: ByteString, _ reply: ByteString) {
        let steps = state.withLock { state in
            defer { state.steps = [] }
            if reply.first.map({ $0 >= UInt8(ascii: "4") }) ?? false { state.refusals += 1 }
            return state.steps
        }
        var text: ByteString = "\(command)\n"
        for step in showsSteps ? steps : Self.decisive(steps) { text += "    \(step)\n" as ByteString }
        for line in reply.split(separator: .newline) {
            text += "  \(ByteString(line.trimmedEnd()))\n" as ByteString
        }
        unsafe text.bytes.withUnsafeBytes { _ = unsafe write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    }

    /// Whether nothing was refused.
    func finish() -> Bool { state.withLock { $0.refusals == 0 } }

    /// Of each ACL that ran to a verdict: its name, the statement that decided, and what that looked at.
    private static func decisive(_ steps: [ByteString]) -> [ByteString] {
        var result: [ByteString] = []
        var statement: [ByteString] = []
        for step in steps where step.first != .blank {
            if step.starts(with: ByteString("using ACL")) {
                result += statement
                statement = []
                result.append(step)
            } else if step.starts(with: ByteString("processing ")) {
                statement = ["decided by \(ByteString(step.dropFirst("processing ".utf8.count)))"]
            } else {
                statement.append(step)
            }
        }
        return result + statement
    }
}

/// A client that says what is in a script, one command at a time.
final class ScriptWire: Wire {
    private var commands: ArraySlice<ByteString>
    private let report: SessionReport
    private var said: ByteString = "(connection)"
    private var heard = ByteString()

    init(_ script: SessionScript, _ report: SessionReport) {
        commands = script.commands[...]
        self.report = report
    }

    func read() async -> WireInput {
        settle()
        guard let next = commands.popFirst() else { return .ended }
        said = next
        return .octets((next + ByteString("\r\n")).bytes[...])
    }

    func write(_ octets: ByteString) async -> Bool {
        heard += octets
        return true
    }

    func ahead() async -> ArraySlice<UInt8>? { nil }

    func setTimeout(seconds: Int64?) async {}

    /// The reply to the last command is whole: it is told.
    func settle() {
        guard !heard.isEmpty else { return }
        report.tell(said, heard)
        heard = ByteString()
    }
}
