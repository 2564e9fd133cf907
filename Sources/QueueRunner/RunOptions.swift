import Bytes
import MailText

/// What a run is to do; Exim's -q, -R, -S and -M in one value.
struct RunOptions: Sendable {
    /// Retry times are not regarded (`-qf`).
    var isForced = false
    /// Frozen messages are thawed and tried too (`-qff`).
    var thaws = false
    /// Only messages that have never been tried (`-qi`).
    var firstTimeOnly = false
    /// Only local deliveries (`-ql`).
    var localOnly = false
    /// The named queue; empty for the default one.
    var queue: ByteString = ""
    /// Only messages with an undelivered recipient that contains this (`-R`).
    var recipient: ByteString?
    /// Only messages whose sender contains this (`-S`).
    var sender: ByteString?
    /// The first id to look at.
    var start: ByteString?
    /// The last id to look at.
    var stop: ByteString?
    /// Nothing is delivered for real (`-N`).
    var isDryRun = false
    /// Whether retry times of routing and local deliveries count; they do in queue runs.
    var regardsRoutingRetries = true

    /// The letters that Exim shows after -q.
    var letters: ByteString {
        "\(firstTimeOnly ? "i" : "")\(isForced || thaws ? "f" : "")\(thaws ? "f" : "")\(localOnly ? "l" : "")"
    }
}
