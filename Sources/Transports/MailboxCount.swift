import Bytes
import MailText

/// Finds how much lies in a mailbox of many files.
///
/// It follows no symbolic link, so that it never leaves the mailbox.
struct MailboxCount {
    /// How deep directories are looked into.
    static let maximumDepth = 64
    /// The most names that are looked at; what is beyond them counts nothing.
    static let maximumNames = 10_000_000

    private let sizePattern: PCRE2Pattern?
    private var left = maximumNames

    /// Makes a count; `pattern` is `quota_size_regex`, empty for none.
    init(sizePattern pattern: ByteString) throws(TransportTrouble) {
        sizePattern = pattern.isEmpty ? nil : try Self.compiled(pattern)
    }

    /// A regular expression of an option.
    static func compiled(_ pattern: ByteString) throws(TransportTrouble) -> PCRE2Pattern {
        do { return try PCRE2Pattern.compile(pattern) } catch {
            throw TransportTrouble(
                "appendfile: regular expression error: \(error.words) while compiling \(pattern)", errno: -1)
        }
    }

    /// All that lies below a directory; each name counts as a file.
    mutating func everything(in directory: ByteString, depth: Int = 0) -> MailboxAmount {
        guard depth < Self.maximumDepth else { return MailboxAmount() }
        return names(in: directory).reduce(MailboxAmount()) { sum, name in
            let path: ByteString = "\(directory)/\(name)"
            if let said = said(name) { return sum + MailboxAmount(octets: said, files: 1) }
            guard let facts = try? System.status(path, following: false) else {
                return sum + MailboxAmount(octets: 0, files: 1)
            }
            let one = sum + MailboxAmount(octets: Self.size(facts), files: 1)
            return facts.isDirectory ? one + everything(in: path, depth: depth + 1) : one
        }
    }

    /// The messages of a maildir and of its folders, as far as `pattern` chooses the directories.
    mutating func messages(
        of maildir: ByteString, choosing pattern: PCRE2Pattern, depth: Int = 0
    ) -> MailboxAmount {
        guard depth < Self.maximumDepth else { return MailboxAmount() }
        return names(in: maildir).reduce(MailboxAmount()) { sum, name in
            guard (try? pattern.matches(name)) == true else { return sum }
            let path: ByteString = "\(maildir)/\(name)"
            guard let facts = try? System.status(path, following: false), facts.isDirectory else {
                return sum
            }
            let holdsMessages = name == "cur" || name == "new"
            return holdsMessages
                ? sum + everything(in: path, depth: depth + 1)
                : sum + messages(of: path, choosing: pattern, depth: depth + 1)
        }
    }

    private mutating func names(in directory: ByteString) -> ArraySlice<ByteString> {
        guard left > 0, let names = try? System.names(in: directory) else { return [] }
        defer { left -= min(left, names.count) }
        return names.prefix(left)
    }

    /// A file's octets; one with several names counts once over all of them.
    private static func size(_ facts: FileFacts) -> Int64 {
        facts.isRegular ? facts.size / Int64(clamping: max(1, facts.links)) : 0
    }

    /// The size that a name tells, by `quota_size_regex`.
    private func said(_ name: ByteString) -> Int64? {
        guard let sizePattern, let match = try? sizePattern.firstMatch(in: name) else { return nil }
        return match.octets(of: 1, in: name)?.decimalInteger().flatMap { $0 >= 0 ? $0 : nil }
    }
}
