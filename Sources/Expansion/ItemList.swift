package import Bytes

/// Exim's lists where nothing is expanded (manual, section 6.20): `<c` changes the separator, doubling keeps it.
package enum ItemList {
    /// The items without blanks around them; empty ones are left out.
    package static func split(_ text: ByteString?, separator: UInt8) -> [ByteString] {
        guard let text else { return [] }
        var rest = text[...].trimmedStart()
        var separator = separator
        if rest.first == UInt8(ascii: "<"), let chosen = rest.dropFirst().first, isSeparator(chosen) {
            separator = chosen
            rest = rest.dropFirst(2)
        }
        var items: [ByteString] = []
        var item = ByteString()
        var index = rest.startIndex
        while index < rest.endIndex {
            if rest[index] == separator {
                if index + 1 < rest.endIndex, rest[index + 1] == separator {
                    item.append(separator)
                    index += 2
                    continue
                }
                items.append(ByteString(item.trimmed()))
                item = ByteString()
            } else {
                item.append(rest[index])
            }
            index += 1
        }
        items.append(ByteString(item.trimmed()))
        return items.filter { !$0.isEmpty }
    }

    private static func isSeparator(_ octet: UInt8) -> Bool {
        octet.isASCIIPrinting && !octet.isASCIIAlphanumeric && octet != .blank
    }
}
