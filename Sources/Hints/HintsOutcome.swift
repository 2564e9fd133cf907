package import Bytes

/// How a piece of work on a hints database ended.
///
/// Trouble with hints is never a reason to lose or to refuse mail: the work is given up, and the reason told.
package enum HintsOutcome<Value: Sendable>: Sendable {
    /// Done; what was written is committed.
    case done(Value)
    /// Given up; nothing of it was written.
    case givenUp(HintsTrouble)

    /// The value, or nil where the work was given up: "no information".
    package var value: Value? {
        if case .done(let value) = self { value } else { nil }
    }

    /// Why the work was given up, or nil.
    package var trouble: HintsTrouble? {
        if case .givenUp(let trouble) = self { trouble } else { nil }
    }

    /// The outcome with another value.
    package func map<Other: Sendable>(_ change: (Value) -> Other) -> HintsOutcome<Other> {
        switch self {
        case .done(let value): .done(change(value))
        case .givenUp(let trouble): .givenUp(trouble)
        }
    }
}

extension HintsOutcome: Equatable where Value: Equatable {}

/// Why work on a hints database was given up.
package struct HintsTrouble: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of trouble it is.
    package enum Kind: Equatable, Sendable {
        /// Others held the database for longer than the limit.
        case busy
        /// The file holds records of the other layout, which a write would mix.
        case layout
        /// The system or SQLite refused: permissions, disk full, damage.
        case refused
        /// Too many updates wait already.
        case overload
        /// The database was closed.
        case closed
        /// The shared server cannot be reached; that was told in a notice, once for as long as it lasts.
        case unreachable
    }

    /// What kind of trouble it is.
    package let kind: Kind
    /// The database: its file, or the server and its name there.
    package let path: ByteString
    /// The reason in words.
    package let reason: ByteString

    /// Makes a reason.
    package init(_ kind: Kind, path: ByteString, reason: ByteString) {
        self.kind = kind
        self.path = path
        self.reason = reason
    }

    /// The text for people.
    package var description: String { "hints database \(path): \(reason)" }
}

/// What a hints database did that the postmaster may want to know.
package enum HintsNotice: Equatable, Sendable, CustomStringConvertible {
    /// A file was no database, or damaged; it was renamed, and a new one begun.
    case setAside(path: ByteString, to: ByteString, reason: ByteString)
    /// A record was damaged or in another layout; it counts as absent.
    case unreadable(path: ByteString, key: ByteString, reason: HintsRecordError)
    /// The shared server cannot be reached; work goes on without its hints until it can.
    case unreachable(server: ByteString, reason: ByteString)
    /// The shared server is reached again.
    case reached(server: ByteString)

    /// The text for people.
    package var description: String {
        switch self {
        case .setAside(let path, let target, let reason):
            "\(path) is damaged (\(reason)); it is now \(target), and a new one was begun"
        case .unreadable(let path, let key, let reason):
            "\(path): the record of \"\(key)\" counts as absent: \(reason.description)"
        case .unreachable(let server, let reason):
            "\(server) cannot be reached (\(reason)): work goes on without shared hints"
        case .reached(let server): "\(server) is reached again"
        }
    }
}

/// Where hints databases are and how they are treated.
package struct HintsSettings: Sendable {
    /// The owner of a file.
    package struct Owner: Sendable, Equatable {
        /// The user's number.
        package var user: UInt32
        /// The group's number.
        package var group: UInt32

        /// Makes an owner.
        package init(user: UInt32, group: UInt32) {
            self.user = user
            self.group = group
        }
    }

    /// The directory, `<spool>/db`; made with mode 0750 when missing (its parent must exist).
    package var directory: ByteString
    /// Where the databases lie that several machines may share.
    package var backend = HintsBackend.sqlite
    /// The layout to write; nil means what the file holds, and the released one for a new file.
    package var layout: HintsLayout?
    /// Who is to own what is created, as far as we may; Exim cannot write files that root owns.
    package var owner: Owner?
    /// How long to wait for others at most; Exim itself waits for 5 seconds.
    package var busyLimit: Duration = .seconds(5)
    /// The clock that stamps records: seconds since 1970.
    package var clock: @Sendable () -> Int64 = HintsSettings.systemSeconds
    /// Hears notices; called on the database's queue.
    package var notice: @Sendable (HintsNotice) -> Void = { _ in }

    /// Makes settings for a directory.
    package init(directory: ByteString) { self.directory = directory }
}
