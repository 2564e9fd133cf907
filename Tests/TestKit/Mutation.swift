package import Bytes

extension ByteString {
    /// The octets with a few random changes: octets replaced, cut out, doubled, or the end cut off.
    package func mutated(using random: inout some RandomNumberGenerator) -> ByteString {
        var result = self
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            guard !result.isEmpty else { return ByteString([.random(in: 0...255, using: &random)]) }
            let place = Int.random(in: 0..<result.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: result[place] = .random(in: 0...255, using: &random)
            case 1: result[place] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
            case 2: result.replaceSubrange(place..<result.count, with: ByteString())
            case 3: result.replaceSubrange(place..<place, with: ByteString(result[0..<place]))
            default: result.replaceSubrange(place..<(place + 1), with: ByteString())
            }
        }
        return result
    }

    /// The octets with some replaced, taken out, or put in; new ones come from an alphabet.
    package func mutated(
        alphabet: ByteString, using random: inout some RandomNumberGenerator
    ) -> ByteString {
        var result = self
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let octet = alphabet.randomElement(using: &random) ?? 0
            let place = Int.random(in: 0...result.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0 where place < result.count: result[place] = octet
            case 1 where place < result.count: result.remove(at: place)
            default: result.insert(octet, at: place)
            }
        }
        return result
    }
}
