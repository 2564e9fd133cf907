import Bytes
import Configuration
import Expansion

/// The options of the pipe transport (manual, section 29.5).
struct PipeSettings: Sendable {
    let command: ByteString?
    let forcesCommand: Bool
    let path: Template
    let environment: Template?
    let allowedCommands: Template?
    let restrictsToPath: Bool
    let usesShell: Bool
    let returnsOutput: Bool
    let returnsFailOutput: Bool
    let logsOutput: Bool
    let logsFailOutput: Bool
    let logsDeferOutput: Bool
    let maximumOutput: Int
    /// The statuses that defer; nil is all.
    let temporaryErrors: [Int]?
    let ignoresStatus: Bool
    let timeout: Int64
    let timeoutDefers: Bool
    let umask: UInt32
    let freezesOnExecFailure: Bool
    let freezesOnSignal: Bool
    let permitsCoredump: Bool
    let runsAsCreator: Bool
    let usesBSMTP: Bool
    let usesCRLF: Bool
    let checkString: ByteString?
    let escapeString: ByteString?
    let messagePrefix: Template?
    let messageSuffix: Template?
    let batchMax: Int
    let batchID: Template?

    init(_ block: OptionBlock) {
        command = block.template("command")?.source
        forcesCommand = block.flag("force_command") ?? false
        path = block.template("path") ?? "/bin:/usr/bin"
        environment = block.template("environment")
        allowedCommands = block.template("allow_commands")
        restrictsToPath = block.flag("restrict_to_path") ?? false
        usesShell = block.flag("use_shell") ?? false
        returnsOutput = block.flag("return_output") ?? false
        returnsFailOutput = block.flag("return_fail_output") ?? false
        logsOutput = block.flag("log_output") ?? false
        logsFailOutput = block.flag("log_fail_output") ?? false
        logsDeferOutput = block.flag("log_defer_output") ?? false
        maximumOutput = Int(clamping: block.number("max_output") ?? 20_480)
        temporaryErrors = Self.temporaryErrors(block.text("temp_errors"))
        ignoresStatus = block.flag("ignore_status") ?? false
        timeout = block.seconds("timeout") ?? 3600
        timeoutDefers = block.flag("timeout_defer") ?? false
        umask = UInt32(clamping: block.number("umask") ?? 0o022)
        freezesOnExecFailure = block.flag("freeze_exec_fail") ?? false
        freezesOnSignal = block.flag("freeze_signal") ?? false
        permitsCoredump = block.flag("permit_coredump") ?? false
        runsAsCreator = block.flag("pipe_as_creator") ?? false
        usesBSMTP = block.flag("use_bsmtp") ?? false
        usesCRLF = block.flag("use_crlf") ?? false
        checkString = block.text("check_string")
        escapeString = block.text("escape_string")
        messagePrefix = block.template("message_prefix")
        messageSuffix = block.template("message_suffix")
        batchMax = Int(clamping: block.number("batch_max") ?? 1)
        batchID = block.template("batch_id")
    }

    /// EX_TEMPFAIL and EX_CANTCREAT, unless the list says otherwise.
    private static func temporaryErrors(_ list: ByteString?) -> [Int]? {
        guard let list else { return [75, 73] }
        if list.trimmed() == ByteString("*").bytes[...] { return nil }
        return list.split { $0 == UInt8(ascii: ":") || $0.isASCIISpace }.compactMap {
            $0.decimalInteger().map { Int($0) }
        }
    }

    /// Options that exclude each other.
    func problem(of transport: ByteString) -> ByteString? {
        if usesShell, restrictsToPath {
            return "both restrict_to_path and use_shell set for \(transport) transport"
        }
        if usesShell, allowedCommands != nil {
            return "both allow_commands and use_shell set for \(transport) transport"
        }
        if returnsOutput, returnsFailOutput {
            return "both return_output and return_fail_output set for \(transport) transport"
        }
        if logsOutput, logsFailOutput {
            return "both log_output and log_fail_output set for the \(transport) transport"
        }
        return nil
    }

    func mentions(_ variable: ByteString) -> Bool {
        let templates = [path, environment, messagePrefix, messageSuffix]
        return MentionedVariables.contain(variable, in: templates.map { $0?.source } + [command])
    }
}
