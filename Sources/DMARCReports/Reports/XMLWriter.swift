package import Bytes

/// Writes XML elements, indented, with everything escaped (XML 1.0, section 2.4).
struct XMLWriter {
    private(set) var text = ByteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
    private var open: [ByteString] = []

    /// Takes away and gives what was written so far.
    mutating func drain() -> ByteString {
        defer { text = ByteString() }
        return text
    }

    /// Writes an element with others inside.
    mutating func element(_ name: ByteString, _ body: (inout XMLWriter) -> Void) {
        begin(name)
        body(&self)
        end()
    }

    /// Opens an element, perhaps of a namespace.
    mutating func begin(_ name: ByteString, namespace: ByteString? = nil) {
        let attribute = namespace.map { " xmlns=\"\(XMLText.escaped($0))\"" as ByteString } ?? ""
        text += "\(indentation)<\(name)\(attribute)>\n" as ByteString
        open.append(name)
    }

    /// Closes the element opened last.
    mutating func end() {
        guard let name = open.popLast() else { return }
        text += "\(indentation)</\(name)>\n" as ByteString
    }

    /// Writes an element with text.
    mutating func element(_ name: ByteString, _ value: ByteString) {
        text += "\(indentation)<\(name)>\(XMLText.escaped(value))</\(name)>\n" as ByteString
    }

    private var indentation: ByteString { ByteString(repeatElement(UInt8.blank, count: 2 * open.count)) }
}

/// Text inside XML and HTML.
package enum XMLText {
    /// The text with markup characters as entities; controls, which XML cannot have, as `?`.
    package static func escaped(_ value: ByteString) -> ByteString {
        var result = ByteString()
        result.reserveCapacity(value.count)
        for octet in value.string.utf8 {
            switch octet {
            case UInt8(ascii: "&"): result += "&amp;" as ByteString
            case UInt8(ascii: "<"): result += "&lt;" as ByteString
            case UInt8(ascii: ">"): result += "&gt;" as ByteString
            case UInt8(ascii: "\""): result += "&quot;" as ByteString
            case 0x00..<0x09, 0x0B, 0x0C, 0x0E..<0x20, 0x7F: result.append(UInt8(ascii: "?"))
            default: result.append(octet)
            }
        }
        return result
    }
}
