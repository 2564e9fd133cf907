package import Bytes
package import Expansion

/// One line of the `rewrite` section (manual, "Address rewriting").
package struct RewriteRule: Sendable, Hashable {
    /// An address-list item, or a regular expression for flag `S`.
    package var pattern: ByteString
    /// What an address becomes; `*` for none.
    package var replacement: Template
    /// Flags: where it applies (`EFTbcfhrst`, `S`, `X`) and how (`Qqrw`).
    package var flags: ByteString
    /// Where it stands.
    package var place: SourcePlace
}

/// Reads rewrite rules.
struct RewriteRuleParser {
    let place: SourcePlace

    func parse(_ line: ByteString) throws(ConfigurationError) -> RewriteRule {
        var words: [ByteString] = []
        var rest = line[...].trimmedStart()
        while !rest.isEmpty, words.count < 2 {
            words.append(try word(&rest))
            rest = rest.trimmedStart()
        }
        guard words.count == 2 else {
            throw ConfigurationError("missing rewrite replacement string", at: place)
        }
        let flags = ByteString(rest.filter { !$0.isASCIISpace })
        for flag in flags where !ByteString("EFTSXbcdfhrstwqQR").contains(flag) {
            throw ConfigurationError(
                "unknown rewrite flag character '\(ByteString([flag]))' (could be missing quotes round replacement item)",
                at: place)
        }
        let isRegularExpression =
            words[0].starts(with: "^" as ByteString) || words[0].starts(with: "\\N^" as ByteString)
        guard isRegularExpression || !flags.contains(UInt8(ascii: "S")) else {
            throw ConfigurationError("rewrite rule has the S flag but is not a regular expression", at: place)
        }
        return RewriteRule(pattern: words[0], replacement: Template(words[1]), flags: flags, place: place)
    }

    /// The rules of a transport's `headers_rewrite`, with colons between them.
    func parseHeaderRules(_ list: ByteString) throws(ConfigurationError) -> [RewriteRule] {
        var rules: [RewriteRule] = []
        for item in ItemList.split(list, separator: UInt8(ascii: ":")) {
            let rule = try parse(item)
            if rule.flags.contains(where: { ByteString("EFTS").contains($0) }) {
                throw ConfigurationError(
                    "rewrite rule specifies a non-header rewrite - not allowed at transport time -", at: place
                )
            }
            rules.append(rule)
        }
        return rules
    }

    /// A quoted string, or all up to a blank outside braces.
    private func word(_ rest: inout ArraySlice<UInt8>) throws(ConfigurationError) -> ByteString {
        if rest.first == UInt8(ascii: "\"") {
            guard let (value, end) = QuotedString.read(rest) else {
                throw ConfigurationError(
                    "missing quote at the end of a string in the rewrite rule", at: place)
            }
            rest = rest[end...]
            return value
        }
        let end = rest.firstIndex { $0.isASCIISpace } ?? rest.endIndex
        defer { rest = rest[end...] }
        return ByteString(rest[..<end])
    }
}
