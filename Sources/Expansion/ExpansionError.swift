package import Bytes

/// Why an expansion has no value.
package enum ExpansionError: Error, Sendable, Hashable {
    /// The string is wrong, or something in it failed; the text is Exim's `expand_string_message`.
    case failed(ByteString)
    /// The postmaster's own `fail`: each option says what follows from it (manual, section 11.4).
    case forcedFailure(ByteString)
    /// A lookup or a resolver could not answer now: defer what asked.
    case deferred(ByteString)

    /// Exim's text, for the log.
    package var text: ByteString {
        switch self {
        case .failed(let text), .forcedFailure(let text), .deferred(let text): text
        }
    }
}
