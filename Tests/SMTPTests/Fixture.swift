import Bytes
import Glibc

/// Reads a file of this directory's `Fixtures`.
func fixture(_ name: String, file: String = #filePath) -> ByteString {
    let directory = file.split(separator: "/").dropLast().joined(separator: "/")
    return readFile("/\(directory)/Fixtures/\(name)")
}

func readFile(_ path: String) -> ByteString {
    let descriptor = unsafe open(path, O_RDONLY)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = unsafe read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return ByteString(result) }
        result += buffer.prefix(count)
    }
}

/// A small seeded generator (SplitMix64), so that fuzz runs are the same each time.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// The octets with some replaced, taken out, or put in.
    mutating func mutated(_ octets: ByteString, alphabet: ByteString) -> ByteString {
        var result = octets
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            let octet = alphabet.randomElement(using: &self) ?? 0
            let place = Int.random(in: 0...result.count, using: &self)
            switch Int.random(in: 0..<3, using: &self) {
            case 0 where place < result.count: result[place] = octet
            case 1 where place < result.count: result.remove(at: place)
            default: result.insert(octet, at: place)
            }
        }
        return result
    }
}
