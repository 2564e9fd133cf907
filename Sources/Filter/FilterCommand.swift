package import Bytes

/// A command of a filter, as it was read (filter manual, section 3.9).
package indirect enum FilterCommand: Sendable, Hashable {
    /// `add`: a number, and the variable that it is added to.
    case add(FilterWord, to: FilterWord)
    /// `deliver`, perhaps with `errors_to`.
    case deliver(FilterWord, errorsTo: FilterWord?, FilterMarks)
    /// `save`, perhaps with a mode.
    case save(FilterWord, mode: UInt32?, FilterMarks)
    /// `pipe`.
    case pipe(FilterWord, FilterMarks)
    /// `mail` and `vacation`.
    case mail(MailCommand, FilterMarks)
    /// `finish`.
    case finish(FilterMarks)
    /// `logfile`, perhaps with a mode.
    case logfile(FilterWord, mode: UInt32?, FilterMarks)
    /// `logwrite`.
    case logwrite(FilterWord, FilterMarks)
    /// `testprint`.
    case testprint(FilterWord, FilterMarks)
    /// `headers add`, `headers remove`, `headers charset`.
    case headers(HeadersCommand, FilterWord)
    /// `fail`, `freeze`, `defer`.
    case stop(StopCommand, text: FilterWord)
    /// `if`, with each `elif`; what stands behind `else` has no condition.
    case choose([FilterBranch])
}

/// A part of an `if` command.
package struct FilterBranch: Sendable, Hashable {
    /// When it is obeyed; nil is always.
    package var condition: FilterCondition?
    /// What is obeyed.
    package var commands: [FilterCommand]
}

/// A value in a filter: it is expanded when it is used.
package struct FilterWord: Sendable, Hashable {
    /// The text, without quotes, its escapes undone.
    package var text: ByteString
    /// Whether it stood in quotes.
    package var isQuoted = false

    /// Makes a word.
    package init(_ text: ByteString, isQuoted: Bool = false) {
        self.text = text
        self.isQuoted = isQuoted
    }
}

/// What may stand before a command.
package struct FilterMarks: Sendable, Hashable {
    /// `seen` or `unseen`; nil when neither is there.
    package var isSeen: Bool?
    /// `noerror`.
    package var ignoresErrors = false

    /// Nothing.
    package init() {}
}

/// What a `headers` command does.
package enum HeadersCommand: String, Sendable, Hashable {
    /// Adds lines.
    case add
    /// Removes lines by their names.
    case remove
    /// Sets the character set that header variables are given in.
    case charset
}

/// A command that ends the filter and says what becomes of the message.
package enum StopCommand: String, Sendable, Hashable {
    /// It fails.
    case fail
    /// It is frozen.
    case freeze
    /// It waits.
    case `defer`
}

/// The arguments of `mail` and `vacation`.
package struct MailCommand: Sendable, Hashable {
    /// The names of arguments, in the order in which a test shows them.
    package enum Argument: String, Sendable, Hashable, CaseIterable {
        case to, cc, bcc, from
        case replyTo = "reply_to"
        case subject
        case extraHeaders = "extra_headers"
        case text, file, log, once
        case onceRepeat = "once_repeat"
    }

    /// Whether it is `vacation`.
    package var isVacation: Bool
    /// The values.
    package var values: [Argument: FilterWord] = [:]
    /// `expand` before `file`.
    package var expandsFile = false
    /// `return message`.
    package var returnsMessage = false

    /// A command without arguments, with the defaults of its kind.
    package init(isVacation: Bool) {
        self.isVacation = isVacation
        guard isVacation else { return }
        values = [
            .subject: FilterWord("On vacation"), .file: FilterWord(".vacation.msg"),
            .log: FilterWord(".vacation.log"), .once: FilterWord(".vacation"), .onceRepeat: FilterWord("7d"),
        ]
        expandsFile = true
    }
}
