package import Bytes

/// One item of a comma-separated address list.
package struct AddressItem: Sendable, Hashable {
    /// The octets of the item in the list, without the comma, with white space and comments.
    package var source: Range<Int>
    /// The address, its place counted in the whole list, or why there is none.
    package var outcome: Result<ParsedAddress, AddressError>

    /// Makes a value.
    package init(source: Range<Int>, outcome: Result<ParsedAddress, AddressError>) {
        self.source = source
        self.outcome = outcome
    }
}

extension AddressParser {
    /// The items of a comma-separated list, groups included (`Name: a@b, c@d;`); empty items are left out.
    ///
    /// Places are counted in the whole text, so that an address can be rewritten where it stands.
    package static func parseList(_ text: ByteString, rules: AddressRules = AddressRules()) -> [AddressItem] {
        var splitter = AddressListSplitter(text)
        var items: [AddressItem] = []
        while let range = splitter.next() {
            var scanner = AddressScanner(text, in: range, rules: rules)
            scanner.skipComments()
            guard scanner.next != nil else { continue }
            items.append(AddressItem(source: range, outcome: outcome(of: text, in: range, rules)))
        }
        return items
    }

    private static func outcome(
        of text: ByteString, in range: Range<Int>, _ rules: AddressRules
    ) -> Result<ParsedAddress, AddressError> {
        do {
            return .success(try parse(text, in: range, rules: rules))
        } catch {
            return .failure(error)
        }
    }
}

// Parts a list at commas and group marks that stand outside quotes, comments, angle brackets and literals.
private struct AddressListSplitter {
    private let text: ByteString
    private var place = 0
    private var inGroup = false

    init(_ text: ByteString) { self.text = text }

    // The next item, or nil at the end.
    mutating func next() -> Range<Int>? {
        guard place < text.count else { return nil }
        var first = place
        var startsWithRoute = false
        var sawContent = false
        while place < text.count {
            let octet = text[place]
            if !octet.isASCIISpace, !sawContent {
                sawContent = true
                startsWithRoute = octet == UInt8(ascii: "@")
            }
            switch octet {
            case UInt8(ascii: "\""): skip(to: UInt8(ascii: "\""))
            case UInt8(ascii: "<"): skip(to: UInt8(ascii: ">"))
            case UInt8(ascii: "["): skip(to: UInt8(ascii: "]"))
            case UInt8(ascii: "("): skipComment()
            case UInt8(ascii: "\\"): place = min(place + 2, text.count)
            case UInt8(ascii: ":") where !startsWithRoute && !inGroup:
                inGroup = true
                place += 1
                first = place
                sawContent = false
            case UInt8(ascii: ":") where startsWithRoute:
                startsWithRoute = false
                place += 1
            case UInt8(ascii: ";") where inGroup:
                inGroup = false
                return end(from: first)
            case UInt8(ascii: ",") where !startsWithRoute: return end(from: first)
            default: place += 1
            }
        }
        return first..<place
    }

    private mutating func end(from first: Int) -> Range<Int> {
        defer { place += 1 }
        return first..<place
    }

    private mutating func skip(to closing: UInt8) {
        place += 1
        while place < text.count, text[place] != closing {
            if closing == UInt8(ascii: ">"), text[place] == UInt8(ascii: "\"") {
                skip(to: UInt8(ascii: "\""))
                continue
            }
            place += text[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        place = min(place + 1, text.count)
    }

    private mutating func skipComment() {
        var depth = 0
        repeat {
            switch text[place] {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"): depth -= 1
            case UInt8(ascii: "\\"): place += 1
            default: break
            }
            place += 1
        } while depth > 0 && place < text.count
        place = min(place, text.count)
    }
}
