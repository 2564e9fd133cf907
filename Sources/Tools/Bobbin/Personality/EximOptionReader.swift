import Bytes
import Configuration
import Spooler

/// Reads words of a command line by the table of options.
struct EximOptionReader {
    private var rest: ArraySlice<ByteString>
    private var request = EximRequest()

    /// Reads all words.
    static func read(_ words: [ByteString]) throws(EximUsageError) -> EximRequest {
        var reader = EximOptionReader(rest: words[...])
        return try reader.read()
    }

    private init(rest: ArraySlice<ByteString>) { self.rest = rest }

    private mutating func read() throws(EximUsageError) -> EximRequest {
        while let word = rest.first {
            // A single hyphen is an argument, as every word without one is.
            guard word.first == UInt8(ascii: "-"), word.count > 1 else { break }
            rest = rest.dropFirst()
            if word == "--" { break }
            guard let option = EximOptions.option(for: word) else { throw .unknown(word) }
            try option.take(&request, try values(of: option, in: word))
        }
        request.arguments = Array(rest)
        try takeRunLimits()
        try CombinationRules.check(request)
        return request
    }

    private mutating func values(
        of option: EximOption, in word: ByteString
    ) throws(EximUsageError) -> [ByteString] {
        let joined = ByteString(word.dropFirst(option.spelling.count))
        switch option.value {
        case .none: return []
        case .joined: return [joined]
        case .joinedOrNext where !joined.isEmpty, .joinedOrLast where !joined.isEmpty: return [joined]
        case .joinedOrNext:
            guard let next = rest.popFirst() else { throw .unknown(word) }
            return [next]
        case .next, .joinedOrLast: return rest.popFirst().map { [$0] } ?? []
        case .rest:
            defer { rest = [] }
            return Array(rest)
        }
    }

    /// After -q one or two ids may follow: the first and last to regard.
    private mutating func takeRunLimits() throws(EximUsageError) {
        guard request.deeds == [.runQueue], request.messageCommand == nil, !request.arguments.isEmpty,
            request.run.recipient == nil, request.run.sender == nil, request.run.interval == nil
        else { return }
        if let word = request.arguments.prefix(2).first(where: { MessageID($0) == nil }) {
            throw EximUsageError("exim: bad time value \(word): abandoned")
        }
        guard request.arguments.count <= 2 else { return }
        request.run.start = request.arguments.first
        request.run.stop = request.arguments.dropFirst().first
        request.arguments = []
    }
}

/// The word `-q...` (facts/delivery.md 1.1).
enum QueueRunWord {
    /// Takes the letters after `-q`.
    static func take(_ letters: ByteString, into request: inout EximRequest) throws(EximUsageError) {
        var rest = letters[...]
        func drop(_ text: ByteString) -> Bool {
            guard rest.starts(with: text) else { return false }
            rest = rest.dropFirst(text.count)
            return true
        }
        guard !request.hasRunWord else { throw EximUsageError("exim: -q specified more than once") }
        request.hasRunWord = true
        request.deeds.insert(.runQueue)
        if drop("q") { request.run.isTwoStage = true }
        if drop("i") { request.run.onlyFirstTime = true }
        if drop("f") { request.run.isForced = true }
        if request.run.isForced, drop("f") { request.run.thawsFrozen = true }
        if drop("l") { request.run.onlyLocal = true }
        if drop("G") {
            request.queue = ByteString(rest.prefix { $0 != UInt8(ascii: "/") })
            rest = rest.dropFirst(request.queue.count)
            if rest.first == UInt8(ascii: "/") { rest = rest.dropFirst() }
        }
        guard !rest.isEmpty else { return }
        guard EximInterval.parse(ByteString(rest)) != nil, QueueName.isValid(request.queue) else {
            throw EximUsageError("exim: bad time value -q\(letters): abandoned")
        }
        request.run.interval = ByteString(rest)
    }
}

/// The words after -M and its relatives.
enum MessageWords {
    /// The ids; there must be one, and each must be well formed.
    static func ids(_ option: ByteString, _ words: ArraySlice<ByteString>) throws(EximUsageError)
        -> [MessageID]
    {
        guard !words.isEmpty else {
            throw EximUsageError("exim: no message ids given after \(option) option")
        }
        var ids: [MessageID] = []
        for word in words {
            guard let id = MessageID(word) else {
                throw EximUsageError("exim: malformed message id \(word) after \(option) option")
            }
            ids.append(id)
        }
        return ids
    }
}

extension EximRequest {
    /// Asks for one of -M and its relatives.
    mutating func set(
        _ option: ByteString, _ kind: MessageCommand.Kind, _ words: ArraySlice<ByteString>
    ) throws(EximUsageError) {
        messageCommand = MessageCommand(kind: kind, ids: try MessageWords.ids(option, words))
    }
}

/// Options that do not go together (Exim says no more of it either).
enum CombinationRules {
    static func check(_ request: EximRequest) throws(EximUsageError) {
        let deeds = request.deeds
        let isDaemon = deeds.contains(.daemon) || request.run.interval != nil
        let withOthers: [EximRequest.Deed] = [
            .smtp, .batchedSMTP, .submit, .list, .expand, .testAddress, .verifyRecipient, .verifySender,
        ]
        let isRunWithMessages =
            request.messageCommand != nil
            && (isDaemon || request.run.recipient != nil || request.run.sender != nil)
        let loadedForNothing = request.loadedMessage != nil && !deeds.contains(.expand)
        let takesNoArguments =
            isDaemon || deeds == [.runQueue] || !deeds.isDisjoint(with: [.testFilter, .rebuildAliases])
        guard !isRunWithMessages, !(takesNoArguments && !request.arguments.isEmpty),
            !(isDaemon && !deeds.isDisjoint(with: withOthers)), !loadedForNothing, !excludeEachOther(request)
        else { throw EximUsageError("exim: incompatible command-line options or arguments") }
    }

    /// Whether two things are to be done of which only one can be.
    private static func excludeEachOther(_ request: EximRequest) -> Bool {
        let deeds = request.deeds
        let (sessions, tests): (Set<EximRequest.Deed>, Set<EximRequest.Deed>) = (
            [.smtp, .batchedSMTP], [.testAddress, .verifyRecipient, .verifySender]
        )
        func both(_ one: Set<EximRequest.Deed>, _ other: Set<EximRequest.Deed>) -> Bool {
            !deeds.isDisjoint(with: one) && !deeds.isDisjoint(with: other)
        }
        let selects = request.run.recipient != nil || request.run.sender != nil
        let others: Set<EximRequest.Deed> = [
            .expand, .printOptions, .list, .count, .submit, .rehearse, .testFilter, .rebuildAliases,
        ]
        let takesHeader = request.submission.takesRecipientsFromHeader
        return both(tests, sessions.union([.printOptions]))
            || both([.testAddress], [.verifyRecipient, .verifySender])
            || both(
                [.printOptions], sessions.union([.expand, .testRetry, .testRewriting, .rehearse]))
            || (takesHeader && !deeds.isDisjoint(with: sessions.union(tests).union([.printOptions])))
            || (selects && !deeds.isDisjoint(with: others.union(sessions).union(tests)))
    }
}
