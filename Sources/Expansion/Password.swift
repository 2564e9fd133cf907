import Bytes
import CCrypt
import OpenSSL

/// The `crypteq` condition: `{md5}`, `{sha1}`, `{crypt}`, `{crypt16}`, or what crypt() made.
enum Password {
    static func matches(_ plain: ByteString, _ encrypted: ByteString) throws(ExpansionError) -> Bool {
        guard encrypted.first == UInt8(ascii: "{") else { return crypted(plain, encrypted) }
        guard let close = encrypted.firstIndex(of: UInt8(ascii: "}")) else {
            throw .failed("unknown encryption mechanism in \"\(encrypted)\"")
        }
        let rest = ByteString(encrypted[(close + 1)...])
        switch ByteString(encrypted[1..<close]).lowercasedASCII() {
        case "md5": return try digest(plain, .md5, is: rest, base64Length: 24, hexLength: 32)
        case "sha1": return try digest(plain, .sha1, is: rest, base64Length: 28, hexLength: 40)
        case "crypt": return crypted(plain, rest)
        default: throw .failed("unknown encryption mechanism in \"\(encrypted)\"")
        }
    }

    private static func digest(
        _ plain: ByteString, _ algorithm: Digest.Algorithm, is wanted: ByteString, base64Length: Int,
        hexLength: Int
    ) throws(ExpansionError) -> Bool {
        let octets = try Hashing.digest(plain, algorithm)
        if wanted.count == base64Length { return Base64.encode(octets) == wanted }
        return wanted.count == hexLength && Hex.encode(octets).equalsIgnoringCase(wanted)
    }

    /// The largest state that libcrypt wants, in octets.
    private static let stateSize = MemoryLayout<crypt_data>.size

    private static func crypted(_ plain: ByteString, _ setting: ByteString) -> Bool {
        let made = unsafe withUnsafeTemporaryAllocation(byteCount: stateSize, alignment: 16) {
            room -> ByteString? in
            unsafe room.initializeMemory(as: UInt8.self, repeating: 0)
            guard let start = room.baseAddress,
                let text = unsafe crypt_r(
                    plain.cString, setting.cString, start.assumingMemoryBound(to: crypt_data.self))
            else { return nil }
            return ByteString(unsafe String(cString: text))
        }
        return !setting.isEmpty && made == setting
    }
}
