package import Bytes
import Glibc
import Synchronization

/// Appends lines to the main, reject and panic logs; may be used from many tasks at once.
///
/// A line that cannot go where it should goes to the panic log together with the reason, and if that cannot
/// be written either, to standard error.
package final class EximLogWriter: Sendable {
    /// Who shall own the files; set by root only.
    package struct Owner: Sendable, Hashable {
        /// The user id.
        package var user: UInt32
        /// The group id.
        package var group: UInt32

        /// Makes an owner.
        package init(user: UInt32, group: UInt32) {
            self.user = user
            self.group = group
        }
    }

    /// How lines are written.
    package struct Options: Sendable, Hashable {
        /// Where.
        package var path: LogPath
        /// What is logged.
        package var selector: LogSelector
        /// How the time is written; its milliseconds follow the selector.
        package var timestamp: LogTimestamp
        /// Whose files.
        package var owner: Owner?
        /// Whether each line goes to standard error too.
        package var alsoToStandardError = false
        /// Whether lines go to standard error and nowhere else, each behind `LOG: ` (`-bh`).
        package var showsOnly = false
        /// `write_rejectlog`.
        package var writesRejectLog = true
        /// How lines go to syslog; used when the path says so.
        package var syslog = SyslogOptions()

        /// Makes options.
        package init(
            path: LogPath, selector: LogSelector = .defaults, timestamp: LogTimestamp = LogTimestamp()
        ) {
            self.path = path
            self.selector = selector
            self.timestamp = timestamp
            self.timestamp.showsMilliseconds = selector.has(.millisec)
        }
    }

    /// A line to write: the text after the id, and where it goes.
    package struct Line: Sendable, Hashable {
        /// The message's id; nil for a line that concerns none.
        package var id: ByteString?
        /// The text after the id; never empty.
        package var text: ByteString
        /// Which logs.
        package var logs: [LogKind]
        /// Lines that follow in the reject log only, each with its newline: see `RejectedHeader`.
        package var rejectTail: ByteString

        /// Makes a line; for the main log unless said otherwise.
        package init(
            _ text: ByteString, id: ByteString? = nil, logs: [LogKind] = [.main], rejectTail: ByteString = ""
        ) {
            self.text = text
            self.id = id
            self.logs = logs
            self.rejectTail = rejectTail
        }
    }

    /// How lines are written.
    package let options: Options
    private let files = Mutex(LogFiles())
    private let syslog = Mutex(SyslogSocket())
    private let clock: @Sendable () -> LogMoment

    /// Makes a writer; files are opened when first needed.
    ///
    /// The clock is the system's unless given.
    package init(options: Options, clock: @escaping @Sendable () -> LogMoment = { LogMoment.now() }) {
        self.options = options
        self.clock = clock
    }

    /// What is logged.
    package var selector: LogSelector { options.selector }

    /// Writes a line.
    package func write(_ line: Line) { write([line]) }

    /// Writes a line to the main log.
    package func main(_ text: ByteString, id: ByteString? = nil) { write(Line(text, id: id)) }

    /// Writes a line to the main and reject logs.
    package func reject(_ text: ByteString, id: ByteString? = nil, header: RejectedHeader? = nil) {
        let tail = options.selector.has(.rejectedHeader) ? header?.lines ?? "" : ""
        write(Line(text, id: id, logs: [.main, .reject], rejectTail: tail))
    }

    /// Writes a line to the main and panic logs, and to standard error.
    package func panic(_ text: ByteString, id: ByteString? = nil) {
        write(Line(text, id: id, logs: [.main, .panic]))
    }

    /// Writes lines, with one system call a log.
    package func write(_ lines: [Line]) {
        if options.showsOnly {
            return lines.filter { !$0.logs.isEmpty }.forEach {
                StandardError.write(Self.rendered($0, "LOG: ") + $0.rejectTail)
            }
        }
        let moment = clock()
        let prefix = stamp(at: moment)
        files.withLock { files in
            for kind in LogKind.allCases {
                let text = text(of: lines, for: kind, prefix: prefix)
                if !text.isEmpty { deliver(text, to: kind, in: &files, at: moment) }
            }
        }
        if options.path.usesSyslog { lines.forEach { sendToSyslog($0, at: moment) } }
        if options.alsoToStandardError { lines.forEach { StandardError.write(Self.rendered($0, prefix)) } }
    }

    /// The stamp that stands before a line now, with pid when that is selected; for message logs.
    package func currentStamp() -> ByteString { options.timestamp.text(of: clock()) }

    private func stamp(at moment: LogMoment) -> ByteString {
        let time = options.timestamp.text(of: moment)
        return options.selector.has(.pid) ? "\(time) [\(getpid())] " : "\(time) "
    }

    /// Sends a line to syslog, for each log that it goes to or for the more important one only; what cannot be sent and
    /// stands nowhere else goes to standard error.
    private func sendToSyslog(_ line: Line, at moment: LogMoment) {
        let settings = options.syslog
        var prefix: ByteString = settings.showsTimestamp ? "\(options.timestamp.text(of: moment)) " : ""
        if options.selector.has(.pid), settings.showsPID { prefix += "[\(getpid())] " as ByteString }
        var kinds = LogKind.allCases.filter { kind in
            line.logs.contains(kind) && (kind != .reject || options.writesRejectLog)
        }
        if !settings.duplicates, kinds.count > 1 { kinds.removeAll { $0 == .main } }
        for kind in kinds {
            let entry = Self.rendered(line, prefix) + (kind == .reject ? line.rejectTail : "")
            let isSent = syslog.withLock { $0.send(entry, as: kind, settings, at: moment) }
            if !isSent, options.path.template == nil { StandardError.write(entry) }
        }
    }

    private func text(of lines: [Line], for kind: LogKind, prefix: ByteString) -> ByteString {
        if kind == .reject, !options.writesRejectLog { return "" }
        var text = ByteString()
        for line in lines where line.logs.contains(kind) {
            text += Self.rendered(line, prefix)
            if kind == .reject { text += line.rejectTail }
        }
        return text
    }

    private static func rendered(_ line: Line, _ prefix: ByteString) -> ByteString {
        guard let id = line.id else { return "\(prefix)\(line.text)\n" }
        return "\(prefix)\(id) \(line.text)\n"
    }

    private func deliver(_ text: ByteString, to kind: LogKind, in files: inout LogFiles, at moment: LogMoment)
    {
        let stampOfDay = options.timestamp.datestamp(of: moment)
        do {
            try append(text, to: kind, in: &files, day: stampOfDay, seconds: moment.seconds)
            if kind == .panic { StandardError.write(text) }
        } catch {
            let notice = stamp(at: moment) + error.notice
            guard kind != .panic else { return StandardError.write(notice + text) }
            deliver(notice + text, to: .panic, in: &files, at: moment)
        }
    }

    private func append(
        _ text: ByteString, to kind: LogKind, in files: inout LogFiles, day: ByteString, seconds: Int
    ) throws(EximLogError) {
        guard let path = files.path(of: kind, on: day, by: options.path) else { return }
        switch kind {
        case .main: try files.main.append(text, to: path, owner: options.owner, now: seconds)
        case .reject: try files.reject.append(text, to: path, owner: options.owner, now: seconds)
        case .panic: try files.panic.append(text, to: path, owner: options.owner, now: seconds)
        }
    }
}

private struct LogFiles: ~Copyable {
    var main = LogFile()
    var reject = LogFile()
    var panic = LogFile()
    // The names of the day.
    private var day: ByteString?
    private var paths: [LogKind: ByteString] = [:]

    mutating func path(of kind: LogKind, on day: ByteString, by paths: LogPath) -> ByteString? {
        if day != self.day {
            self.day = day
            self.paths = [:]
            for kind in LogKind.allCases { self.paths[kind] = paths.file(of: kind, datestamp: day) }
        }
        return self.paths[kind]
    }
}

extension EximLogError {
    // What the panic log says before the line that could not be written.
    fileprivate var notice: ByteString {
        switch self {
        case .system(let operation, let path, let errno):
            "Cannot \(operation) log file \(path): \(SystemErrorText.of(Int(errno))); the line follows\n"
        }
    }
}
