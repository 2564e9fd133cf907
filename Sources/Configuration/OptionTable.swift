import Bytes

/// The options that one section or driver knows.
struct OptionTable: Sendable {
    /// Options of one kind and one state of support; names with blanks or newlines between them.
    struct Row: Sendable {
        var kind: OptionKind
        var support: OptionSupport
        var names: String

        init(_ kind: OptionKind, _ support: OptionSupport, _ names: String) {
            self.kind = kind
            self.support = support
            self.names = names
        }
    }

    /// What is known of one option.
    struct Entry: Sendable {
        var kind: OptionKind
        var support: OptionSupport
    }

    private(set) var entries: [ByteString: Entry] = [:]

    init(_ rows: [Row]) {
        for row in rows {
            for name in row.names.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
                entries[ByteString(name)] = Entry(kind: row.kind, support: row.support)
            }
        }
    }

    /// The option of that name.
    subscript(_ name: ByteString) -> Entry? { entries[name] }
}
