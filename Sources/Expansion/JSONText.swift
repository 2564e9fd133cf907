import Bytes

/// Just enough JSON for `extract json` and `forall_json`: finds elements and members, and does not check them.
enum JSONText {
    /// The elements of an array, as they are written.
    static func elements(of text: ByteString) throws(ExpansionError) -> [ByteString] {
        let body = text.trimmed()
        guard body.first == UInt8(ascii: "["), body.last == UInt8(ascii: "]"), body.count > 1 else {
            throw .failed("missing '[]' wrapping array for json")
        }
        return split(body.dropFirst().dropLast())
    }

    /// The value of a member of an object, as it is written; nil when there is none.
    static func member(_ key: ByteString, of text: ByteString) throws(ExpansionError) -> ByteString? {
        let body = text.trimmed()
        guard body.first == UInt8(ascii: "{") else {
            throw .failed("missing '{' wrapping object for extract json")
        }
        guard body.last == UInt8(ascii: "}"), body.count > 1 else {
            throw .failed("missing '}' wrapping object for extract json")
        }
        for part in split(body.dropFirst().dropLast()) {
            let name = ByteString(part.prefix(stringLength(part[...])))
            guard unquoted(name) == key, let value = part[name.count...].cut(at: UInt8(ascii: ":"))
            else { continue }
            return ByteString(value.after.trimmed())
        }
        return nil
    }

    /// A string without its quotes, for `jsons`; nothing else will do.
    static func string(_ text: ByteString) throws(ExpansionError) -> ByteString {
        guard text.count > 1, text.first == UInt8(ascii: "\""), text.last == UInt8(ascii: "\"") else {
            throw .failed("missing '\"' wrapping string result for extract jsons")
        }
        return unquoted(text)
    }

    /// A string without its quotes; backslash sequences stay as they are.
    static func unquoted(_ text: ByteString) -> ByteString {
        guard text.count > 1, text.first == UInt8(ascii: "\""), text.last == UInt8(ascii: "\"") else {
            return text
        }
        return ByteString(text.dropFirst().dropLast())
    }

    private static func stringLength(_ text: ArraySlice<UInt8>) -> Int {
        var place = text.startIndex + 1
        while place < text.endIndex, text[place] != UInt8(ascii: "\"") {
            place += text[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        return Swift.min(place + 1 - text.startIndex, text.count)
    }

    /// Splits at the commas that stand outside strings, arrays and objects.
    private static func split(_ text: ArraySlice<UInt8>) -> [ByteString] {
        var parts: [ByteString] = []
        var start = text.startIndex
        var place = start
        var depth = 0
        while place < text.endIndex {
            switch text[place] {
            case UInt8(ascii: "\""): place += stringLength(text[place...]) - 1
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            case UInt8(ascii: ",") where depth == 0:
                parts.append(ByteString(text[start..<place].trimmed()))
                start = place + 1
            default: break
            }
            place += 1
        }
        let last = text[start...].trimmed()
        if !last.isEmpty || !parts.isEmpty { parts.append(ByteString(last)) }
        return parts
    }
}
