import Bytes
import MailSystem
import Spooler
import Subprocess
import SystemPackage
import Transports

/// What became of a report that was submitted.
enum SubmissionOutcome: Sendable {
    /// It is in the spool.
    case accepted(MessageID?)
    /// It is not; why.
    case refused(ByteString)
}

/// Submits a report about a message: starts `bobbin-receiver submit` and writes the report to it.
struct Submission: Sendable {
    let runner: RunnerSystem
    let about: MessageID

    /// Writes head, body and tail; the body with LF line ends.
    func submit(head: ByteString, body: MessageBody?, tail: ByteString) async -> SubmissionOutcome {
        guard let receiver = Sibling.path(of: "bobbin-receiver") else {
            return .refused("bobbin-receiver is not beside this program")
        }
        let (program, arguments) = command(receiver)
        do {
            let result = try await Subprocess.run(
                .path(FilePath(program)), arguments: Arguments(arguments),
                input: .inputWriter, output: .string(limit: 4096), error: .string(limit: 4096)
            ) { execution in
                let writer = execution.standardInputWriter
                _ = try await writer.write(head.bytes)
                if let body { try await Self.write(body, writer) }
                _ = try await writer.write(tail.bytes)
                try await writer.finish()
            }
            guard result.terminationStatus.isSuccess else {
                return .refused(
                    "\(String(describing: result.terminationStatus)) \(result.standardError)")
            }
            let said = ByteString(result.standardOutput).trimmed()
            return .accepted(MessageID(said))
        } catch {
            return .refused(ByteString(String(describing: error)))
        }
    }

    /// The command; where we are root it runs as the mail user.
    ///
    /// That is done by `bobbin-deliver-local`, not by Subprocess's user option: that one calls setgroups in a child
    /// made by a bare clone, where glibc waits for threads that are not there.
    private func command(_ receiver: ByteString) -> (program: String, arguments: [String]) {
        var arguments =
            ["submit"] + runner.source.arguments + [
                "--dsn-for", about.bytes.string, "-t", "-i", "-f", "<>", "--queue-only", "--print-id",
            ]
        if let sender = runner.settings.bounceAuthentication { arguments += ["-oMas", sender.string] }
        guard MailUser.isRoot, let owner = runner.system.settings.owner, owner.uid != 0,
            let changer = runner.transportEnvironment.deliverLocalProgram
        else { return (receiver.string, arguments) }
        return (changer.string, ["--user", "\(owner.uid):\(owner.gid)", "--", receiver.string] + arguments)
    }

    private static func write(_ body: MessageBody, _ writer: StandardInputWriter) async throws {
        var block = [UInt8](repeating: 0, count: 1 << 16)
        var offset = 0
        while offset < body.size {
            let count = try body.read(at: offset, into: &block)
            offset += count
            var octets = Array(block[..<count])
            if body.isWireFormat { octets.removeAll { $0 == .carriageReturn } }
            _ = try await writer.write(octets)
        }
    }
}
