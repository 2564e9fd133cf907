import Bytes
import Hints
import TestKit

extension Samples {
    /// A file of the fixtures.
    static func text(_ name: String) throws -> ByteString {
        try Program("cat", package: "coreutils").run([fixture(name)])
    }

    static func fixture(_ name: String) -> String {
        let here = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        return "/\(here)/Fixtures/\(name)"
    }

    /// The databases of both layouts that have a dump by the Exim that wrote them.
    static let dumped: [(folder: String, name: String)] = folders.flatMap { layout, folder in
        ["retry", "wait-remote_smtp", "wait-smtp_tls", "callout", "misc", "ratelimit", "seen", "tls"].filter {
            layout == .versioned || $0 != "wait-smtp_tls"
        }.map { (folder, $0) }
    }

    /// All that a dump prints, its complaints after the lines.
    static func dump(_ path: ByteString, _ kind: HintsKind, zone: HintsTime.Zone = .utc) async throws
        -> ByteString
    {
        let scan = try HintsScan(path)
        let dump = HintsDump(kind, layout: scan.layout, zone: zone)
        var (text, complaints) = (ByteString(), ByteString())
        var pages = scan.pages()
        while true {
            let rows = try await pages.next()
            if rows.isEmpty { return text + complaints }
            for piece in rows.map(dump.piece) {
                text += piece.text
                complaints += piece.complaint
            }
        }
    }

    /// As `cat -v` shows octets; the samples were passed through it.
    static func visible(_ octets: ByteString) -> ByteString {
        octets.reduce(into: ByteString()) { text, whole in
            if whole >= 0x80 { text += ByteString("M-") }
            let octet = whole & 0x7F
            switch octet {
            case 0x7F: text += ByteString("^?")
            case 0x09 where whole < 0x80, 0x0A where whole < 0x80: text.append(octet)
            case 0..<0x20: text += ByteString([UInt8(ascii: "^"), octet + 0x40])
            default: text.append(octet)
            }
        }
    }

    /// Copies a sample into a directory as a database of that name.
    static func copy(_ folder: String, _ name: String, to directory: TemporaryDirectory) throws -> ByteString
    {
        let target = directory.file("db/\(ByteString(name))")
        try Program("mkdir", package: "coreutils").run(["-p", directory.file("db").string])
        try Program("cp", package: "coreutils").run([path(folder, name), target.string])
        try Program("chmod", package: "coreutils").run(["u+w", target.string])
        return target
    }
}
