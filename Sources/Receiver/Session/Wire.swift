import Bytes
import SMTP

/// What comes from a client.
enum WireInput: Sendable {
    /// Octets.
    case octets(ArraySlice<UInt8>)
    /// The client closed, or the connection broke.
    case ended
    /// Nothing came for `smtp_receive_timeout`.
    case timedOut
    /// The program is stopping: end at the next fit moment.
    case stopping
}

/// The client's line, whatever carries it: a TCP connection, or standard input and output.
///
/// Used by one task only.
protocol Wire: AnyObject {
    /// Waits for the next input.
    func read() async -> WireInput
    /// Sends octets; false when the client is gone.
    func write(_ octets: ByteString) async -> Bool
    /// What has come although nobody has asked for it; nil for nothing.
    func ahead() async -> ArraySlice<UInt8>?
    /// How long `read` waits; nil is for ever.
    func setTimeout(seconds: Int64?) async
    /// Marks the packets that go out (`control = dscp`); for what is no network connection there are none.
    func mark(_ trafficClass: TrafficClass) async
}

extension Wire {
    func mark(_ trafficClass: TrafficClass) async {}
}
