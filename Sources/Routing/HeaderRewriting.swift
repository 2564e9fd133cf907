import Bytes
package import Expansion
package import MailText

extension Rewriter {
    /// Rewrites the addresses of a header line; nil when the line holds none or none changes.
    ///
    /// Unqualified addresses and such as cannot be parsed stay as they are.
    package func rewrite(_ header: Header, _ facts: Facts) async throws(ExpansionError) -> Header? {
        guard header.kind.rewriteFlag != nil, let colon = header.text.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        let list = ByteString(header.text[(colon + 1)...])
        var result = ByteString()
        var place = 0
        var isChanged = false
        for item in AddressParser.parseList(list) {
            guard case .success(let parsed) = item.outcome, !parsed.address.isNull,
                parsed.address.isQualified,
                let rewritten = try await rewritten(parsed.address, as: .header(header.kind), facts),
                rewritten.whole != nil || rewritten.address != parsed.address
            else { continue }
            let replaced = rewritten.whole == nil ? parsed.place : Self.withoutBlanks(item.source, list)
            result += list[place..<replaced.lowerBound]
            result += rewritten.whole ?? rewritten.address.text
            place = replaced.upperBound
            isChanged = true
        }
        guard isChanged else { return nil }
        result += list[place..<list.count]
        return Header(ByteString(header.text[...colon]) + result, kind: header.kind)
    }

    private static func withoutBlanks(_ range: Range<Int>, _ list: ByteString) -> Range<Int> {
        let inner = list[range].trimmed()
        return inner.startIndex..<inner.endIndex
    }
}
