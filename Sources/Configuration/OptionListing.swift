package import Bytes

/// An option that a section or driver knows, for those who print configurations.
package struct KnownOption: Sendable, Hashable {
    /// Its name.
    package var name: ByteString
    /// The type of its value.
    package var kind: OptionKind
}

extension OptionBlock {
    /// The options that may be set here, each table in alphabetical order; a driver's generic options come first.
    package var knownOptions: [KnownOption] {
        tables.flatMap { table in
            table.entries.map { KnownOption(name: $0.key, kind: $0.value.kind) }.sorted { $0.name < $1.name }
        }
    }
}
