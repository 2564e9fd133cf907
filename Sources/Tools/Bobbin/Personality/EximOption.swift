import Bytes

/// Why the options cannot be obeyed, in Exim's words; it ends with status 1.
struct EximUsageError: Error, Sendable, Hashable {
    /// What goes to standard error, without its newline.
    let message: ByteString

    init(_ message: ByteString) { self.message = message }

    /// An option that is not known, or lacks something.
    static func unknown(_ option: ByteString) -> EximUsageError {
        EximUsageError("exim abandoned: unknown, malformed, or incomplete option \(option)")
    }

    /// An option that Exim has and that is not done here.
    static func unsupported(_ option: ByteString, _ advice: ByteString) -> EximUsageError {
        EximUsageError("exim: \(option) is not supported by Bobbin yet: \(advice)")
    }
}

/// One option of Exim: how it is spelled, what follows it, what it does.
struct EximOption: Sendable {
    /// What belongs to the option besides its spelling.
    enum Value: Sendable {
        /// Nothing.
        case none
        /// The rest of the word, which may be empty.
        case joined
        /// The rest of the word, or the next word when that is empty.
        case joinedOrNext
        /// The same, and nothing when there is no next word.
        case joinedOrLast
        /// The next word.
        case next
        /// All words that follow.
        case rest
    }

    /// The spelling with its hyphen.
    let spelling: ByteString
    /// What else belongs to it.
    let value: Value
    /// One line for doc/exim-personality.md and for people.
    let help: String
    /// Takes it into a request; gets the value, or for `.rest` the words.
    let take: @Sendable (inout EximRequest, [ByteString]) throws(EximUsageError) -> Void

    init(
        _ spelling: ByteString, _ value: Value = .none, _ help: String,
        _ take: @escaping @Sendable (inout EximRequest, [ByteString]) throws(EximUsageError) -> Void
    ) {
        self.spelling = spelling
        self.value = value
        self.help = help
        self.take = take
    }

    /// Whether a word is this option.
    func matches(_ word: ByteString) -> Bool {
        switch value {
        case .none, .next, .rest: word == spelling
        case .joined, .joinedOrNext, .joinedOrLast: word.starts(with: spelling)
        }
    }
}
