package import Bytes
package import MailText
import Synchronization

/// Compiled regular expressions, kept for the next use.
package final class PatternCache: Sendable {
    /// How many expressions are kept; when there are more, all are forgotten, since that happens only where
    /// patterns are made of data that changes each time.
    package static let capacity = 512

    private struct Key: Hashable {
        var pattern: ByteString
        var caseless: Bool
    }

    private let patterns = Mutex<[Key: PCRE2Pattern]>([:])

    /// Keeps none yet.
    package init() {}

    /// The compiled expression.
    ///
    /// - Throws: PCRE2's words for an expression that is wrong; such ones are not kept.
    package func pattern(
        _ source: ByteString, caseless: Bool = false
    ) throws(PatternError) -> PCRE2Pattern {
        let key = Key(pattern: source, caseless: caseless)
        if let known = patterns.withLock({ $0[key] }) { return known }
        let fresh = try PCRE2Pattern.compile(source, caseless: caseless)
        patterns.withLock { patterns in
            if patterns.count >= Self.capacity { patterns.removeAll() }
            patterns[key] = fresh
        }
        return fresh
    }
}
