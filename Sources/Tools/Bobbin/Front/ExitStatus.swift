import Bytes
import Configuration
import MailSystem

/// Exit codes, as sysexits.h has them; Exim's personality uses 0, 1 and 2 only.
enum ExitStatus: Int32, Sendable {
    /// All went well.
    case success = 0
    /// Something of what was asked could not be done.
    case failure = 1
    /// An address failed outright (Exim's -bt).
    case addressFailed = 2
    /// The command line is wrong.
    case usage = 64
    /// A file is not what it should be.
    case dataError = 65
    /// A file or message that was named does not exist.
    case noInput = 66
    /// Another program, or a service, is missing.
    case unavailable = 69
    /// The operating system refused.
    case osError = 71
    /// Reading or writing failed.
    case ioError = 74
    /// Not now; trying again later may help.
    case temporary = 75
    /// The caller may not do this.
    case noPermission = 77
    /// The configuration is wrong.
    case configuration = 78
}

/// Why a command ends early: what was expected, what to do, and the exit status.
struct ToolFailure: Error, Sendable, Hashable {
    /// The exit status.
    var status: ExitStatus
    /// One sentence or two for people, without a newline at the end.
    var message: ByteString

    /// What is wrong with the configuration, when that is it.
    var configuration: ConfigurationError?

    init(_ status: ExitStatus, _ message: ByteString) {
        self.status = status
        self.message = message
    }

    /// The configuration cannot be read.
    init(_ error: StartError) {
        self.init(.configuration, ByteString(error.description))
        configuration = error.configuration
    }
}
