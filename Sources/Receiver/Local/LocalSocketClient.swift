import ArgumentParser
import Bytes
import Glibc
import MailSystem

/// Hands a caller's mail to the receiver that runs, when he may not write to the spool himself.
///
/// The receiver gets the caller's standard input and output, and starts a process of its own for him; the kernel tells
/// it who he is. Here only the exit code is waited for.
struct LocalSocketClient {
    private let source: ConfigurationSource

    init(_ source: ConfigurationSource) { self.source = source }

    /// Hands it over where the spool cannot be written to.
    ///
    /// Then the exit code is thrown; it returns where the caller can do all himself.
    func passOn(_ form: LocalReception.Form, when isLacking: (ByteString) -> Bool) async throws {
        signal(SIGPIPE, SIG_IGN)
        guard geteuid() != 0 else { return }
        let places: MailSystem.SubmissionPlaces
        do {
            places = try await MailSystem.submissionPlaces(source)
        } catch {
            throw Exit.failure(ByteString(error.description), EX_CONFIG)
        }
        guard isLacking(places.spool) else { return }
        guard let path = places.socket else {
            throw Exit.failure(
                "only the mail user may write to \(places.spool), and submission_socket is empty: ordinary users cannot hand in mail here",
                EX_TEMPFAIL)
        }
        guard let socket = LocalSocket.connect(to: path) else {
            let why = unsafe String(cString: strerror(errno))
            throw Exit.failure(
                "the message was not taken: no receiver listens at \(path) (\(why)). Start one (bobbin receive), and let users through to that directory; then try again",
                EX_TEMPFAIL)
        }
        throw try talk(form, over: socket)
    }

    private func talk(_ form: LocalReception.Form, over socket: CInt) throws -> ExitCode {
        let words = CommandLine.arguments.drop { $0 != form.rawValue }
        var code: UInt8 = 0
        guard DescriptorPassing.send(words.map { ByteString($0) }, over: socket) else { return Self.lost }
        while true {
            let got = unsafe read(socket, &code, 1)
            if got < 0, errno == EINTR { continue }
            return got == 1 ? ExitCode(Int32(code)) : Self.lost
        }
    }

    private static var lost: ExitCode {
        Exit.failure("the receiver ended before it had taken the message: try again", EX_TEMPFAIL)
    }
}
