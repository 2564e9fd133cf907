import Bytes
import Glibc

/// Converts between character sets with the C library.
enum Charset {
    /// The octets in another character set; an octet that cannot be converted becomes a question mark.
    ///
    /// - Throws: Exim's text when the library does not know the pair.
    static func convert(
        _ octets: ByteString, from source: ByteString, to target: ByteString
    ) throws(ExpansionError) -> ByteString {
        if source.equalsIgnoringCase(target) { return octets }
        let (converted, _) = try run(octets, from: source, to: target, stops: false)
        return converted
    }

    /// The octets in another character set, all of them.
    ///
    /// - Throws: Exim's text when the library does not know the pair, and for the first octet that cannot be converted.
    static func convertWhole(
        _ octets: ByteString, from source: ByteString, to target: ByteString
    ) throws(ExpansionError) -> ByteString {
        let (converted, number) = try run(octets, from: source, to: target, stops: true)
        guard let number else { return converted }
        throw .failed("iconv() failed to convert from \(source): \(FileAccess.reason(number))")
    }

    /// Converts up to the end, or where it `stops`, to what cannot be converted; gives the errno of that, too.
    private static func run(
        _ octets: ByteString, from source: ByteString, to target: ByteString, stops: Bool
    ) throws(ExpansionError) -> (ByteString, CInt?) {
        let converter = unsafe iconv_open(target.string, source.string)
        let refused = unsafe iconv_t(bitPattern: -1)
        guard unsafe converter != refused else {
            throw .failed(
                """
                iconv_open("\(target)", "\(source)") failed: \(FileAccess.reason(errno))\
                \(errno == EINVAL ? " (maybe unsupported conversion)" : "")
                """)
        }
        defer { unsafe iconv_close(converter) }
        var input = octets.bytes.map { CChar(bitPattern: $0) }
        var result = ByteString()
        var start = 0
        while start < input.count {
            var room = [CChar](repeating: 0, count: 4 * (input.count - start) + 16)
            var left = input.count - start
            var free = room.count
            let status = unsafe input.withUnsafeMutableBufferPointer { source in
                unsafe room.withUnsafeMutableBufferPointer { target in
                    var from = unsafe source.baseAddress?.advanced(by: start)
                    var to = target.baseAddress
                    return unsafe iconv(converter, &from, &left, &to, &free)
                }
            }
            let number = errno
            result += room.prefix(room.count - free).map { UInt8(bitPattern: $0) }
            start = input.count - left
            guard status == Int.max || status == -1 || status == Int(bitPattern: UInt.max),
                start < input.count
            else { continue }
            if stops { return (result, number) }
            result.append(UInt8(ascii: "?"))
            start += 1
        }
        return (result, nil)
    }
}
