package import Bytes

// A MAIL transaction, from the envelope to the last reply (RFC 5321, section 3.3; RFC 2920, 3030, 2033).
extension ClientMachine {
    /// Starts a transaction on a ready session.
    ///
    /// Recipients beyond `max_rcpt`, or that the server puts back, come out `.pending`: begin again with
    /// them.
    package mutating func begin(_ transaction: Transaction) -> [ClientAction] {
        let transaction = transaction.converted(for: extensions)
        if transaction.needsSMTPUTF8, !extensions.smtpUTF8 { return refuseUTF8(transaction) }
        transactionCount += 1
        let usesPRDR = options.usesPRDR && extensions.prdr && transaction.recipients.count > 1
        let usesChunks = options.usesChunking && extensions.chunking
        exchange = Exchange(transaction, usesChunks: usesChunks, usesPRDR: usesPRDR)
        if needsReset { enqueue("RSET", .reset) }
        needsReset = true
        enqueue(mailLine(transaction, usesPRDR: usesPRDR), .mail)
        for (index, recipient) in transaction.recipients.prefix(recipientLimit).enumerated() {
            enqueue(recipientLine(recipient, isLastHop: transaction.isLastHop), .recipient(index))
        }
        // Without pipelining, DATA waits until a recipient is accepted.
        if isPipelining, !usesChunks { enqueue("DATA", .data) }
        return pump()
    }

    private mutating func refuseUTF8(_ transaction: Transaction) -> [ClientAction] {
        let trouble = ClientTrouble(
            scope: .message, isPermanent: true, errno: ClientErrno.utf8Address,
            text: "utf8 support required but not offered for forwarding")
        return [.finished(transaction.recipients.map { _ in .troubled(trouble) }, isOpen: true)]
    }

    private var recipientLimit: Int {
        let limits = [options.maximumRecipients, extensions.recipientMax ?? 0].filter { $0 > 0 }
        return limits.min() ?? Int.max
    }

    private func mailLine(_ transaction: Transaction, usesPRDR: Bool) -> ByteString {
        var line: ByteString = "MAIL FROM:<\(transaction.sender)>"
        if extensions.offersSize, options.sizeAddition >= 0 {
            line += " SIZE=\(transaction.size + transaction.lineCount + options.sizeAddition)" as ByteString
        }
        if usesPRDR { line += " PRDR" as ByteString }
        if transaction.needsSMTPUTF8 { line += " SMTPUTF8" as ByteString }
        if extensions.dsn, !transaction.isLastHop {
            if let returns = transaction.returns {
                line += " RET=\(returns == .headers ? "HDRS" : "FULL")" as ByteString
            }
            if let id = transaction.envelopeID { line += " ENVID=\(id)" as ByteString }
        }
        if let sender = transaction.authenticatedSender {
            line += " AUTH=\(sender.isEmpty ? "<>" : XText.encode(sender))" as ByteString
        }
        return line
    }

    private func recipientLine(_ recipient: Transaction.Recipient, isLastHop: Bool) -> ByteString {
        var line: ByteString = "RCPT TO:<\(recipient.sent ?? recipient.address)>"
        if options.isLMTP, options.ignoresQuota, extensions.ignoreQuota {
            line += " IGNOREQUOTA" as ByteString
        }
        guard extensions.dsn, !isLastHop else { return line }
        let words = recipient.notify.words
        if !words.isEmpty { line += " NOTIFY=\(words.joined(separator: ","))" as ByteString }
        if let original = recipient.originalRecipient { line += " ORCPT=\(original)" as ByteString }
        return line
    }

    mutating func takeInTransaction(_ reply: Reply, for command: Command) -> [ClientAction] {
        guard var exchange else { return [] }
        if reply.code == 421 { isEnding = true }
        switch command.expectation {
        case .mail where !reply.isPositive:
            exchange.trouble = refusal(reply, of: .mail, after: spelled(command))
        case .recipient(let index): take(reply, forRecipient: index, command, in: &exchange)
        case .data: return takeDataReply(reply, command, exchange)
        case .chunk where !reply.isPositive:
            exchange.trouble = refusal(reply, of: .final, after: command.line)
        case .final: return takeFinal(reply, command, exchange)
        case .recipientFinal(let index): takeIndividual(reply, index, &exchange)
        case .overall: takeOverall(reply, command, &exchange)
        default: break
        }
        self.exchange = exchange
        return goOn(exchange)
    }

    private func take(
        _ reply: Reply, forRecipient index: Int, _ command: Command, in exchange: inout Exchange
    ) {
        guard exchange.trouble == nil else { return }
        if reply.isPositive {
            exchange.standings[index] = .accepted
            exchange.hasFinalAnswer = true
        } else if reply.code == 452, exchange.hasFinalAnswer {
            exchange.standings[index] = .pending
        } else {
            let trouble = refusal(reply, of: command.expectation, after: exchange.recipientText(index))
            exchange.settle(index, .troubled(trouble))
            exchange.hasFinalAnswer = exchange.hasFinalAnswer || reply.isPermanent
        }
    }

