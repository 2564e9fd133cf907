import Bytes
import DNS
import OpenSSL
import PolicyChecks
import TestKit

/// What the tests of DKIM share: keys, messages with LF line ends, and a whole check.
enum DKIMSamples {
    static let zoneText = fixture("dkim-zone.txt").string
    static let zone = TestZone(zoneText)
    static let (rsaKey, ed25519Key) = (fixture("dkim-rsa.key"), fixture("dkim-ed25519.key"))
    /// The last 32 octets of the key's DER, in base64, as dkimpy wants it.
    static let ed25519Seed = Base64.encode(
        (Base64.decode(
            ed25519Key.split(separator: .newline).dropFirst().dropLast().flatMap { Array($0) }) ?? "").suffix(
                32))

    /// The zone for a stranger.
    static var keys: [ByteString: ByteString] {
        Dictionary(
            uniqueKeysWithValues: zoneText.split(separator: "\n").map { line in
                let words = line.split(separator: " ", maxSplits: 2)
                return (ByteString(words[0]), ByteString(words[2]))
            })
    }

    /// The header lines of a message, and where its body begins.
    static func parts(_ message: ByteString) -> (lines: [ByteString], body: ArraySlice<UInt8>) {
        var lines: [ByteString] = []
        var rest = message[...]
        while let end = rest.firstIndex(of: .newline) {
            let line = rest[rest.startIndex...end]
            rest = rest[(end + 1)...]
            if line.count == 1 { break }
            if line.first == .blank || line.first == 0x09, !lines.isEmpty {
                lines[lines.count - 1] += line
            } else {
                lines.append(ByteString(line))
            }
        }
        return (lines, rest)
    }

    /// What checking a message comes to, signature by signature.
    static func check(_ message: ByteString, _ rules: DKIMRules = rules) async -> [DKIMVerdict] {
        let (lines, body) = parts(message)
        guard let hashing = DKIMHashing(lines) else { return [] }
        hashing.take(body)
        return await DKIMVerifier(zone, rules).check(hashing.finish())
    }

    /// Rules that take any key.
    static var rules: DKIMRules {
        var rules = DKIMRules()
        rules.smallestKeys = [:]
        return rules
    }

    /// An order for a signature of sign.test.
    static func order(_ type: KeyType, _ form: DKIMCanonicalization) -> DKIMSigningOrder {
        var order = DKIMSigningOrder(
            domain: "sign.test", selector: type == .rsa ? "rsa" : "ed",
            key: type == .rsa ? rsaKey : ed25519Key)
        order.form = form
        return order
    }

    /// A message with signatures.
    static func signed(_ message: ByteString, _ orders: [DKIMSigningOrder]) throws -> ByteString {
        let signing = DKIMSigning(orders)
        try signing.take(message.bytes[...])
        return try signing.finish(at: 1_700_000_000) + message
    }

    /// A message that no two seeds make alike: names, blanks, folds, empty lines and odd octets.
    static func message(_ random: inout SeededGenerator) -> ByteString {
        var text: ByteString = "From: a@sign.test\n"
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let name = ["Subject", "TO", "x-a", "Cc", "References"].randomElement(using: &random) ?? ""
            text += "\(ByteString(name)):\(words(&random))\n" as ByteString
            if Bool.random(using: &random) { text += "\t\(words(&random))x\n" as ByteString }
        }
        text.append(.newline)
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            text += Bool.random(using: &random) ? words(&random) : ""
            text.append(.newline)
        }
        return text
    }

    private static func words(_ random: inout SeededGenerator) -> ByteString {
        let pieces: [ByteString] = [" ", "  ", "\t", " \t ", "a", "Word", "=3D", ";", ".", "\u{E9}", "From "]
        return (0..<Int.random(in: 0...6, using: &random)).reduce(into: "") { text, _ in
            text += pieces.randomElement(using: &random) ?? ""
        }
    }
}

extension ByteString {
    /// The same with CRLF line ends.
    var withCRLF: ByteString { replacing(ByteString("\n"), with: ByteString("\r\n")) }
    /// The same with LF line ends.
    var withLF: ByteString { replacing(ByteString("\r\n"), with: ByteString("\n")) }
}
