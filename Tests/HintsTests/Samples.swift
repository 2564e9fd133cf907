import Bytes
import Hints
import TestKit

/// Real databases that Exim wrote, read with SQLite's own program, so that nothing under test is in between.
enum Samples {
    static let folders: [(HintsLayout, String)] = [
        (.released, "v1-exim-4.99.1"), (.versioned, "v2-exim-4.100-dev"),
    ]

    static func path(_ folder: String, _ name: String) -> String {
        let here = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        return "/\(here)/Fixtures/\(folder)/\(name).sqlite3"
    }

    /// Every record of a database file: key with its NUL, and value, in key order.
    static func dump(_ path: String) throws -> [(key: ByteString, value: ByteString)] {
        let sqlite = try Program("sqlite3", package: "sqlite3")
        let text = try sqlite.run([
            "-readonly", path, "SELECT hex(ky) || ' ' || hex(dat) FROM tblblob ORDER BY ky",
        ])
        return text.split(separator: .newline).compactMap { line in
            guard let halves = ByteString(line).cut(at: .blank), let key = Hex.decode(halves.before),
                let value = Hex.decode(halves.after)
            else { return nil }
            return (key, value)
        }
    }

    /// The records of one kind of database in both layouts.
    static func records(_ names: [String]) throws -> [(
        layout: HintsLayout, key: ByteString, value: ByteString
    )] {
        var all: [(HintsLayout, ByteString, ByteString)] = []
        for (layout, folder) in folders {
            for name in names where layout == .versioned || name != "wait-smtp_tls" {
                for (key, value) in try dump(path(folder, name)) {
                    all.append((layout, ByteString(key.dropLast()), value))
                }
            }
        }
        return all
    }
}
