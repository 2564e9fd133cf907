package import Bytes

/// A condition of an `if` command (filter manual, sections 3.21 to 3.30).
package indirect enum FilterCondition: Sendable, Hashable {
    /// All hold.
    case all([FilterCondition])
    /// One holds.
    case any([FilterCondition])
    /// It does not hold.
    case not(FilterCondition)
    /// A text or a number compared with another.
    case compare(FilterWord, FilterComparison, FilterWord)
    /// `delivered`.
    case delivered
    /// `error_message`.
    case errorMessage
    /// `first_delivery`.
    case firstDelivery
    /// `manually_thawed`.
    case manuallyThawed
    /// `personal`, with its aliases.
    case personal([FilterWord])
    /// `foranyaddress`.
    case anyAddress(FilterWord, FilterCondition)
}

/// How two values are compared.
package struct FilterComparison: Sendable, Hashable {
    /// The kinds.
    package enum Kind: Sendable, Hashable {
        case begins, contains, ends, `is`, matches, above, below
    }

    /// The kind.
    package var kind: Kind
    /// Whether it must not hold.
    package var isNegated = false
    /// Whether letters must agree in case: the word stood in capitals.
    package var isCaseful = false
    /// The words that say so, for people.
    package var words: ByteString
}
