import Bytes
import Expansion
import MailText

extension FilterRun {
    /// `mail` and `vacation`: an answer that is no significant delivery by itself.
    mutating func mail(_ command: MailCommand, _ marks: FilterMarks) async throws(FilterError) {
        let place: ByteString = command.isVacation ? "vacation command" : "mail command"
        var values: [MailCommand.Argument: TaintedBytes] = [:]
        for argument in MailCommand.Argument.allCases {
            guard let word = command.values[argument] else { continue }
            let value = try await expand(word.text, place)
            if argument.isHeader { try checkHeader(value.bytes, place) }
            values[argument] = value
        }
        if isTest { show(command, values, marks) }
        if marks.isSeen == true { outcome.isSignificant = true }
        // A bounce is never answered.
        guard !isTest, facts.message.sender?.isEmpty != true else { return }
        note(.reply(try await reply(command, values)), marks, isSignificant: false)
    }

    private func checkHeader(_ value: ByteString, _ place: ByteString) throws(FilterError) {
        for (index, octet) in value.enumerated() where octet == .newline {
            let next = index + 1 < value.count ? value[index + 1] : 0
            guard next == .blank || next == 0x09 else {
                throw FilterError(
                    "\\n not followed by space in \"\(shown(value))\" in \(place)")
            }
        }
    }

    private func reply(
        _ command: MailCommand, _ values: [MailCommand.Argument: TaintedBytes]
    ) async throws(FilterError) -> ReplyMessage {
        var reply = ReplyMessage()
        reply.to = values[.to]?.bytes
        if reply.to == nil { reply.to = try await expand("$reply_address", "mail command").bytes }
        (reply.cc, reply.bcc, reply.from) = (values[.cc]?.bytes, values[.bcc]?.bytes, values[.from]?.bytes)
        (reply.replyTo, reply.subject) = (values[.replyTo]?.bytes, values[.subject]?.bytes)
        (reply.headers, reply.text) = (values[.extraHeaders]?.bytes, values[.text]?.bytes)
        (reply.file, reply.log, reply.once) = (values[.file], values[.log], values[.once])
        (reply.expandsFile, reply.returnsMessage) = (command.expandsFile, command.returnsMessage)
        if let interval = values[.onceRepeat]?.bytes {
            guard let seconds = EximTime.seconds(interval.trimmed()) else {
                throw FilterError(
                    "Bad time value for \"once_repeat\" in mail or vacation command: \(interval)")
            }
            reply.onceRepeat = seconds
        }
        return reply
    }

    private func show(
        _ command: MailCommand, _ values: [MailCommand.Argument: TaintedBytes], _ marks: FilterMarks
    ) {
        let to = values[.to].map { shown($0.bytes) } ?? "<default>"
        let verb: ByteString = marks.isSeen == true ? "Seen mail to" : "Mail to"
        report(
            "\(verb): \(to)\(command.isVacation ? " (vacation)" : "" as ByteString)\(marks.ignoresErrors ? " (noerror)" : "" as ByteString)"
        )
        for argument in MailCommand.Argument.allCases where argument != .to {
            guard let value = values[argument]?.bytes else { continue }
            let rest: ByteString = argument == .file && command.expandsFile ? " (expanded)" : ""
            report("\(argument.label): \(shown(value))\(rest)")
        }
        if command.returnsMessage { report("Return original message") }
    }
}

extension MailCommand.Argument {
    /// Whether it is the contents of a header line.
    fileprivate var isHeader: Bool { [.to, .cc, .bcc, .from, .replyTo, .subject].contains(self) }

    /// The name as a test shows it, filled up from the left.
    fileprivate var label: ByteString {
        let name = ByteString(rawValue)
        return name.count < 7 ? ByteString(repeating: .blank, count: 7 - name.count) + name : name
    }
}
