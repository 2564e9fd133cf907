import Bytes
import Configuration
import Expansion
import Hints

/// What is wrong with the argument of a condition, for the log.
struct ArgumentTrouble: Error, Sendable, Hashable {
    var text: ByteString

    init(_ text: ByteString) { self.text = text }
}

/// The argument of `ratelimit` (manual, sections 44.39 to 44.43): `limit / period / options / key`.
struct RateLimit: Sendable, Hashable {
    /// What is measured.
    enum Measure: ByteString, Sendable, Hashable {
        case connections = "per_conn"
        case mails = "per_mail"
        case octets = "per_byte"
        case recipients = "per_rcpt"
        case addresses = "per_addr"
        case commands = "per_cmd"

        /// How keys of records name it.
        var keyName: ByteString {
            switch self {
            case .octets: Self.mails.rawValue
            case .addresses: Self.recipients.rawValue
            default: rawValue
            }
        }

        /// Whether it can be counted at a moment; where not, the rate can only be looked at.
        func counts(at moment: ACLMoment) -> Bool {
            switch self {
            case .connections, .commands: moment != .notSMTP && moment != .notSMTPStart
            case .mails, .octets: [.mail, .rcpt, .predata, .data, .notSMTP].contains(moment)
            case .recipients: [.rcpt, .predata, .data, .notSMTP].contains(moment)
            case .addresses: moment == .rcpt
            }
        }
    }

    /// When the record is written.
    enum Mode: Sendable, Hashable { case leaky, strict, readonly }

    var limit = 0.0
    var limitText = ByteString()
    var period: Int64 = 0
    var periodText = ByteString()
    var measure: Measure?
    var mode: Mode?
    var count: Double?
    var unique: ByteString?
    /// What is left: the key's last part; empty for the client's address.
    var rest = ByteString()

    /// Reads the argument; the error is Exim's text without its beginning.
    init(_ argument: ByteString) throws(ArgumentTrouble) {
        var words = argument.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { ByteString($0.trimmed()) }[...]
        limitText = words.popFirst() ?? ""
        guard let limit = Self.number(limitText), limit >= 0 else {
            throw ArgumentTrouble("\"\(limitText)\" is not a positive number")
        }
        self.limit = limit
        periodText = words.popFirst() ?? "NULL"
        guard let period = EximInterval.parse(periodText), period > 0 else {
            throw ArgumentTrouble("\"\(periodText)\" is not a time value")
        }
        self.period = period
        for word in words { try take(word) }
    }

    private mutating func take(_ word: ByteString) throws(ArgumentTrouble) {
        switch word {
        case "leaky": try set(.leaky)
        case "strict": try set(.strict)
        case "readonly", "noupdate": try set(.readonly)
        case let word where word.starts(with: ByteString("count=")):
            guard let number = Self.number(ByteString(word.dropFirst(6))), number >= 0 else {
                throw ArgumentTrouble("\"\(word)\" is not a positive number")
            }
            count = number
        case let word where word.starts(with: ByteString("unique=")): unique = ByteString(word.dropFirst(7))
        default:
            guard let named = Measure(rawValue: word) else {
                rest = rest.isEmpty ? word : "\(rest)/\(word)"
                return
            }
            guard measure == nil else { throw ArgumentTrouble("conflicting per_* options") }
            measure = named
        }
    }

    private mutating func set(_ mode: Mode) throws(ArgumentTrouble) {
        guard self.mode == nil else { throw ArgumentTrouble("conflicting update modes") }
        self.mode = mode
    }

