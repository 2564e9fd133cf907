package import Bytes

/// A span of time in a log line, for QT, DT, RT and D.
package struct LogInterval: Sendable, Hashable {
    /// The span in microseconds, not negative.
    package var microseconds: Int

    /// A time by the clock.
    package init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(microseconds: Int(seconds) * 1_000_000 + Int(attoseconds / 1_000_000_000_000))
    }

    /// Makes a span; a negative one is taken as none.
    package init(microseconds: Int) { self.microseconds = max(0, microseconds) }

    /// Makes a span of whole seconds.
    package init(seconds: Int) {
        let (product, overflow) = max(0, seconds).multipliedReportingOverflow(by: 1_000_000)
        microseconds = overflow ? Int.max : product
    }

    /// The span as Exim writes it: `1w2d3h4m5s`, zero units left out; with `millisec` spans below 5 s as
    /// `0.123s`.
    package func text(showingMilliseconds: Bool) -> ByteString {
        if showingMilliseconds, microseconds < 5_000_000 {
            return "\(microseconds / 1_000_000).\(microseconds / 1000 % 1000, zeroPadded: 3)s"
        }
        return Self.text(ofSeconds: microseconds / 1_000_000)
    }

    /// Whole seconds as Exim writes an interval; `0s` for none.
    package static func text(ofSeconds seconds: Int) -> ByteString {
        guard seconds > 0 else { return "0s" }
        var result = ByteString()
        var rest = seconds
        for (unit, letter) in [(604_800, "w"), (86_400, "d"), (3600, "h"), (60, "m"), (1, "s")] {
            if rest / unit > 0 { result += "\(rest / unit)\(letter)" as ByteString }
            rest %= unit
        }
        return result
    }
}
