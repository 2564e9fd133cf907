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
        return unsafe run(converter, octets)
    }

    private static func run(_ converter: iconv_t?, _ octets: ByteString) -> ByteString {
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
            result += room.prefix(room.count - free).map { UInt8(bitPattern: $0) }
            start = input.count - left
            guard status == Int.max || status == -1 || status == Int(bitPattern: UInt.max),
                start < input.count
            else { continue }
            result.append(UInt8(ascii: "?"))
            start += 1
        }
        return result
    }
}
