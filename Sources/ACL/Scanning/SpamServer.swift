import Bytes
import Configuration
import Expansion
import Lookups
import MailText

/// A server of `spamd_address` (manual, section 45.2).
struct SpamServer: Sendable, Hashable {
    let place: ScannerPlace
    var priority = 1
    var weight = 1
    /// Seconds of the day between which it may be asked; nil always.
    var hours: ClosedRange<Int>?
    /// Seconds after which a connection is tried once more.
    var retry: Int?
    /// Seconds that all may take.
    var timeout = 120
    var isRspamd = false

    /// The most servers.
    static let most = 32

    /// Reads an item of the list, or gives nil for one that names no place; warnings are for the log.
    init?(_ item: ByteString, _ warnings: inout [ByteString]) {
        let words = ScannerWords(item)
        guard let (place, options) = words.place else {
            warnings.append("warning - invalid spamd address: '\(item)'")
            return nil
        }
        self.place = place
        for option in options {
            if let warning = take(option) { warnings.append("warning - invalid spamd \(warning)") }
        }
    }

    private mutating func take(_ option: ByteString) -> ByteString? {
        let parts = option.cut(at: UInt8(ascii: "="))
        let value = ByteString(parts?.after ?? [])
        let number = value.decimalInteger().flatMap { Int(exactly: $0) }
        switch ByteString(parts?.before ?? option[...]) {
        case "pri" where number != nil: priority = number ?? 1
        case "weight" where number != nil: weight = max(number ?? 1, 0)
        case "variant" where value == "rspamd": isRspamd = true
        case "time":
            guard let hours = Self.hours(value) else { return "time value: '\(value)'" }
            // Nothing at all is no limit.
            self.hours = hours == 0...0 ? nil : hours
        case "retry":
            guard let seconds = EximInterval.parse(value) else { return "retry value: '\(value)'" }
            retry = Int(clamping: seconds)
        case "tmo":
            guard let seconds = EximInterval.parse(value) else { return "timeout value: '\(value)'" }
            timeout = Int(clamping: seconds)
        default: return "parameter: '\(option)'"
        }
        return nil
    }

    /// `8.30-17`: hour, minute and second with points between them.
    private static func hours(_ text: ByteString) -> ClosedRange<Int>? {
        let moments = text.split(separator: UInt8(ascii: "-")).map { moment(ByteString($0)) }
        guard moments.count == 2, let first = moments[0], let last = moments[1], first <= last else {
            return nil
        }
        return first...last
    }

    private static func moment(_ text: ByteString) -> Int? {
        let numbers = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map {
            ByteString($0).decimalInteger()
        }
        guard (1...3).contains(numbers.count) else { return nil }
        var seconds = 0
        for (number, unit) in zip(numbers, [3600, 60, 1]) {
            guard let number, (0...86_400).contains(number) else { return nil }
            seconds += Int(number) * unit
        }
        return seconds
    }

    /// The servers in the order in which they are asked: the higher priority first, among equals by chance and weight.
    static func order(
        _ servers: [SpamServer], at second: Int, random: inout some RandomNumberGenerator
    ) -> [SpamServer] {
        var waiting = servers.filter { $0.hours?.contains(second) ?? true }
        var result: [SpamServer] = []
        while let best = waiting.map(\.priority).max() {
            let equals = waiting.indices.filter { waiting[$0].priority == best }
            let total = equals.reduce(0) { $0 + waiting[$1].weight }
            var chosen = equals[0]
            if total > 0 {
                var place = Int.random(in: 0..<total, using: &random)
                for index in equals {
                    chosen = index
                    place -= waiting[index].weight
                    if place < 0 { break }
                }
            }
            result.append(waiting.remove(at: chosen))
        }
        return result
    }
}
