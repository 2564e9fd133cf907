package import Bytes

/// What a server answers to one command (RESP2).
package enum RedisReply: Sendable, Equatable {
    /// A word such as `OK`.
    case status(ByteString)
    /// A value.
    case value(ByteString)
    /// A number.
    case integer(Int64)
    /// Nothing: no such key, or a transaction that was not carried out.
    case none
    /// Several answers.
    case list([RedisReply])
    /// The command was refused; the text is the server's.
    case refused(ByteString)
}

/// Why a server gave no answer.
package struct RedisError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The reason in words.
    package let reason: ByteString

    package init(_ reason: ByteString) { self.reason = reason }

    /// The answer did not come in time: it is unknown whether the command was carried out.
    package static let late = RedisError("no answer in time")

    /// The text for people.
    package var description: String { reason.string }
}
