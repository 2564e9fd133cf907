import ArgumentParser
import Bytes
import Hints

/// `bobbin hints list`.
struct HintsListCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the hints databases of a spool.",
        discussion: """
            Example: the databases of a spool, as JSON Lines
              bobbin hints list --spool /var/spool/exim4 --json
            """)

    @OptionGroup var options: HintsOptions
    @Flag(name: .long, help: "One JSON object a database; doc/bobbin-hints.md lists the keys.")
    var json = false

    mutating func run(on console: Console) async throws {
        for base in try options.site().databases([]) {
            let entry = await HintsListEntry(base)
            console.write(json ? "\(entry.object.text)\n" : "\(entry.line)\n")
        }
    }
}

/// One database of the listing.
struct HintsListEntry: Sendable {
    private let base: HintsBase
    private let size: Int64?
    private var records: Int?
    private var layout: HintsLayout?
    private var reason: ByteString?

    init(_ base: HintsBase) async {
        self.base = base
        size = base.size
        do throws(HintsTrouble) {
            let scan = try base.opened()
            records = try await scan.count()
            layout = scan.layout
        } catch {
            reason = error.reason
        }
    }

    /// The words for a layout, as `hints_layout` has them.
    static func word(_ layout: HintsLayout) -> ByteString { layout == .released ? "released" : "versioned" }

    /// For people.
    var line: ByteString {
        let name = base.name + ByteString(repeatElement(UInt8.blank, count: max(1, 24 - base.name.count)))
        guard let records, let layout else { return "\(name)\(reason ?? "")" }
        guard let size else { return "\(name)\(records, width: 9) records  in \(base.path)" }
        return "\(name)\(records, width: 9) records \(size, width: 12) octets  \(Self.word(layout))"
    }

    /// For programs.
    var object: JSONObject {
        var object = JSONObject()
        object.add("database", base.name)
        object.add("path", base.path)
        object.add("size", size)
        object.add("records", records.map { Int64($0) })
        object.add("layout", layout.map(Self.word))
        if let reason { object.add("error", reason) }
        return object
    }
}
