package import Bytes

/// What a filter may hold.
package struct FilterRights: Sendable, Hashable {
    /// Whether it is the system's filter, which may change header lines.
    package var isSystem = false
    /// `allow_fail`.
    package var mayFail = false
    /// `allow_freeze`.
    package var mayFreeze = false
    /// `allow_defer`.
    package var mayDefer = false
    /// Not `forbid_filter_logwrite`.
    package var mayLog = true

    /// The rights of a user's filter.
    package init() {}

    /// The rights of the system's filter.
    package static var system: FilterRights {
        var rights = FilterRights()
        (rights.isSystem, rights.mayFail, rights.mayFreeze, rights.mayDefer) = (true, true, true, true)
        return rights
    }
}

/// A filter that has been read.
package struct FilterFile: Sendable, Hashable {
    /// What a file's first line makes of it.
    package enum Kind: Sendable, Hashable {
        /// `# Exim filter`.
        case exim
        /// `# Sieve filter`.
        case sieve
        /// A list of addresses.
        case list
    }

    /// The most octets of a filter.
    package static let largest = 1 << 20

    /// Its commands.
    package let commands: [FilterCommand]

    /// Reads a filter, its first line included; throws with Exim's text.
    package init(_ text: ByteString, _ rights: FilterRights) throws(FilterError) {
        guard text.count <= Self.largest else { throw FilterError("filter file is too big") }
        var parser = FilterParser(text, rights)
        commands = try parser.file()
    }

    /// Tells of a text whether it is a filter: case and blanks do not matter.
    package static func kind(of text: ByteString) -> Kind {
        var rest = text[...].trimmedStart()
        guard rest.first == UInt8(ascii: "#") else { return .list }
        rest = rest.dropFirst().skippingBlanks
        for (word, kind) in [("exim", Kind.exim), ("sieve", .sieve)]
        where rest.startsIgnoringCase(with: ByteString(word)) {
            let behind = rest.dropFirst(word.count).skippingBlanks
            return behind.startsIgnoringCase(with: ByteString("filter")) ? kind : .list
        }
        return .list
    }
}

extension ArraySlice<UInt8> {
    fileprivate var skippingBlanks: ArraySlice<UInt8> { drop { $0 == .blank || $0 == 0x09 } }
}

/// Reads commands and conditions.
struct FilterParser {
    /// How deep `if` commands and brackets may nest.
    static let deepest = 50

    let rights: FilterRights
    var reader: FilterReader
    var depth = 0

    init(_ text: ByteString, _ rights: FilterRights) {
        self.rights = rights
        reader = FilterReader(text)
    }

    mutating func file() throws(FilterError) -> [FilterCommand] {
        let (commands, end) = try list(endingWith: [])
        precondition(end.isEmpty, "without ends only the end of the file ends a list")
        return commands
    }

    /// Reads commands until one of the words, which is given back; an empty one at the end of the file.
    mutating func list(
        endingWith ends: Set<ByteString>
    ) throws(FilterError) -> ([FilterCommand], end: ByteString) {
        var commands: [FilterCommand] = []
        while !reader.isAtEnd {
            let word = try reader.word()
            if !word.isQuoted, ends.contains(word.text) { return (commands, word.text) }
            commands.append(try command(word))
        }
        guard ends.isEmpty else { throw FilterError("\"endif\" missing at end of filter file") }
        return (commands, "")
    }

    /// The place of an error, as Exim words it.
    var near: ByteString { "near line \(reader.line) of filter file" }

    mutating func deeper<Value>(
        _ read: (inout FilterParser) throws(FilterError) -> Value
    ) throws(FilterError) -> Value {
        guard depth < Self.deepest else { throw FilterError("too deep nesting \(near)") }
        depth += 1
        defer { depth -= 1 }
        return try read(&self)
    }
}
