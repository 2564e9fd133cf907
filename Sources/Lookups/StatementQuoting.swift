import Bytes

/// Strings made safe for use inside the quotes of an SQL statement (manual, section 9.22).
enum StatementQuoting {
    /// As PostgreSQL reads it; a single quote is doubled, since that is right whatever the server thinks of backslashes.
    static func postgresql(_ text: ByteString) -> ByteString { quoted(text, apostrophe: "''") }

    /// As MySQL reads it.
    static func mysql(_ text: ByteString) -> ByteString { quoted(text, apostrophe: "\\'") }

    /// A backslash before double quotes and backslashes, and for control characters.
    private static func quoted(_ text: ByteString, apostrophe: ByteString) -> ByteString {
        var result = ByteString()
        for octet in text {
            switch octet {
            case UInt8(ascii: "'"): result += apostrophe
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += ByteString([UInt8(ascii: "\\"), octet])
            case 0x0A: result += "\\n" as ByteString
            case 0x09: result += "\\t" as ByteString
            case 0x0D: result += "\\r" as ByteString
            case 0x08: result += "\\b" as ByteString
            default: result.append(octet)
            }
        }
        return result
    }
}
