package import Bytes
import MailText

/// One address of `rua=`: a `mailto:` URI with perhaps a limit of size (RFC 7489, section 6.2).
package struct ReportAddress: Sendable, Hashable {
    /// The URI as published, by which what became of it is remembered.
    package var uri: ByteString
    /// The mailbox.
    package var mailbox: ByteString
    /// The most octets that the owner takes; nil for no limit.
    package var limit: Int?

    /// Why a URI cannot be used.
    package struct Refusal: Error, Sendable, Hashable {
        /// The URI.
        package var uri: ByteString
        /// What is wrong with it.
        package var reason: ByteString
    }

    /// The most addresses of one domain that get a report; RFC 7489 section 6.2 asks for two at least.
    package static let mostAddresses = 10

    /// The domain of the mailbox, in small letters.
    package var domain: ByteString { EmailAddress(mailbox).domain.lowercasedASCII() }

    /// Reads one URI.
    package init(_ uri: ByteString) throws(Refusal) {
        guard uri.startsIgnoringCase(with: "mailto:".utf8) else {
            throw Refusal(uri: uri, reason: "only mailto: is served")
        }
        var rest = uri.dropFirst(7)
        var limit: Int?
        if let mark = rest.lastIndex(of: UInt8(ascii: "!")) {
            guard let size = Self.size(rest[(mark + 1)...]) else {
                throw Refusal(uri: uri, reason: "the size after \"!\" is no number with k, m, g or t")
            }
            limit = size
            rest = rest[..<mark]
        }
        if let query = rest.firstIndex(of: UInt8(ascii: "?")) { rest = rest[..<query] }
        guard let mailbox = Self.decoded(rest), Self.isMailable(mailbox) else {
            throw Refusal(uri: uri, reason: "there is no usable mail address in it")
        }
        self.uri = uri
        self.mailbox = mailbox
        self.limit = limit
    }

    /// Digits with at most one unit, powers of 1024.
    private static func size(_ text: ArraySlice<UInt8>) -> Int? {
        let units: [UInt8: Int] = [
            UInt8(ascii: "k"): 10, UInt8(ascii: "m"): 20, UInt8(ascii: "g"): 30, UInt8(ascii: "t"): 40,
        ]
        guard let last = text.last else { return nil }
        let shift = units[last.lowercasedASCII] ?? 0
        let digits = shift == 0 ? text : text.dropLast()
        guard !digits.isEmpty, digits.allSatisfy(\.isASCIIDigit) else { return nil }
        guard let number = digits.decimalInteger() else { return Int.max }
        let (product, over) = Int(number).multipliedReportingOverflow(by: 1 << shift)
        return over ? Int.max : product
    }

    private static func decoded(_ text: ArraySlice<UInt8>) -> ByteString? {
        var result = ByteString()
        var rest = text
        while let octet = rest.popFirst() {
            guard octet == UInt8(ascii: "%") else {
                result.append(octet)
                continue
            }
            guard let plain = Hex.decode(rest.prefix(2)), plain.count == 1 else { return nil }
            result += plain
            rest = rest.dropFirst(2)
        }
        return result
    }

    /// Whether the mailbox can stand in a header line and in a command: the domain is a host name, the rest has neither
    /// blanks, controls nor specials.
    private static func isMailable(_ mailbox: ByteString) -> Bool {
        let address: EmailAddress
        do throws(AddressError) {
            address = try AddressParser.parseOne(mailbox).address
        } catch {
            return false
        }
        return address.text == mailbox && mailbox.count <= 320 && !address.localPart.isEmpty
            && mailbox.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"<>()[]\\,;:\"".utf8.contains($0) }
            && HostText.isHostName(address.domain)
    }
}

/// Names that may enter file names, header lines and DNS questions.
enum HostText {
    /// Whether a name has only letters, digits, `-`, `_` and inner dots, at most 253.
    static func isHostName(_ name: ByteString) -> Bool {
        guard (1...253).contains(name.count) else { return false }
        return name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy {
            label in
            (1...63).contains(label.count)
                && label.allSatisfy {
                    $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                }
        }
    }
}
