package import Bytes

/// The public suffix list (publicsuffix.org): which names people register under.
///
/// Rules are compared as octets in small letters; names in Unicode must be given as in the list or in their ASCII form
/// when the list has that.
package struct PublicSuffixList: Sendable, Hashable {
    private var rules: Set<ByteString> = []
    private var wildcards: Set<ByteString> = []
    private var exceptions: Set<ByteString> = []

    /// A list without rules: then every last label is a public suffix (the rule `*`).
    package init() {}

    /// Reads the list's text; what is no rule is passed over.
    package init(_ text: ByteString) {
        for line in text.split(separator: .newline) {
            let rule = ByteString(line.prefix { !$0.isASCIISpace }).lowercasedASCII()
            if rule.isEmpty || rule.starts(with: "//".utf8) { continue }
            if rule.starts(with: "*.".utf8) {
                wildcards.insert(ByteString(rule.dropFirst(2)))
            } else if rule.first == UInt8(ascii: "!") {
                exceptions.insert(ByteString(rule.dropFirst()))
            } else {
                rules.insert(rule)
            }
        }
    }

    /// How many rules there are.
    package var count: Int { rules.count + wildcards.count + exceptions.count }

    /// The organizational domain of a name (RFC 7489, section 3.2): its public suffix and one label more.
    ///
    /// The name itself when it is a public suffix. In small letters, without a dot at the end.
    package func organizationalDomain(of name: ByteString) -> ByteString {
        let whole = name.last == UInt8(ascii: ".") ? ByteString(name.dropLast()) : name
        let labels = whole.lowercasedASCII().split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let wanted = min(labels.count, suffixLength(labels) + 1)
        return labels.suffix(wanted).map { ByteString($0) }.joined(separator: ".")
    }

    /// How many labels of a name are its public suffix: an exception decides, else the longest rule.
    private func suffixLength(_ labels: [ArraySlice<UInt8>]) -> Int {
        for start in labels.indices {
            let candidate = labels[start...].map { ByteString($0) }.joined(separator: ".")
            let length = labels.count - start
            if exceptions.contains(candidate) { return length - 1 }
            if rules.contains(candidate) { return length }
            if start + 1 < labels.count {
                let parent = labels[(start + 1)...].map { ByteString($0) }.joined(separator: ".")
                if wildcards.contains(parent) { return exceptions.contains(candidate) ? length - 1 : length }
            }
        }
        return 1
    }
}
