package import Bytes

/// What an attempt to authenticate came to.
package struct AuthenticationVerdict: Sendable, Hashable {
    /// The outcome.
    package enum Outcome: Sendable, Hashable {
        /// The client is who it says.
        case succeeded
        /// It is not.
        case failed
        /// It cannot be told now: the text for the client, empty for none, and the one for the log.
        case deferred(said: ByteString, logged: ByteString)
        /// What came is not base 64.
        case malformed
        /// The client gave up.
        case cancelled
        /// The mechanism takes nothing with the command.
        case unexpected
    }

    /// The outcome.
    package var outcome: Outcome
    /// What `server_set_id` gave, made printable; nil when it is not set or cannot be expanded.
    package var identity: ByteString?

    /// The reply to the client.
    package var reply: (code: Int, text: ByteString) {
        switch outcome {
        case .succeeded: (235, "Authentication succeeded")
        case .failed: (535, "Incorrect authentication data")
        case .deferred(let said, _):
            (435, "Unable to authenticate at present\(said.isEmpty ? "" : ": \(said)" as ByteString)")
        case .malformed: (501, "Invalid base64 data")
        case .cancelled: (501, "Authentication cancelled")
        case .unexpected: (553, "Initial data not expected")
        }
    }

    /// The log's words for an attempt that did not succeed.
    package var logged: ByteString {
        let shown: ByteString = identity.map { $0.isEmpty ? "" : " (set_id=\($0))" } ?? ""
        switch outcome {
        case .deferred(let said, let logged):
            let tail: ByteString = said.isEmpty ? "" : ": \(said)"
            return "435 Unable to authenticate at present\(shown)\(tail.isEmpty ? ": \(logged)" : tail)"
        case .failed: return "535 Incorrect authentication data\(shown)"
        case .succeeded, .malformed, .cancelled, .unexpected: return "\(reply.code) \(reply.text)"
        }
    }
}
