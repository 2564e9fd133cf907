import Bytes

/// `imapfolder`: the name of a mail folder as Courier and those that follow it name directories (manual, section 60.2).
///
/// Modified UTF-7 (RFC 2060, section 5.1.3), in which separators are dots.
struct FolderName {
    /// What parts folders in the name.
    var separator: UInt8
    /// What is encoded though it is printable.
    var special: ByteString

    /// Encodes a name that is in a character set.
    ///
    /// - Throws: Exim's text for a name that is not of that character set, or has a dot or slash that stands for itself.
    func encode(_ name: ByteString, from charset: ByteString) throws(ExpansionError) -> ByteString {
        // As in Exim the character set is of no matter for a name that has nothing to encode.
        if name.allSatisfy(isPlain) { return name }
        let wide: ByteString
        do {
            wide = try Charset.convertWhole(parted(name), from: charset, to: "UTF-16BE")
        } catch {
            throw .failed("imapfolder: \(error.text)")
        }
        var result = ByteString()
        var units: [UInt8] = []
        var rest = wide.bytes[...]
        while let high = rest.popFirst(), let low = rest.popFirst() {
            let octet = high == 0 && low < 0x80 ? low : 0
            if octet == separator {
                Self.flush(&units, &result)
                result.append(UInt8(ascii: "."))
            } else if !octet.isASCIIPrinting || special.contains(octet) {
                units += [high, low]
            } else if octet == UInt8(ascii: ".") || octet == UInt8(ascii: "/") {
                throw .failed("imapfolder: illegal character '\(ByteString([octet]))'")
            } else {
                Self.flush(&units, &result)
                result += octet == UInt8(ascii: "&") ? ByteString("&-") : ByteString([octet])
            }
        }
        Self.flush(&units, &result)
        return result
    }

    /// Whether an octet stands for itself.
    private func isPlain(_ octet: UInt8) -> Bool {
        octet.isASCIIPrinting && octet != separator && !special.contains(octet) && !"&./".utf8.contains(octet)
    }

    /// The name with one separator for several, none at its end, and none at its beginning where it had just one.
    ///
    /// So Exim reads it, which takes it for a list.
    private func parted(_ name: ByteString) -> ByteString {
        let leading = name.prefix { $0 == separator }.count
        let items = name.split(separator: separator).map { ByteString($0) }
        let joined = items.joined(separator: ByteString([separator]))
        return leading > 1 && !items.isEmpty ? ByteString([separator]) + joined : joined
    }

    private static func flush(_ units: inout [UInt8], _ result: inout ByteString) {
        guard !units.isEmpty else { return }
        let encoded = Base64.encode(units).filter { $0 != UInt8(ascii: "=") }
            .map { $0 == UInt8(ascii: "/") ? UInt8(ascii: ",") : $0 }
        result += ByteString("&") + encoded + [UInt8(ascii: "-")]
        units = []
    }
}
