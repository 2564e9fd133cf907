import ACL
import Bytes
import MailText

/// Applies what ACLs added to and removed from the header (manual, "Adding header lines in ACLs").
struct HeaderEdit {
    private let added: [ACLState.AddedHeader]
    private let removed: [ByteString]

    init(_ state: ACLState) {
        added = state.addedHeaders
        removed = state.removedHeaders.flatMap { list in
            list.split(separator: UInt8(ascii: ":")).map { ByteString($0.trimmed()) }
        }
    }

    /// The header after both: removed lines stay, marked as old.
    func applied(to headers: [Header]) -> [Header] {
        var result = headers
        for index in result.indices where removed.contains(where: { matches(result[index], $0) }) {
            result[index].kind = .old
        }
        for line in added { insert(line, into: &result) }
        return result
    }

    /// A name matches without regard to case; a `*` is a letter like others, as in Exim 4.96.
    private func matches(_ header: Header, _ name: ByteString) -> Bool { header.isNamed(name) }

    private func insert(_ line: ACLState.AddedHeader, into headers: inout [Header]) {
        let header = Header(line.text)
        switch line.place {
        case .end: headers.append(header)
        case .start: headers.insert(header, at: 0)
        case .afterReceived, .afterResentOrReceived:
            let trace = headers.firstIndex { $0.kind == .received } ?? 0
            let place = headers[trace...].firstIndex { $0.kind != .old && !isTrace($0) }
            headers.insert(header, at: place ?? headers.count)
        }
    }

    private func isTrace(_ header: Header) -> Bool {
        header.kind == .received || header.name.startsIgnoringCase(with: ByteString("resent-"))
    }
}
