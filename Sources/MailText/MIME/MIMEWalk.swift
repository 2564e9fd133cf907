package import Bytes

/// Finds the parts of a message line by line, in Exim's order (manual, section 45.4).
///
/// It holds no more than the header line that is being read and the boundaries of the multiparts that are open.
package struct MIMEWalk: Sendable {
    /// The most parts of a message: what has more is not looked through.
    package static let mostParts = 10_000
    /// How deep multiparts may lie in each other.
    package static let mostDepth = 100
    /// The most octets of a header line that are regarded.
    package static let mostFieldOctets = 65_536

    /// What a line came to.
    package enum Step: Sendable, Hashable {
        /// Nothing yet.
        case more
        /// The header of a part has ended.
        case part(MIMEPart)
        /// A limit is passed; which.
        case tooMuch(ByteString)
    }

    private struct Container {
        let boundary: ByteString
        let isCoverLetter: Bool
        let sharesCoverLetter: Bool
        var parts = 0
    }

    private enum State { case header, body }

    private var containers: [Container] = []
    private var state = State.header
    private var part = MIMEPart()
    private var field = ByteString()
    private var number = 0

    /// Begins at the first line of a message's header.
    package init() {}

    /// Takes a line with its newline, or a piece of a long one, and the place behind it.
    package mutating func take(_ line: ArraySlice<UInt8>, beginsLine: Bool, endsAt place: Int) -> Step {
        switch state {
        case .header: takeHeader(line, beginsLine: beginsLine, place)
        case .body: takeBody(line, beginsLine: beginsLine)
        }
    }

    /// Ends the message: a header that had no end is one all the same.
    package mutating func finish(at place: Int) -> Step {
        guard state == .header else { return .more }
        return endHeader(at: place)
    }

    private mutating func takeHeader(_ line: ArraySlice<UInt8>, beginsLine: Bool, _ place: Int) -> Step {
        if beginsLine {
            if line.first == .newline || line.starts(with: "\r\n".utf8) { return endHeader(at: place) }
            if !(line.first?.isASCIISpace ?? false) { endField() }
        }
        field += line.prefix(max(Self.mostFieldOctets - field.count, 0))
        return .more
    }

    private mutating func endField() {
        part.take(field: field[...])
        field = ""
    }

    private mutating func endHeader(at place: Int) -> Step {
        endField()
        state = .body
        var found = part
        part = MIMEPart()
        found.bodyStart = place
        found.number = number
        number += 1
        if number > Self.mostParts { return .tooMuch("more than \(Self.mostParts) MIME parts") }
        if let container = containers.last {
            found.enclosing = container.boundary
            found.isCoverLetter =
                container.isCoverLetter && (container.sharesCoverLetter || container.parts == 1)
        }
        guard found.isMultipart, !found.boundary.isEmpty else { return .part(found) }
        containers.append(
            Container(
                boundary: found.boundary, isCoverLetter: found.isCoverLetter,
                sharesCoverLetter: found.sharesCoverLetter))
        if containers.count > Self.mostDepth {
            return .tooMuch("MIME parts nested deeper than \(Self.mostDepth)")
        }
        return .part(found)
    }

    private mutating func takeBody(_ line: ArraySlice<UInt8>, beginsLine: Bool) -> Step {
        guard beginsLine, let last = containers.indices.last,
            let rest = line.behindBoundary(containers[last].boundary)
        else { return .more }
        if rest.starts(with: "--".utf8) {
            containers.removeLast()
        } else {
            containers[last].parts += 1
            state = .header
        }
        return .more
    }
}

extension ArraySlice<UInt8> {
    /// What follows `--boundary` at the front of a line; nil for a line that is none of its.
    package func behindBoundary(_ boundary: ByteString) -> ArraySlice<UInt8>? {
        guard starts(with: "--".utf8), dropFirst(2).starts(with: boundary) else { return nil }
        return dropFirst(2 + boundary.count)
    }
}
