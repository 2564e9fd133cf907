package import Bytes
import MailText

/// Which header lines a signature is for (`dkim_sign_headers`).
package struct DKIMHeaderChoice: Sendable, Hashable {
    private enum Extent: Sendable, Hashable {
        /// One line of that name, or its absence.
        case one
        /// `=name`: all there are.
        case all
        /// `+name`: all there are, and that there are no more.
        case allAndNoMore
    }

    private struct Item: Sendable, Hashable {
        let name: ByteString
        let extent: Extent
    }

    private let items: [Item]

    /// Reads the items of a list.
    package init(_ list: some Sequence<ByteString>) {
        items = list.compactMap { text in
            let extent: Extent
            switch text.first {
            case UInt8(ascii: "="): extent = .all
            case UInt8(ascii: "+"): extent = .allAndNoMore
            default: extent = .one
            }
            let name = ByteString((extent == .one ? text[...] : text.dropFirst()).trimmed())
            return Self.isName(name) ? Item(name: name, extent: extent) : nil
        }
    }

    /// What is no name could end the tag, or the header line.
    private static func isName(_ name: ByteString) -> Bool {
        !name.isEmpty
            && name.allSatisfy {
                $0 > .blank && $0 < 0x7F && $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: ";")
            }
    }

    /// The names for `h=`: of lines that are there from the lowest up, then of those whose absence is signed.
    ///
    /// Names that are there stand as the message spells them.
    func names(in lines: [ByteString]) -> [ByteString] {
        var isUsed = [Bool](repeating: false, count: items.count)
        var names: [ByteString] = []
        for line in lines.reversed() {
            let name = ByteString((line.cut(at: UInt8(ascii: ":"))?.before ?? []).trimmedEnd())
            guard Self.isName(name) else { continue }
            let index = items.indices.first {
                items[$0].name.equalsIgnoringCase(name) && (items[$0].extent != .one || !isUsed[$0])
            }
            guard let index else { continue }
            isUsed[index] = true
            names.append(name)
        }
        for (index, item) in items.enumerated() where item.extent != .all {
            if item.extent == .allAndNoMore || !isUsed[index] { names.append(item.name) }
        }
        return names
    }

    /// What is signed when nothing else is said.
    package static let usual = DKIMHeaderChoice(SignedHeaders.names)
}
