import Bytes
import MailText

/// `lsearch`, `wildlsearch`, `nwildlsearch` and `iplsearch` (manual, section 9.3).
struct LinearSearch: LookupDriver {
    /// What the keys in the file are.
    enum Keys: Sendable, Hashable {
        /// Strings, compared without regard to case.
        case plain
        /// Patterns: `*` before a literal tail, `^` before a regular expression.
        case wild(expanded: Bool)
        /// IP addresses and blocks.
        case addresses
    }

    let keys: Keys
    let files: FileCache
    let patterns = PatternCache()

    var style: LookupStyle { .singleKey }

    func find(_ request: LookupRequest) async -> LookupOutcome {
        let file: FileContents
        do {
            file = try files.contents(of: request.file, purpose: "linear search", lookup: "lsearch")
        } catch {
            return .unusable(error.text)
        }
        let entries = file.entries
        let full = request.option("ret") == "full"
        switch keys {
        case .plain:
            return outcome(entries.first(withKey: request.key), in: file, full)
        case .wild(let expanded):
            return await findPattern(request, entries, expanded: expanded, full, file)
        case .addresses:
            return findAddress(request.key, entries, full, file)
        }
    }

    private func outcome(_ entry: LinearEntry?, in file: FileContents, _ full: Bool) -> LookupOutcome {
        guard let entry else { return .notFound }
        return .found(full ? entry.line(of: file.bytes) : entry.data(of: file.bytes))
    }

    private func findPattern(
        _ request: LookupRequest, _ entries: LinearEntries, expanded: Bool, _ full: Bool, _ file: FileContents
    ) async -> LookupOutcome {
        for entry in entries.all {
            var pattern = entry.key
            if expanded {
                switch await request.expandKey(pattern) {
                case .success(let text): pattern = text
                case .failure(let trouble): return .deferred(trouble.text)
                }
            }
            switch KeyPattern.matches(pattern, request.key, patterns) {
            case .success(true): return outcome(entry, in: file, full)
            case .success(false): continue
            case .failure(let trouble): return .deferred(trouble.text)
            }
        }
        return .notFound
    }

    private func findAddress(
        _ key: ByteString, _ entries: LinearEntries, _ full: Bool, _ file: FileContents
    ) -> LookupOutcome {
        if key == "*" { return outcome(entries.first(withKey: "*"), in: file, full) }
        guard let wanted = IPAddress(key)?.unmapped else {
            return .deferred(
                """
                "\(key)" is not a valid iplsearch key (an IP address, with optional CIDR mask, is wanted): \
                in a host list, use net-iplsearch as the search type
                """)
        }
        let entry = entries.all.first { IPNetwork($0.key)?.contains(wanted) == true }
        return outcome(entry, in: file, full)
    }
}

/// How a key with wildcards is compared: regular expression, tail, or literally; case is not regarded.
enum KeyPattern {
    static func matches(
        _ pattern: ByteString, _ subject: ByteString, _ cache: PatternCache
    ) -> Result<Bool, LookupTrouble> {
        if pattern.first == UInt8(ascii: "^") {
            do {
                let regex = try cache.pattern(pattern, caseless: true)
                return .success(try regex.firstMatch(in: subject) != nil)
            } catch {
                return .failure(LookupTrouble("regular expression error in \"\(pattern)\": \(error.words)"))
            }
        }
        guard pattern.first == UInt8(ascii: "*") else { return .success(pattern.equalsIgnoringCase(subject)) }
        let tail = pattern.dropFirst()
        return .success(tail.count <= subject.count && subject.suffix(tail.count).equalsIgnoringCase(tail))
    }
}
