import Bytes
import OpenSSL

/// Digests for operators, and Exim's two old hash functions (manual, `hash` and `nhash`).
enum Hashing {
    static func digest(_ text: ByteString, _ algorithm: Digest.Algorithm) throws(ExpansionError) -> ByteString
    {
        do {
            return try Digest.of(text, algorithm)
        } catch {
            throw .failed(error.description.bytes)
        }
    }

    static func hmac(
        _ text: ByteString, key: ByteString, _ algorithm: Digest.Algorithm
    ) throws(ExpansionError) -> ByteString {
        do {
            return try MessageAuthentication.hmac(text, key: key, algorithm)
        } catch {
            throw .failed(error.description.bytes)
        }
    }

    private static let letters = ByteString("abcdefghijklmnopqrtsuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    private static let usualLetters = 26

    /// `${hash_n_m:...}`: the string folded to `length` octets, each shown as one of the first `count` letters.
    static func letterHash(
        _ text: ByteString, length: Int, letters count: Int?
    ) throws(ExpansionError) -> ByteString {
        let count = count ?? usualLetters
        guard count <= letters.count else { throw .failed("hash count \"\(count)\" too big") }
        guard length < text.count else { return text }
        guard length > 0, count > 0 else { return "" }
        var folded = Array(text.prefix(length))
        for place in length..<text.count {
            let octet = text[place]
            let shift = (Int(octet) + place) & 7
            let wide = UInt16(octet) << UInt16(shift)
            let turned = UInt8(truncatingIfNeeded: wide) | UInt8(truncatingIfNeeded: wide >> 8)
            folded[(place - length) % length] ^= turned
        }
        return ByteString(folded.map { letters[Int($0) % count] })
    }

    /// The weights of `nhash`, for the first octet, the second, and so on, again and again.
    private static let weights: [UInt64] = [
        113, 109, 107, 103, 101, 97, 89, 83, 79, 73, 71, 67, 61, 59, 53, 47, 43, 41, 37, 31, 29, 23, 19, 17,
        13, 11,
        7, 5, 3,
    ]

    /// `${nhash_n_m:...}`: a number below `first`, or two with a slash between them.
    static func numberHash(_ text: ByteString, _ first: Int, _ second: Int?) -> ByteString {
        var total: UInt64 = 0
        for (index, octet) in text.enumerated() { total &+= weights[index % weights.count] &* UInt64(octet) }
        let modulus = UInt64(max(first, 1))
        guard let second else { return "\(total % modulus)" }
        let other = UInt64(max(second, 1))
        let (product, over) = modulus.multipliedReportingOverflow(by: other)
        let rest = over ? total : total % product
        return "\(rest / other)/\(rest % other)"
    }
}

extension String {
    fileprivate var bytes: ByteString { ByteString(self) }
}
