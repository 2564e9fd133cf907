package import Bytes
package import Expansion

/// What a filter asks for; it is done when the filter has ended.
package enum FilterAction: Sendable, Hashable {
    /// Send the message on to an address; errors go to another one.
    case deliver(TaintedBytes, errorsTo: ByteString?)
    /// Write it to a file.
    case save(TaintedBytes, mode: UInt32?)
    /// Give it to a command, which is expanded when it runs.
    case pipe(ByteString)
    /// Answer it.
    case reply(ReplyMessage)
}

/// An action with what holds for it.
package struct FilterDelivery: Sendable, Hashable {
    /// What is done.
    package var action: FilterAction
    /// `noerror`: nobody is told when it cannot be done.
    package var ignoresErrors: Bool
    /// `$1` and so on, as they were.
    package var captures: [TaintedBytes]
    /// `$thisaddress`, as it was.
    package var variables: [ByteString: TaintedBytes]
}

/// A line for a log file that a filter names.
package struct FilterLogLine: Sendable, Hashable {
    /// The file.
    package var path: TaintedBytes
    /// The mode that it is made with.
    package var mode: UInt32
    /// The text, with its newline.
    package var text: ByteString
}

/// What came of a filter.
package struct FilterOutcome: Sendable {
    /// How a filter ends.
    package enum Ending: Sendable, Hashable {
        /// At its end, or by `finish`.
        case finished
        /// By `fail`, `freeze` or `defer`, with the text.
        case stopped(StopCommand, ByteString)
    }

    /// What is to be done, in order.
    package internal(set) var deliveries: [FilterDelivery] = []
    /// Whether that is all: without a significant delivery the address goes on as if there were no filter.
    package internal(set) var isSignificant = false
    /// How it ended.
    package internal(set) var ending = Ending.finished
    /// The header lines as the system's filter left them; nil when it changed none.
    package internal(set) var headers: [HeaderText]?
    /// `$n0` to `$n9` at the end.
    package internal(set) var counters = [Int32](repeating: 0, count: 10)
    /// What goes to log files.
    package internal(set) var logLines: [FilterLogLine] = []
}
