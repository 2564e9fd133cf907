import Bytes
import Configuration
import Foundation
import TestKit
import Testing

/// Any octets are a configuration or an error with its place.
@Suite("Configuration: any octets")
struct ConfigurationFuzzTests {
    /// Words with which mistakes are made.
    private static let pieces: [ByteString] = [
        "\n", "\\\n", "begin ", "begin acl\n", "begin routers\n", "begin authenticators\n", "driver = ",
        "accept\n", ":", "=",
        "==", "\"", "hide ", "no_", ".ifdef ", ".endif\n", ".else\n", ".include ", "MACRO = MACRO MACRO\n",
        "A == A", "_OPT_",
        "${", "}", "$", "#", "0x", "9999999999999999999999", "K", "5m", "1w", "<;", "\u{0}", "\u{FF}", "\t",
        "  ", "set acl_m",
        "domainlist ", "+", "!", "F,1h,2m;", "G,", ",", "@",
    ]

    /// The longest input; the reader itself allows lines up to a mebibyte.
    private static let longest = 20_000

    private static func mutate(_ text: ByteString, _ generator: inout SeededGenerator) -> ByteString {
        var text = text
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            let place = Int.random(in: 0...text.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0, 1:
                text.replaceSubrange(place..<place, with: pieces.randomElement(using: &generator) ?? "")
            case 2: text.replaceSubrange(place..<min(place + 9, text.count), with: [])
            case 3 where place < text.count: text[place] = UInt8.random(in: 0...255, using: &generator)
            default:
                let end = min(Int.random(in: place...text.count, using: &generator), place + 300)
                text.replaceSubrange(place..<place, with: ByteString(text[place..<end]))
            }
        }
        return ByteString(text.prefix(longest))
    }

    /// The built-in configuration, and the files of the corpora.
    private static func seeds() throws -> [ByteString] {
        let corpora = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../SystemTests/Fixtures/compare").standardized
        let files = ["broken/broken.txt", "config/exim.conf", "route/exim.conf", "rewrite/exim.conf"]
        return [Configuration.builtInText(directory: "/var/spool/bobbin")]
            + (try files.map { ByteString(try Data(contentsOf: corpora.appending(path: $0))) })
    }

    @Test(
        "A changed configuration is read or refused with a place, and never stops the program",
        arguments: [1, 2, 3] as [UInt64])
    func anyOctets(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var refused = 0
        var read = 0
        for text in try Self.seeds() {
            for _ in 0..<150 {
                do throws(ConfigurationError) {
                    _ = try Configuration.read(
                        text: Self.mutate(text, &generator), file: "/nowhere/fuzz.conf")
                    read += 1
                } catch {
                    refused += 1
                    #expect(error.place?.file.isEmpty == false, "\(error)")
                    #expect(
                        (error.place?.line ?? 0) > 0 || error.problem.contains(ByteString("fuzz.conf")),
                        "\(error)")
                    #expect(!error.problem.isEmpty)
                }
            }
        }
        // The changes are neither all harmless nor all fatal.
        #expect(refused > 100)
        #expect(read + refused == 750)
    }

    @Test("A line that macros blow up is refused, however they nest")
    func macroBomb() throws {
        // Each macro is four times the one before it.
        func name(_ level: Int) -> String { "Z" + String(repeating: "B", count: level) + "Z" }
        var text: ByteString = "\(name(0)) = xxxxxxxxxx\n"
        for level in 1...40 {
            let value = Array(repeating: name(level - 1), count: 4).joined(separator: " ")
            text += "\(name(level)) = \(value)\n" as ByteString
        }
        #expect(throws: ConfigurationError.self) {
            try Configuration.read(text: text + ByteString("smtp_banner = \(name(40))\n"), file: "/f")
        }
    }
}
