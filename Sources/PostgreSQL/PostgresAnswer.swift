package import Bytes

/// What a server gave for one statement.
package struct PostgresAnswer: Sendable, Hashable {
    /// The names of the columns; none for a statement that gives no rows.
    package var columns: [ByteString] = []
    /// The rows, each with a value or nil for NULL in each column.
    package var rows: [[ByteString?]] = []
    /// How many rows were changed by a statement that gives none; nil for one that does.
    package var changed: ByteString?
}

/// Why a server gave no answer.
package struct PostgresError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Whether the connection is lost, or was never made.
    package var isLost: Bool
    /// The reason in the server's words, in one line.
    package var reason: ByteString

    /// The text for people.
    package var description: String { reason.string }
}
