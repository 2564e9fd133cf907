package import Bytes
package import Expansion
package import MailText

extension Rewriter {
    /// Rewrites the addresses of a header line, and completes those without a domain; nil when the line holds none or
    /// none changes.
    ///
    /// What cannot be parsed stays as it is, and so does what has no domain where `domain` is nil.
    package func rewrite(
        _ header: Header, qualifyingWith domain: ByteString?, _ facts: Facts
    ) async -> (Header?, [RewriteEvent]) {
        guard header.kind.rewriteFlag != nil, let colon = header.text.firstIndex(of: UInt8(ascii: ":"))
        else { return (nil, []) }
        var line = AddressLine(header.text, from: colon + 1)
        var events: [RewriteEvent] = []
        for item in AddressParser.parseList(line.list) {
            guard case .success(let parsed) = item.outcome, !parsed.address.isNull else {
                if case .failure(let error) = item.outcome, !isEmpty {
                    events.append(.noAddress(error.message))
                }
                continue
            }
            guard let address = Self.qualified(parsed.address, with: domain) else { continue }
            let new = await rewritten(address, .tainted, as: .header(header.kind), facts, &events)
            if let whole = new?.whole {
                line.replaceWhole(item, with: whole)
            } else if (new?.address ?? address) != parsed.address {
                line.replace(item, parsed, with: (new?.address ?? address).text)
            }
        }
        return (line.isChanged ? Header(line.finished, kind: header.kind) : nil, events)
    }

    /// Rewrites the addresses of a header line; nil when none changes.
    ///
    /// Throws where a rule cannot be applied.
    package func rewrite(_ header: Header, _ facts: Facts) async throws(ExpansionError) -> Header? {
        let (new, events) = await rewrite(header, qualifyingWith: nil, facts)
        for case .problem(let text) in events { throw .failed(text) }
        return new
    }

    private static func qualified(_ address: EmailAddress, with domain: ByteString?) -> EmailAddress? {
        if address.isQualified { return address }
        return domain.map { address.qualified(with: $0) }
    }
}

/// A domain that addresses in header lines get in the place of another.
package struct DomainChange: Sendable, Hashable {
    /// The domain that the addresses have.
    package var from: ByteString
    /// The one that they get.
    package var to: ByteString

    /// A line with the changed addresses; nil when it has none.
    package func applied(to header: Header) -> Header? {
        guard header.kind.rewriteFlag != nil, let colon = header.text.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        var line = AddressLine(header.text, from: colon + 1)
        for item in AddressParser.parseList(line.list) {
            guard case .success(let parsed) = item.outcome, !parsed.address.isNull,
                parsed.address.domain.equalsIgnoringCase(from)
            else { continue }
            line.replace(item, parsed, with: "\(parsed.address.localPart)@\(to)")
        }
        return line.isChanged ? Header(line.finished, kind: header.kind) : nil
    }
}

/// A header line whose addresses are replaced from left to right.
private struct AddressLine {
    /// What follows the colon.
    let list: ByteString
    private(set) var isChanged = false
    private var result: ByteString
    /// How much of the list is in the result.
    private var place = 0

    /// After a changed address that ends behind this column Exim begins a new line, if another address follows.
    private static let width = 40

    init(_ text: ByteString, from start: Int) {
        list = ByteString(text[start...])
        result = ByteString(text[..<start])
    }

    mutating func replace(_ item: AddressItem, _ old: ParsedAddress, with new: ByteString) {
        take(to: item.source.lowerBound)
        // A newline in front of the item does not count, as in Exim.
        let line = result.lastIndex(of: .newline).map { $0 + 1 } ?? 0
        take(to: withRoute(old.place.lowerBound))
        result += new
        place = old.place.upperBound
        isChanged = true
        fold(lineFrom: line)
    }

    /// A source route is gone with the address that it led to.
    private func withRoute(_ start: Int) -> Int {
        guard let open = list[place..<start].lastIndex(of: UInt8(ascii: "<")) else { return start }
        return list[(open + 1)..<start].trimmedStart().first == UInt8(ascii: "@") ? open + 1 : start
    }

    /// Flag `w`: the display name goes too.
    mutating func replaceWhole(_ item: AddressItem, with new: ByteString) {
        let old = list[item.source].trimmed()
        take(to: old.startIndex)
        result += new
        place = old.endIndex
        isChanged = true
    }

    private mutating func take(to end: Int) {
        guard end > place else { return }
        result += list[place..<end]
        place = end
    }

    private mutating func fold(lineFrom line: Int) {
        guard let comma = commaBehindAddress else { return }
        let next = list[comma...].firstIndex { !$0.isASCIISpace && $0 != UInt8(ascii: ",") } ?? list.endIndex
        guard next < list.endIndex, !list[place..<next].contains(.newline) else { return }
        take(to: next)
        if result.count - line > Self.width { result += "\n\t" as ByteString }
    }

    /// The comma that ends the address just replaced, with what stands behind it: a bracket, comments, a group's end.
    private var commaBehindAddress: Int? {
        var depth = 0
        for index in place..<list.count {
            switch list[index] {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"): depth -= 1
            case UInt8(ascii: ",") where depth == 0: return index
            case UInt8(ascii: "\""), UInt8(ascii: "<"): return nil
            default: break
            }
        }
        return nil
    }

    var finished: ByteString { result + list[place...] }
}
