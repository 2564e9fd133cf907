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
    /// The octets of the source that hold the address, without angle brackets and route; for rewriting in place.
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

/// Finds addresses in texts, as Exim does (RFC 5321 and 5322; manual, sections 11.7 `address` and `addresses`).
package enum AddressParser {
    /// The one address of a text: `<local@domain>`, `Name <local@domain>`, with comments, folding and source route.
    ///
    /// Throws Exim's words when there is none, or when something follows it.
    package static func parseOne(
        _ text: ByteString, rules: AddressRules = AddressRules()
    ) throws(AddressError) -> ParsedAddress {
        throw AddressError("empty address", in: text)
    }

    /// The items of a comma-separated list, groups included (`Name: a@b, c@d;`); empty items are left out.
    package static func parseList(_ text: ByteString, rules: AddressRules = AddressRules()) -> [AddressItem] {
        []
    }
}