    /// A number with digits behind a point, perhaps, and K, M or G (times 1024 each).
    static func number(_ text: ByteString) -> Double? {
        guard let last = text.last else { return nil }
        var digits = text[...]
        var factor = 1.0
        switch last.lowercasedASCII {
        case UInt8(ascii: "k"): factor = 1024
        case UInt8(ascii: "m"): factor = 1024 * 1024
        case UInt8(ascii: "g"): factor = 1024 * 1024 * 1024
        default: break
        }
        if factor > 1 { digits = digits.dropLast() }
        guard digits.allSatisfy({ $0.isASCIIDigit || ".-+eE".utf8.contains($0) }),
            let value = Double(ByteString(digits).string), value.isFinite
        else { return nil }
        return value * factor
    }

    /// Settles what depends on the moment; the error is Exim's text without its beginning.
    mutating func settle(_ moment: ACLMoment, _ state: ACLState) throws(ArgumentTrouble) {
        let measure = measure ?? .mails
        self.measure = measure
        if !measure.counts(at: moment) {
            guard mode == nil || mode == .readonly else {
                throw ArgumentTrouble(
                    "\"\(measure.rawValue)\" must not have /leaky or /strict option, or cannot be used in \(moment.name) ACL"
                )
            }
            mode = .readonly
        }
        if measure == .addresses { unique = unique ?? state.recipient ?? "" }
        let message = state.facts.message
        switch measure {
        case .octets: count = count ?? Double(max(message.size, 0))
        case .recipients where moment != .rcpt: count = count ?? Double(message.recipientsCount)
        default: break
        }
        if rest.isEmpty { rest = state.facts.connection.remoteAddress?.text ?? "" }
    }

    /// The record's key.
    var key: ByteString {
        let what = measure?.keyName ?? Measure.mails.keyName
        return "\(periodText)/\(what)/\(unique == nil ? "" : "unique/")\(rest)"
    }
}

/// Rates that this connection, message or command has been counted in: nothing is counted twice.
package struct RateMemory: Sendable, Hashable {
    private var connection: [ByteString: Double] = [:]
    private var message: [ByteString: Double] = [:]
    private var command: [ByteString: Double] = [:]

    /// A message is over.
    package mutating func forgetMessage() {
        message = [:]
        command = [:]
    }

    /// A command is over.
    package mutating func forgetCommand() { command = [:] }

    subscript(rule: RateLimit) -> Double? {
        get {
            switch rule.measure {
            case .connections: connection[rule.key]
            case .recipients, .addresses, .commands: command[rule.key]
            case .mails, .octets, nil: message[rule.key]
            }
        }
        set {
            switch rule.measure {
            case .connections: connection[rule.key] = newValue
            case .recipients, .addresses, .commands: command[rule.key] = newValue
            case .mails, .octets, nil: message[rule.key] = newValue
            }
        }
    }
}

extension StatementRun {
    /// `ratelimit`: whether the rate is at its limit or above it.
    func rateLimit(_ argument: ByteString, _ state: inout ACLState) async -> ClauseResult {
        var rule: RateLimit
        do throws(ArgumentTrouble) {
            rule = try RateLimit(argument)
            try rule.settle(moment, state)
        } catch {
            return .broken("error in arguments to \"ratelimit\" condition: \(error.text)")
        }
        state.facts.connection.senderRateLimit = rule.limitText
        state.facts.connection.senderRatePeriod = rule.periodText
        if let known = state.rates[rule] { return compare(known, rule, &state) }
        guard let hints = evaluator.services.hints else {
            return .deferred("ratelimit database not available")
        }
        let clock = evaluator.expander.environment.now()
        let meter = RateMeter(rule, seconds: clock.seconds, microseconds: clock.microseconds)
        guard let rate = await hints.rates.update({ try meter.measure(in: $0) }).value else {
            return .deferred("ratelimit database not available")
        }
        if rule.mode != .readonly { state.rates[rule] = rate }
        return compare(rate, rule, &state)
    }

    private func compare(_ rate: Double, _ rule: RateLimit, _ state: inout ACLState) -> ClauseResult {
        state.facts.connection.senderRate = RateMeter.text(rate)
        return rate < rule.limit ? .fails : .holds
    }
}
