import Bytes

// One transaction on its way: what each recipient has come to.
struct Exchange: Sendable, Hashable {
    // Where a recipient stands.
    enum Standing: Sendable, Hashable {
        // Not sent, or put back by a 452.
        case pending
        // RCPT accepted.
        case accepted
        // Refused, delivered, or otherwise final.
        case settled(RecipientOutcome)
    }

    let transaction: Transaction
    var standings: [Standing]
    var usesChunks: Bool
    var usesPRDR: Bool
    // Trouble with MAIL or DATA, which holds for all.
    var trouble: ClientTrouble?
    // Whether any RCPT of this batch has been answered by 2xx or 5xx: a 452 after that means "too many
    // recipients".
    var hasFinalAnswer = false
    // The individual replies of PRDR, by recipient.
    var individual: [Int: Reply] = [:]

    init(_ transaction: Transaction, usesChunks: Bool, usesPRDR: Bool) {
        self.transaction = transaction
        self.usesChunks = usesChunks
        self.usesPRDR = usesPRDR
        standings = Array(repeating: .pending, count: transaction.recipients.count)
    }

    func recipientText(_ index: Int) -> ByteString {
        "RCPT TO:<\(transaction.recipients[index].address)>"
    }

    var accepted: [Int] { standings.indices.filter { standings[$0] == .accepted } }
    var hasAccepted: Bool { standings.contains(.accepted) }

    mutating func settle(_ index: Int, _ outcome: RecipientOutcome) { standings[index] = .settled(outcome) }

    mutating func settleAccepted(_ outcome: RecipientOutcome) {
        for index in accepted { settle(index, outcome) }
    }

    // What all have come to when nothing more will be heard; `unfinished` holds for those that were waiting.
    func outcomes(unfinished: ClientTrouble?) -> [RecipientOutcome] {
        standings.map { standing in
            switch standing {
            case .settled(let outcome): outcome
            case .pending: unfinished.map { .troubled($0) } ?? .pending
            case .accepted: (unfinished ?? trouble).map { .troubled($0) } ?? .pending
            }
        }
    }
}
