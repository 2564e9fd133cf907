package import Bytes

/// A `DKIM-Signature:` header line, read (RFC 6376, section 3.5).
package struct DKIMSignature: Sendable, Hashable {
    /// What makes one that cannot be checked at all.
    package enum Fault: Sendable, Hashable {
        /// One of d, s, h, bh, b, a or v is missing, or is not what it must be; `h=` is without From:, `i=` is outside of
        /// `d=`, or a tag is given twice (RFC 6376, sections 3.2, 3.5 and 6.1.1).
        case tags
        /// `v=` is not 1.
        case version
    }

    /// The header line as it came, with LF line ends.
    package let text: ByteString
    /// `a=`.
    package let algorithm: DKIMAlgorithm
    /// `d=`, as it came.
    package let domain: ByteString?
    /// `s=`.
    package let selector: ByteString?
    /// `i=`.
    package let identity: ByteString?
    /// `c=`, first half.
    package let headerForm: DKIMCanonicalization
    /// `c=`, second half.
    package let bodyForm: DKIMCanonicalization
    /// `h=`, the names in order.
    package let headerNames: [ByteString]
    /// `bh=`, decoded.
    package let bodyHash: ByteString
    /// `b=`, decoded.
    package let signature: ByteString
    /// `l=`.
    package let bodyLength: Int64?
    /// `t=`.
    package let created: Int64?
    /// `x=`.
    package let expires: Int64?
    /// `z=`, decoded.
    package let copiedHeaders: ByteString?
    /// Why it cannot be checked; nil when it can.
    package let fault: Fault?

    /// Reads a header line; nil when its algorithm is none that is known.
    package init?(_ text: ByteString) {
        guard let value = text.cut(at: UInt8(ascii: ":"))?.after else { return nil }
        let tags = DKIMTags(value)
        guard let algorithm = tags.solid("a").flatMap({ DKIMAlgorithm($0) }) else { return nil }
        self.text = text
        self.algorithm = algorithm
        domain = tags.solid("d")
        selector = tags.solid("s")
        identity = tags.unquoted("i").map { ByteString($0.filter { $0 != .newline }) }
        (headerForm, bodyForm) = Self.forms(tags.solid("c"))
        headerNames = tags.list("h") ?? []
        bodyHash = tags.octets("bh") ?? ""
        signature = tags.octets("b") ?? ""
        bodyLength = tags.number("l")
        created = tags.number("t")
        expires = tags.number("x")
        copiedHeaders = tags.unquoted("z")
        fault = Self.fault(tags, isWhole: !bodyHash.isEmpty && !signature.isEmpty && !headerNames.isEmpty)
    }

    private static func fault(_ tags: DKIMTags, isWhole: Bool) -> Fault? {
        // What should limit the body and cannot be read must not be taken for no limit.
        let isLimitReadable = tags["l"] == nil || tags.number("l") != nil
        let signsFrom = tags.list("h")?.contains { $0.equalsIgnoringCase(ByteString("from")) } ?? false
        guard isWhole, isLimitReadable, signsFrom, !tags.hasDuplicates, !(tags.solid("s") ?? "").isEmpty,
            let domain = tags.solid("d"), !domain.isEmpty, let version = tags["v"]
        else { return .tags }
        if let identity = tags.unquoted("i"), !Self.isInside(identity, domain) { return .tags }
        return version == "1" ? nil : .version
    }

    /// Whether an identity is of this domain, or of one below.
    private static func isInside(_ identity: ByteString, _ domain: ByteString) -> Bool {
        guard let inner = Self.domain(of: identity) else { return false }
        return inner.equalsIgnoringCase(domain)
            || inner.lowercasedASCII().ends(with: ByteString(".") + domain.lowercasedASCII())
    }

    private static func domain(of identity: ByteString) -> ByteString? {
        identity.lastIndex(of: UInt8(ascii: "@")).map { place in
            ByteString(identity[(place + 1)...].filter { !$0.isASCIISpace })
        }
    }

    /// Whether `i=` is of a domain below `d=`, which a key may forbid (RFC 6376, section 3.6.1, `t=s`).
    package var isOfSubdomain: Bool {
        guard let domain, let inner = identity.flatMap(Self.domain) else { return false }
        return !inner.equalsIgnoringCase(domain)
    }

    /// What is none of the six forms is simple, as with Exim.
    private static func forms(
        _ text: ByteString?
    ) -> (header: DKIMCanonicalization, body: DKIMCanonicalization) {
        guard let text else { return (.simple, .simple) }
        guard let (before, after) = text.cut(at: UInt8(ascii: "/")) else {
            return (DKIMCanonicalization(text) ?? .simple, .simple)
        }
        guard let header = DKIMCanonicalization(before), let body = DKIMCanonicalization(after) else {
            return (.simple, .simple)
        }
        return (header, body)
    }

    /// Whom `$dkim_signers` names for it: `d=` and `i=`, unless they would be something else as items of that list.
    package var signers: [ByteString] {
        [domain, identity].compactMap { $0 }.filter { name in
            name.first != UInt8(ascii: "<")
                && name.allSatisfy { $0 > .blank && $0 != 0x7F && $0 != UInt8(ascii: ":") }
        }
    }

    /// What it needs of the body.
    package var request: DKIMBodyRequest {
        DKIMBodyRequest(hash: algorithm.hash, form: bodyForm, limit: bodyLength)
    }

    /// The canonical octets that are signed: the header lines that it names, and the line itself without its signature.
    ///
    /// Of each name the lowest line counts that has not been used yet (RFC 6376, section 5.4.2).
    package func signedOctets(_ headers: [ByteString]) -> ByteString {
        var indices: [ByteString: [Int]] = [:]
        for (index, header) in headers.enumerated() {
            let name = ByteString((header.cut(at: UInt8(ascii: ":"))?.before ?? header[...]).trimmedEnd())
            indices[name.lowercasedASCII(), default: []].append(index)
        }
        var result = ByteString()
        for name in headerNames {
            guard let index = indices[name.lowercasedASCII()]?.popLast() else { continue }
            result += headerForm.header(headers[index])
        }
        return result + headerForm.header(Self.withoutSignature(text)).dropLast(2)
    }

    /// The header line with nothing behind `b=`.
    static func withoutSignature(_ text: ByteString) -> ByteString {
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else { return text }
        var result = ByteString(text[...colon])
        var isFirst = true
        for part in text[(colon + 1)...].split(
            separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        {
            if !isFirst { result.append(UInt8(ascii: ";")) }
            isFirst = false
            if let equals = part.firstIndex(of: UInt8(ascii: "=")),
                part[..<equals].trimmed().elementsEqual([UInt8(ascii: "b")])
            {
                result += part[...equals]
            } else {
                result += part
            }
        }
        return result
    }
}
