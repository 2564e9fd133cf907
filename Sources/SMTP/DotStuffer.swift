import Bytes

/// Writes spool octets (LF line ends) as DATA: CRLF line ends, a dot before each leading dot, and the
/// terminator.
package struct DotStuffer: Sendable {
    private var atLineStart = true

    /// Starts at the first octet of the message.
    package init() {}

    /// Appends the wire form of `octets` to `output`; calls may part the message anywhere.
    package mutating func encode(_ octets: ArraySlice<UInt8>, into output: inout [UInt8]) {
        var place = octets.startIndex
        while place < octets.endIndex {
            if atLineStart, octets[place] == UInt8(ascii: ".") { output.append(UInt8(ascii: ".")) }
            guard let end = LineScan.index(of: .newline, in: octets, from: place) else {
                output.append(contentsOf: octets[place...])
                atLineStart = false
                return
            }
            output.append(contentsOf: octets[place..<end])
            output.append(.carriageReturn)
            output.append(.newline)
            atLineStart = true
            place = end + 1
        }
    }

    /// Appends the terminating dot, after a line end when the message lacked its last one.
    package mutating func finish(into output: inout [UInt8]) {
        if !atLineStart { output.append(contentsOf: [.carriageReturn, .newline]) }
        output.append(contentsOf: [UInt8(ascii: "."), .carriageReturn, .newline])
        atLineStart = true
    }
}

/// Writes spool octets (LF line ends) with CRLF line ends, for BDAT; nothing is stuffed.
package struct CRLFEncoder: Sendable {
    /// Starts at any place.
    package init() {}

    /// Appends the wire form of `octets` to `output`; calls may part the message anywhere.
    package func encode(_ octets: ArraySlice<UInt8>, into output: inout [UInt8]) {
        var place = octets.startIndex
        while let end = LineScan.index(of: .newline, in: octets, from: place) {
            output.append(contentsOf: octets[place..<end])
            output.append(.carriageReturn)
            output.append(.newline)
            place = end + 1
        }
        output.append(contentsOf: octets[place...])
    }

    /// How many octets the wire form has.
    package static func size(octets: Int, lines: Int) -> Int { octets + lines }
}