    // What comes next when a reply is taken: more replies, the body, or the end.
    private mutating func goOn(_ exchange: Exchange) -> [ClientAction] {
        if exchange.trouble != nil, !isPipelining { waiting = [] }
        guard due.isEmpty else { return isPipelining ? pumpIfRoom() : [] }
        guard waiting.isEmpty else { return pump() }
        guard exchange.trouble == nil, exchange.hasAccepted else { return finish() }
        if exchange.usesChunks { return startBody(.sendChunks) }
        enqueue("DATA", .data)
        return pump()
    }

    private mutating func pumpIfRoom() -> [ClientAction] {
        waiting.isEmpty || due.count > Self.pipeliningWindow / 2 ? [] : pump()
    }

    private mutating func startBody(_ action: ClientAction) -> [ClientAction] {
        isSendingBody = true
        return [action]
    }

    mutating func finish() -> [ClientAction] {
        guard let exchange else { return [] }
        self.exchange = nil
        return [.finished(exchange.outcomes(unfinished: exchange.trouble), isOpen: !isClosed && !isEnding)]
    }
}

// The body and its replies.
extension ClientMachine {
    private mutating func takeDataReply(
        _ reply: Reply, _ command: Command, _ exchange: Exchange
    ) -> [ClientAction] {
        var exchange = exchange
        guard exchange.trouble == nil, exchange.hasAccepted else {
            // Nobody is left. A server that wants data all the same gets none, not even the lone dot of RFC 2920:
            // it might take that for a message.
            guard reply.isIntermediate else { return finish() }
            isClosed = true
            return finish() + [.close]
        }
        guard reply.isIntermediate else {
            exchange.trouble = refusal(reply, of: .data, after: spelled(command))
            self.exchange = exchange
            return finish()
        }
        self.exchange = exchange
        return startBody(.sendDataBody)
    }

    /// The octets of the BDAT command for a chunk of that many octets on the wire; send them, then the chunk.
    package mutating func bdat(size: Int, isLast: Bool) -> ByteString {
        let line: ByteString = "BDAT \(size)\(isLast ? " LAST" : "")"
        if !isLast { due.append(Command(line: line, expectation: .chunk)) }
        return line + ByteString("\r\n")
    }

    /// The body is sent, terminating dot or last chunk included; replies are awaited.
    ///
    /// `octets` is how many they were, for the text of a timeout.
    package mutating func bodySent(octets: Int = 0) -> [ClientAction] {
        guard let exchange, isSendingBody else { return [] }
        bodyOctets = octets
        isSendingBody = false
        if options.isLMTP {
            due += exchange.accepted.map { Command(line: "end of data", expectation: .recipientFinal($0)) }
        } else {
            due.append(Command(line: "end of data", expectation: .final))
        }
        return takeReplies()
    }

    private mutating func takeFinal(
        _ reply: Reply, _ command: Command, _ exchange: Exchange
    ) -> [ClientAction] {
        var exchange = exchange
        if exchange.usesPRDR, reply.isIntermediate {
            self.exchange = exchange
            due += exchange.accepted.map { Command(line: "end of data", expectation: .recipientFinal($0)) }
            due.append(Command(line: "end of data", expectation: .overall))
            return [.expectReply(.final)]
        }
        if reply.isPositive {
            needsReset = false
            exchange.settleAccepted(.delivered(confirmation: reply.loggedText))
        } else {
            let trouble = refusal(reply, of: .final, after: spelled(command))
            exchange.settleAccepted(.troubled(exchange.trouble ?? trouble))
        }
        self.exchange = exchange
        return finish()
    }

    // One recipient's reply: LMTP's is the last word, PRDR's waits for the overall one.
    private mutating func takeIndividual(_ reply: Reply, _ index: Int, _ exchange: inout Exchange) {
        guard options.isLMTP else {
            exchange.individual[index] = reply
            return
        }
        needsReset = false
        guard !reply.isPositive else {
            exchange.settle(index, .delivered(confirmation: reply.loggedText))
            return
        }
        exchange.settle(index, .troubled(Self.individualTrouble("LMTP error after DATA", reply)))
    }

    private mutating func takeOverall(_ reply: Reply, _ command: Command, _ exchange: inout Exchange) {
        needsReset = false
        let overall = refusal(reply, of: .final, after: command.line)
        for index in exchange.accepted {
            guard let own = exchange.individual[index] else { continue }
            let refused = ClientTrouble?.some(Self.individualTrouble("PRDR error after DATA", own))
            if reply.isPositive, own.isPositive {
                let text: ByteString = "\(own.loggedText)\\n\(reply.loggedText)"
                exchange.settle(index, .delivered(confirmation: text))
            } else if let refused, !own.isPositive, !reply.isPermanent {
                exchange.settle(index, .troubled(refused))
            } else {
                exchange.settle(index, .troubled(overall))
            }
        }
    }

    private static func individualTrouble(_ what: ByteString, _ reply: Reply) -> ClientTrouble {
        ClientTrouble(
            scope: .recipient, isPermanent: reply.isPermanent, errno: 0, text: "\(what): \(reply.loggedText)",
            code: reply.code)
    }
}

extension RecipientCommand.Notify {
    // In the order in which Exim writes them.
    fileprivate var words: [ByteString] {
        let names: [(RecipientCommand.Notify, ByteString)] = [
            (.never, "NEVER"), (.success, "SUCCESS"), (.failure, "FAILURE"), (.delay, "DELAY"),
        ]
        return names.filter { contains($0.0) }.map(\.1)
    }
}
