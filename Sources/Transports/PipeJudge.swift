import Bytes
import Glibc
import Routing

/// What the ending of a command means for the addresses (manual, section 29.2).
struct PipeJudge {
    /// What the sender is told of a failure; the rest is for the log.
    static let userText: ByteString = "local delivery failed"
    /// The status of a command that could not be started, as shells have it.
    private static let notStarted: Int32 = 127

    let settings: PipeSettings
    let scene: DeliveryScene
    /// The command as it is written.
    let command: ByteString

    private var name: ByteString { scene.transport.name }

    /// The verdict, and a line for the log.
    func judge(_ ending: PipeEnding) -> (TransportVerdict, [TransportLogLine]) {
        var verdict = verdict(ending)
        let lines = isLogged(verdict) ? line(ending.output) : []
        guard !ending.output.isEmpty, !scene.message.sender.isEmpty else { return (verdict, lines) }
        if settings.returnsOutput, verdict.isDelivered {
            verdict = .failed(TransportTrouble("return message generated", errno: 0))
        }
        if case .failed(var trouble) = verdict, settings.returnsOutput || settings.returnsFailOutput {
            trouble.output = ending.output
            verdict = .failed(trouble)
        }
        return (verdict, lines)
    }

    private func verdict(_ ending: PipeEnding) -> TransportVerdict {
        switch ending.kind {
        case .notFound:
            let word = CommandWords.split(command).first ?? ""
            return .failed(
                TransportTrouble("\"\(word)\" command not found for \(name) transport", errno: 0))
        case .timedOut:
            let text: ByteString = "pipe delivery process timed out"
            return settings.timeoutDefers ? .deferred(TransportTrouble(text, errno: 0)) : failed(text)
        case .notStarted where settings.freezesOnExecFailure:
            return frozen("pipe process failed to exec \"\(ending.file)\"")
        case .notStarted: return verdict(status: Self.notStarted, ending.file)
        case .exited: return verdict(status: ending.number, ending.file)
        case .killed: return verdict(signal: ending.number)
        }
    }

    private func verdict(signal: Int32) -> TransportVerdict {
        let text: ByteString =
            "Child process of \(name) transport (running command \"\(command)\") was terminated by signal \(signal) (\(Self.signalName(signal)))"
        if settings.freezesOnSignal { return frozen(text) }
        return settings.ignoresStatus ? .delivered(confirmation: nil) : failed(text)
    }

    private func verdict(status: Int32, _ file: ByteString) -> TransportVerdict {
        guard status != 0, !settings.ignoresStatus else { return .delivered(confirmation: nil) }
        let meaning = Self.meaning(status).map { " (could mean \($0))" as ByteString } ?? ""
        let text: ByteString =
            "Child process of \(name) transport returned \(status)\(meaning) from command: \(file)"
        let isTemporary = settings.temporaryErrors?.contains(Int(status)) ?? true
        guard isTemporary, !settings.returnsOutput else { return failed(text) }
        return .deferred(TransportTrouble(text, errno: 0))
    }

    private func failed(_ text: ByteString) -> TransportVerdict {
        .failed(TransportTrouble(text, errno: 0, userText: Self.userText))
    }

    private func frozen(_ text: ByteString) -> TransportVerdict {
        var trouble = TransportTrouble(text, errno: 0)
        trouble.freezes = true
        return .deferred(trouble)
    }

    // MARK: The output's first line

    private func isLogged(_ verdict: TransportVerdict) -> Bool {
        switch verdict {
        case .delivered: settings.logsOutput
        case .deferred: settings.logsOutput || settings.logsDeferOutput
        case .failed: settings.logsOutput || settings.logsFailOutput
        }
    }

    private func line(_ output: ByteString) -> [TransportLogLine] {
        guard !output.isEmpty, let address = scene.items.first?.address.address else { return [] }
        let first = output.prefix { $0 != .newline }.trimmedEnd()
        return [TransportLogLine("<\(address)>: \(name) transport output: \(ByteString(first))")]
    }

    // MARK: Words for statuses

    /// What a status of sysexits or of a shell says.
    private static func meaning(_ status: Int32) -> ByteString? {
        if status == notStarted { return "unable to exec or command does not exist" }
        if status > 128 {
            return "shell command ended by signal \(status - 128) (\(signalName(status - 128)))"
        }
        return sysexits[status]
    }

    private static func signalName(_ signal: Int32) -> ByteString {
        guard let name = unsafe strsignal(signal) else { return "signal \(signal)" }
        return unsafe ByteString(String(cString: name))
    }

    private static let sysexits: [Int32: ByteString] = [
        64: "usage or syntax error", 65: "error in input data", 66: "input data missing",
        67: "user nonexistent", 68: "host nonexistent", 69: "service or program unavailable",
        70: "internal software error", 71: "internal operating system error", 72: "system file missing",
        73: "can't create output file", 74: "input/output error", 75: "temporary error",
        76: "protocol error", 77: "permission denied", 78: "configuration error",
    ]
}
