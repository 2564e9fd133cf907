package import Bytes

/// What the configuration allows in an address.
package struct AddressRules: Sendable, Hashable {
    /// Whether `<>` (and an empty text) is an address.
    package var allowsNull: Bool
    /// `allow_domain_literals`.
    package var allowsDomainLiterals: Bool
    /// `strip_excess_angle_brackets`: `<<a@b>>` is taken as `<a@b>`.
    package var stripsExcessAngleBrackets: Bool
    /// `strip_trailing_dot`: `a@b.` is taken as `a@b`.
    package var stripsTrailingDot: Bool
    /// `allow_utf8_domains`, or the message is an SMTPUTF8 one: octets above 127 may stand in domains.
    package var allowsUTF8Domains: Bool

    /// Makes rules; all is strict unless said otherwise, as Exim's defaults are.
    package init(
        allowsNull: Bool = false, allowsDomainLiterals: Bool = false, stripsExcessAngleBrackets: Bool = false,
        stripsTrailingDot: Bool = false, allowsUTF8Domains: Bool = false
    ) {
        self.allowsNull = allowsNull
        self.allowsDomainLiterals = allowsDomainLiterals
        self.stripsExcessAngleBrackets = stripsExcessAngleBrackets
        self.stripsTrailingDot = stripsTrailingDot
        self.allowsUTF8Domains = allowsUTF8Domains
    }
}

/// Why a text is no address, in Exim's words (such as `missing or malformed local part`).
package struct AddressError: Error, Hashable, Sendable {
    /// Exim's text, fit for an SMTP reply and for the log.
    package var message: ByteString
    /// The text that was looked at.
    package var subject: ByteString

    /// Makes an error.
    package init(_ message: ByteString, in subject: ByteString) {
        self.message = message
        self.subject = subject
    }
}

/// An address found in a text, and where.
package struct ParsedAddress: Sendable, Hashable {
    /// The address as Exim extracts it: route, comments, folding and brackets gone.
    package var address: EmailAddress
    /// The octets of the source that hold the address, without angle brackets and route; for rewriting in
    /// place.
    package var place: Range<Int>
    /// Whether a display name and angle brackets, or just angle brackets, stood around it.
    package var isBracketed: Bool

    /// Makes a value.
    package init(address: EmailAddress, place: Range<Int>, isBracketed: Bool) {
        self.address = address
        self.place = place
        self.isBracketed = isBracketed
    }
}

/// Finds addresses in texts, as Exim does (RFC 5321 and 5322; manual, section 11.7: `address`, `addresses`).
package enum AddressParser {
    /// The one address of a text: `<local@domain>`, `Name <local@domain>`, with comments, folding and source
    /// route.
    ///
    /// Throws Exim's words when there is none, or when something follows it.
    package static func parseOne(
        _ text: ByteString, rules: AddressRules = AddressRules()
    ) throws(AddressError) -> ParsedAddress {
        try parse(text, in: 0..<text.count, rules: rules)
    }

    /// The address in a stretch of a text; places are counted in the whole text.
    static func parse(
        _ text: ByteString, in range: Range<Int>, rules: AddressRules
    ) throws(AddressError) -> ParsedAddress {
        var scanner = AddressScanner(text, in: range, rules: rules)
        scanner.skipComments()
        guard !scanner.isAtEnd else { throw scanner.error("empty address") }
        let found = try scanner.readMailbox()
        scanner.skipComments()
        guard scanner.next == nil else { throw scanner.trailingError }
        return found
    }
}

extension AddressScanner {
    fileprivate mutating func readMailbox() throws(AddressError) -> ParsedAddress {
        switch next {
        case UInt8(ascii: "<"): return try readBracketed()
        case UInt8(ascii: "@"):
            try readRoute()
            return try readSpec()
        default: return try readSpecOrPhrase()
        }
    }

    // What begins with a word: an address, an unqualified local part, or a display name with an address in
    // brackets.
    private mutating func readSpecOrPhrase() throws(AddressError) -> ParsedAddress {
        let first = place
        let local = try readLocalPart()
        if !local.isEmpty {
            if isAtEnd { return parsed(local, from: first) }
            if next == UInt8(ascii: "@") { return try readDomainPart(after: local, from: first) }
        }
        try skipPhrase()
        guard next == UInt8(ascii: "<") else {
            throw error("missing or malformed local part (expected word or \"<\")")
        }
        return try readBracketed()
    }

    private mutating func skipPhrase() throws(AddressError) {
        while true {
            let before = place
            _ = try readLocalPart()
            if place == before { return }
        }
    }

    private mutating func readBracketed() throws(AddressError) -> ParsedAddress {
        isBracketed = true
        var depth = 0
        while take(UInt8(ascii: "<")) {
            depth += 1
            guard rules.stripsExcessAngleBrackets else { break }
        }
        skipComments()
        if rules.allowsNull, next == UInt8(ascii: ">") {
            let found = parsed("", from: place)
            try closeBrackets(depth)
            return found.bracketed
        }
        try readRoute()
        let found = try readSpec()
        skipComments()
        try closeBrackets(depth)
        return found.bracketed
    }

    private mutating func closeBrackets(_ depth: Int) throws(AddressError) {
        for _ in 0..<depth {
            guard next != nil else { throw error("'>' missing at end of address") }
            guard take(UInt8(ascii: ">")) else { throw trailingError }
        }
    }

    // A source route (RFC 5321, appendix C) is read and forgotten.
    private mutating func readRoute() throws(AddressError) {
        guard next == UInt8(ascii: "@") else { return }
        while take(UInt8(ascii: "@")) {
            _ = try readDomain()
            skipComments()
            while take(UInt8(ascii: ",")) { skipComments() }
        }
        guard take(UInt8(ascii: ":")) else { throw error("no local part") }
        skipComments()
    }

    private mutating func readSpec() throws(AddressError) -> ParsedAddress {
        let first = place
        let local = try readLocalPart()
        guard !local.isEmpty else { throw error("missing or malformed local part") }
        if next == UInt8(ascii: "@") { return try readDomainPart(after: local, from: first) }
        let mayEnd = isBracketed ? next == UInt8(ascii: ">") : isAtEnd
        guard mayEnd else { throw error("\"@\" or \".\" expected after \"\(local)\"") }
        return parsed(local, from: first)
    }

    private mutating func readDomainPart(
        after local: ByteString, from first: Int
    ) throws(AddressError) -> ParsedAddress {
        advance()
        let domain = try readDomain()
        return parsed("\(local)@\(domain)", from: first)
    }

    private func parsed(_ address: ByteString, from first: Int) -> ParsedAddress {
        let last = text[first..<place].trimmedEnd().endIndex
        return ParsedAddress(address: EmailAddress(address), place: first..<last, isBracketed: false)
    }
}

extension ParsedAddress {
    fileprivate var bracketed: ParsedAddress {
        var copy = self
        copy.isBracketed = true
        return copy
    }
}
