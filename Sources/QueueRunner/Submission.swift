import Bytes
import ChildPrograms
import MailSystem
import Spooler
import Subprocess
import SystemPackage
import Transports

/// What became of a report that was submitted.
enum SubmissionOutcome: Sendable {
    /// It is in the spool.
    case accepted(MessageID?)
    /// It is not; why, and the exit status where there is one.
    case refused(ByteString, status: Int? = nil)
}

/// Submits a message about a message: starts `bobbin-receiver submit` and writes it to that.
struct Submission: Sendable {
    /// What is submitted.
    enum Kind: Sendable {
        /// A report of ours.
        case report
        /// What a transport has made, in a user's name.
        case reply(ident: ByteString?)
    }

    /// Exim's exit status for a message that names nobody.
    static let noRecipients = 2

    let runner: RunnerSystem
    let about: MessageID
    var kind = Kind.report
    /// How many octets of the body are written.
    var bodyLimit = Int.max

    /// Writes head, body and tail; the body with LF line ends.
    func submit(head: ByteString, body: MessageBody?, tail: ByteString) async -> SubmissionOutcome {
        guard let receiver = SiblingProgram.path(of: "bobbin-receiver") else {
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
                if let body { try await write(body, writer) }
                _ = try await writer.write(tail.bytes)
                try await writer.finish()
            }
            guard result.terminationStatus.isSuccess else {
                return .refused(
                    "\(String(describing: result.terminationStatus)) \(result.standardError)",
                    status: Self.number(result.terminationStatus))
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
        switch kind {
        case .report:
            if let sender = runner.settings.bounceAuthentication { arguments += ["-oMas", sender.string] }
        case .reply(let ident):
            arguments += ["--mistakes", "mail"]
            if let ident { arguments += ["-oMt", ident.string] }
        }
        guard MailUser.isRoot, let owner = runner.system.settings.owner, owner.uid != 0,
            let changer = runner.transportEnvironment.deliverLocalProgram
        else { return (receiver.string, arguments) }
        return (changer.string, ["--user", "\(owner.uid):\(owner.gid)", "--", receiver.string] + arguments)
    }

    private static func number(_ status: TerminationStatus) -> Int {
        switch status {
        case .exited(let code): Int(code)
        case .signaled(let signal): 128 + Int(signal)
        }
    }

    private func write(_ body: MessageBody, _ writer: StandardInputWriter) async throws {
        var block = [UInt8](repeating: 0, count: 1 << 16)
        var offset = 0
        while offset < min(body.size, bodyLimit) {
            let count = min(try body.read(at: offset, into: &block), bodyLimit - offset)
            offset += count
            var octets = Array(block[..<count])
            if body.isWireFormat { octets.removeAll { $0 == .carriageReturn } }
            _ = try await writer.write(octets)
        }
    }
}
