package import Bytes

/// What an LF without CR in message data stands for, when the first line ended in CRLF.
package enum LoneLF: Sendable, Hashable {
    /// A line end (Exim 4.96).
    case lineEnd
    /// A blank (Exim 4.98 and later); never a line end, so that no smuggled message is seen.
    case blank
}

/// What is known of message data when it has ended.
package struct DataCounts: Sendable, Hashable {
    /// Octets given out.
    package var size = 0
    /// Newlines given out.
    package var lines = 0
    /// NUL octets given out.
    package var zeros = 0
    /// The longest line, its end not counted.
    package var longestLine = 0

    /// Nothing counted.
    package init() {}
}

/// Turns DATA from the wire into spool octets as it arrives (RFC 5321, section 4.5.2; spool.md chapter 4).
///
/// CRLF becomes LF, a doubled leading dot single, and only CRLF.CRLF ends the data (LF.LF only if the first line ended so).
package struct DataDecoder: Sendable {
    /// What a call of `decode` came to.
    package enum Progress: Sendable, Hashable {
        /// All octets are used; more are needed.
        case more
        /// The terminating dot was seen; the octets from this place on belong to the next command.
        case finished(rest: Int)
    }

    /// The counts so far.
    package private(set) var counts = DataCounts()
    private let loneLF: LoneLF

    /// Starts at the first octet after the 354 reply.
    package init(loneLF: LoneLF = .blank) { self.loneLF = loneLF }

    /// Appends the decoded form of `wire` to `output`.
    package mutating func decode(_ wire: ArraySlice<UInt8>, into output: inout [UInt8]) -> Progress { .more }
}
