import Bytes

/// One step of a retry rule: until a cutoff, how long to wait between attempts.
package struct RetryStep: Sendable, Equatable {
    /// How the interval grows.
    package enum Kind: Sendable, Equatable {
        /// `F`: it does not.
        case fixed
        /// `G`: by the factor at each attempt.
        case geometric
        /// `H`: to a random time, at most the factor, at each attempt.
        case randomised
    }

    /// `F`, `G` or `H`.
    package var kind: Kind
    /// Until how many seconds after the first failure the step holds.
    package var cutoff: Int64
    /// The interval, or the first one, in seconds.
    package var interval: Int64
    /// The growth of the interval in thousandths, 1000 or more; not used by `F`.
    package var factorThousandths: Int64

    /// Makes a step.
    package init(_ kind: Kind, cutoff: Int64, interval: Int64, factorThousandths: Int64 = 1000) {
        self.kind = kind
        self.cutoff = cutoff
        self.interval = interval
        self.factorThousandths = factorThousandths
    }

    /// Reads a time as Exim writes it (`1w2d3h4m5s`, or a number of seconds); nil for anything else.
    static func seconds(_ text: ArraySlice<UInt8>) -> Int64? {
        var total: Int64 = 0
        var rest = text
        while !rest.isEmpty {
            let digits = rest.prefix(while: \.isASCIIDigit)
            guard digits.count <= 9, let number = digits.decimalInteger() else { return nil }
            rest = rest.dropFirst(digits.count)
            guard let unit = unitSeconds(rest.first) else { return nil }
            rest = rest.dropFirst()
            let (sum, over) = total.addingReportingOverflow(number * unit)
            if over { return nil }
            total = sum
        }
        return text.isEmpty ? nil : total
    }

    private static func unitSeconds(_ letter: UInt8?) -> Int64? {
        switch letter?.lowercasedASCII {
        case nil, UInt8(ascii: "s"): 1
        case UInt8(ascii: "m"): 60
        case UInt8(ascii: "h"): 3600
        case UInt8(ascii: "d"): 86_400
        case UInt8(ascii: "w"): 604_800
        default: nil
        }
    }
}

/// One temporary failure, as the retry arithmetic sees it.
package struct RetryFailure: Sendable, Equatable {
    /// What went wrong.
    package var error: RetryError
    /// When, in seconds since 1970.
    package var now: Int64
    /// When the message arrived.
    package var messageArrived: Int64
    /// Whether the record is about a host (not an address or a message); then the message's age does not count.
    package var isHost: Bool
    /// Whether the address is the top one, not one of its ancestors.
    package var isTopAddress: Bool

    /// Makes a failure.
    package init(
        _ error: RetryError, now: Int64, messageArrived: Int64, isHost: Bool, isTopAddress: Bool = true
    ) {
        self.error = error
        self.now = now
        self.messageArrived = messageArrived
        self.isHost = isHost
        self.isTopAddress = isTopAddress
    }
}

/// What a failure makes of a retry record.
package struct RetryDecision: Sendable, Equatable {
    /// The record to write.
    package var record: RetryRecord
    /// Whether the item counts as timed out; an address bounces when all its items do.
    package var timedOut: Bool
}

/// The steps of the retry rule that was chosen, with the settings that bear on it.
package struct RetrySchedule: Sendable, Equatable {
    /// The steps in the order of the rule, not empty.
    package var steps: [RetryStep]
    /// `retry_data_expire`: seconds after which a record counts as absent; default 7 days.
    package var dataExpire: Int64
    /// `retry_interval_max`: the longest wait in seconds; default and most 24 hours.
    package var intervalMax: Int64
    /// `print_topbitchars`, for the text of records.
    package var topBitPrints = false

    /// Makes a schedule; nil for no steps, since no rule means that nothing is recorded and all times out.
    package init?(_ steps: [RetryStep], dataExpire: Int64 = 604_800, intervalMax: Int64 = 86_400) {
        guard !steps.isEmpty else { return nil }
        self.steps = steps
        self.dataExpire = dataExpire
        self.intervalMax = min(intervalMax, 86_400)
    }

    /// The cutoff of the last step: beyond it a message is given up (the "ultimate address timeout").
    package var finalCutoff: Int64 { steps.last?.cutoff ?? 0 }

    /// Works out the record that follows `old` after a failure.
    ///
    /// A record older than `dataExpire` counts as none. The random numbers serve `H` steps.
    package func decide(
        after old: RetryRecord?, _ failure: RetryFailure, random: inout some RandomNumberGenerator
    ) -> RetryDecision {
        let now = failure.now
        let known = old.flatMap { now - $0.header.written > dataExpire ? nil : $0 }
        var record = known ?? RetryRecord(firstFailed: now, lastTry: now, nextTry: now)
        let age = now - failure.messageArrived
        let sinceFirst = now - record.firstFailed
        let failing = failure.isHost ? sinceFirst : max(sinceFirst, age)
        let step = steps.first { $0.cutoff >= failing }
        record.expired = step == nil
        let outlived =
            step != nil && failure.isTopAddress && failure.messageArrived <= record.firstFailed
            && age > finalCutoff
        if outlived {
            record.nextTry = now
        } else if let chosen = step ?? steps.last {
            let wait = chosen.wait(after: record, now: now, random: &random)
            record.nextTry = now + min(wait, intervalMax)
        }
        record.lastTry = now
        record.setError(failure.error, topBitPrints: topBitPrints)
        return RetryDecision(record: record, timedOut: step == nil || outlived)
    }
}

extension RetryStep {
    /// How long to wait, in seconds, before the cap.
    fileprivate func wait(
        after record: RetryRecord, now: Int64, random: inout some RandomNumberGenerator
    ) -> Int64 {
        if kind == .fixed { return interval }
        let gap = max(min(record.nextTry - record.lastTry, now - record.lastTry), 0)
        let (product, over) = gap.multipliedReportingOverflow(by: factorThousandths)
        let next = over ? Int64.max / 4 : product / 1000
        if kind == .geometric { return gap < interval ? interval : next }
        guard next > interval else { return interval }
        let half = (next - interval) / 2
        return interval + half + (half > 0 ? Int64.random(in: 0..<half, using: &random) : 0)
    }
}
