package import Bytes

/// Why work on history, store or reports stopped: what happened where, and what to do.
package struct DMARCError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The sort of trouble.
    package enum Kind: Sendable, Hashable {
        /// A file named does not exist.
        case missing
        /// The operating system refused.
        case system
        /// Others hold the store for too long; trying again later helps.
        case busy
        /// The store is damaged, or of a later version than this program knows.
        case store
        /// A file is not what it should be.
        case data
        /// Another importer works on the same history file.
        case locked
    }

    /// The sort of trouble.
    package var kind: Kind
    /// The file, with a line or an offset where there is one.
    package var place: ByteString
    /// What happened, and what to do.
    package var reason: ByteString

    /// Makes an error.
    package init(_ kind: Kind, at place: ByteString, _ reason: ByteString) {
        self.kind = kind
        self.place = place
        self.reason = reason
    }

    /// `place: reason`.
    package var description: String { "\(place): \(reason)" }
}
