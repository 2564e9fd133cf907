package import Bytes

/// Which log.
package enum LogKind: Sendable, Hashable, CaseIterable {
    /// `mainlog`.
    case main
    /// `rejectlog`.
    case reject
    /// `paniclog`.
    case panic

    var word: ByteString {
        switch self {
        case .main: "main"
        case .reject: "reject"
        case .panic: "panic"
        }
    }
}

/// Where logs are written: the value of `log_file_path` (manual, sections 53.1 and 53.3).
package struct LogPath: Sendable, Hashable {
    /// The template of the file names with `%s`, and `%D` or `%M` perhaps; nil when only syslog is wanted.
    package let template: ByteString?
    /// Whether `syslog` is an item.
    package let usesSyslog: Bool

    /// Why a value cannot be used.
    package enum Problem: Error, Hashable, Sendable {
        /// An item that is no absolute path.
        case notAbsolute(item: ByteString)
        /// An item without `%s`.
        case noLogName(item: ByteString)
    }

    /// The directory of the files; nil when only syslog is wanted.
    package var directory: ByteString? {
        template?.cutAtLast(UInt8(ascii: "/")).map { ByteString($0.before) }
    }

    /// Reads the option's value; an empty item stands for `<spool>/log/%slog`.
    package init(parsing value: ByteString, spoolDirectory: ByteString) throws(Problem) {
        let items = value.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            .map { ByteString($0.trimmed()) }
        usesSyslog = items.contains("syslog")
        let files = items.filter { $0 != "syslog" }
        guard let first = files.first else {
            template = nil
            return
        }
        if first.isEmpty {
            template = "\(spoolDirectory)/log/%slog"
            return
        }
        guard first.first == UInt8(ascii: "/") else { throw .notAbsolute(item: first) }
        guard first.contains(ByteString("%s")) else { throw .noLogName(item: first) }
        template = first
    }

    /// The file of a log; nil when only syslog is wanted.
    ///
    /// The panic log's name has no date.
    package func file(of kind: LogKind, datestamp: ByteString) -> ByteString? {
        guard var name = template else { return nil }
        if kind == .panic { name = Self.withoutDate(name) }
        name = name.replacing(ByteString("%s"), with: kind.word)
        name = name.replacing(ByteString("%D"), with: datestamp)
        return name.replacing(ByteString("%M"), with: datestamp.prefix(6))
    }

    // Takes the date out with a separator: the one after it when it follows a slash, else the one before it.
    private static func withoutDate(_ template: ByteString) -> ByteString {
        let mark = template.firstRange(of: ByteString("%D")) ?? template.firstRange(of: ByteString("%M"))
        guard let mark else { return template }
        var before = template[0..<mark.lowerBound]
        var after = template[mark.upperBound...]
        if before.last == UInt8(ascii: "/") {
            if let next = after.first, !next.isASCIIAlphanumeric, next != UInt8(ascii: "%") {
                after = after.dropFirst()
            }
        } else if let last = before.last, !last.isASCIIAlphanumeric {
            before = before.dropLast()
        }
        return ByteString(before) + after
    }
}
