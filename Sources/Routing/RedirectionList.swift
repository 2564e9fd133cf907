package import Bytes
package import MailText

/// One item of a redirection list (manual, chapter 22).
package enum RedirectionItem: Sendable, Hashable {
    /// An address, perhaps unqualified; whether a backslash stood before it.
    case address(EmailAddressText, isBackslashed: Bool)
    /// `|command`.
    case pipe(ByteString)
    /// `/file`, or `/directory/`.
    case file(ByteString)
    /// `:include:path`.
    case include(ByteString)
    /// `:blackhole:`.
    case blackhole
    /// `:unknown:`.
    case unknown
    /// `:fail: text`.
    case fail(ByteString)
    /// `:defer: text`.
    case `defer`(ByteString)
    /// What is no address, and why.
    case malformed(item: ByteString, problem: ByteString)

    /// An address as text, for use in values that are compared.
    package typealias EmailAddressText = ByteString
}

/// Reads redirection lists: items parted by commas and newlines, comments, quotes, special items.
package struct RedirectionList: Sendable {
    /// The most items of one list.
    package static let maximumItems = 100_000

    /// The items of a list, in order.
    package static func items(_ text: ByteString, rules: AddressRules = AddressRules()) -> [RedirectionItem] {
        var reader = RedirectionList(text, rules: rules)
        var items: [RedirectionItem] = []
        while items.count < maximumItems, let item = reader.next() { items.append(item) }
        return items
    }

    private let text: ByteString
    private let rules: AddressRules
    private var place = 0

    private init(_ text: ByteString, rules: AddressRules) {
        self.text = text
        self.rules = rules
    }

    private mutating func next() -> RedirectionItem? {
        while true {
            skipBlanksAndComments()
            guard place < text.count else { return nil }
            if let special = special() { return special }
            let raw = rawItem()
            if !raw.isEmpty { return Self.item(raw, rules: rules) }
        }
    }

    private mutating func skipBlanksAndComments() {
        while place < text.count {
            if text[place].isASCIISpace || text[place] == UInt8(ascii: ",") {
                place += 1
            } else if text[place] == UInt8(ascii: "#") {
                place = text[place...].firstIndex(of: .newline) ?? text.count
            } else {
                return
            }
        }
    }

    /// `:fail:` and `:defer:`, whose text runs to the end of the line.
    private mutating func special() -> RedirectionItem? {
        for word in ["fail", "defer"] as [ByteString] {
            let mark: ByteString = ":\(word):"
            guard text[place...].startsIgnoringCase(with: mark) else { continue }
            let end = text[place...].firstIndex(of: .newline) ?? text.count
            let said = ByteString(text[(place + mark.count)..<end].trimmed())
            place = end
            return word == "fail" ? .fail(said) : .defer(said)
        }
        return nil
    }

    /// The octets up to the next newline, or comma that is not inside quotes, a comment, angle brackets or a source route.
    private mutating func rawItem() -> ByteString {
        let start = place
        var isQuoted = false
        var depth = 0
        var isBracketed = false
        // Such as `@a,@b:` (RFC 5321, appendix C): it begins the item, or what stands in brackets.
        var isRoute = text[place] == UInt8(ascii: "@")
        while place < text.count {
            switch text[place] {
            case UInt8(ascii: "\\") where isQuoted || depth > 0: place += 1
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: "<") where !isQuoted && depth == 0:
                isBracketed = true
                isRoute = text[(place + 1)...].trimmedStart().first == UInt8(ascii: "@")
            case UInt8(ascii: ">") where !isQuoted && depth == 0: isBracketed = false
            case UInt8(ascii: ":") where !isQuoted && depth == 0: isRoute = false
            case UInt8(ascii: "(") where !isQuoted: depth += 1
            case UInt8(ascii: ")") where !isQuoted && depth > 0: depth -= 1
            case .newline,
                UInt8(ascii: ",") where !isQuoted && depth == 0 && !isBracketed && !isRoute:
                defer { place += 1 }
                return ByteString(text[start..<place].trimmed())
            default: break
            }
            place += 1
        }
        place = min(place, text.count)
        return ByteString(text[start..<place].trimmed())
    }

    private static func item(_ raw: ByteString, rules: AddressRules) -> RedirectionItem {
        var item = raw
        if let inner = wholeQuoted(raw) { item = inner }
        if item.startsIgnoringCase(with: ByteString(":include:")) {
            return .include(ByteString(item.dropFirst(9).trimmed()))
        }
        if item.startsIgnoringCase(with: ByteString(":blackhole:")) { return .blackhole }
        if item.equalsIgnoringCase(ByteString(":unknown:")) { return .unknown }
        for word in ["fail", "defer"] as [ByteString] {
            let mark: ByteString = ":\(word):"
            guard item.startsIgnoringCase(with: mark) else { continue }
            let said = ByteString(item.dropFirst(mark.count).trimmed())
            return word == "fail" ? .fail(said) : .defer(said)
        }
        if item.first == UInt8(ascii: "|"), !isAddressWithDomain(item, rules) { return .pipe(item) }
        if item.first == UInt8(ascii: "/"), !isAddressWithDomain(item, rules) { return .file(item) }
        return address(item, rules)
    }

    private static func address(_ item: ByteString, _ rules: AddressRules) -> RedirectionItem {
        if item.first == UInt8(ascii: "\\"),
            let parsed = try? AddressParser.parseOne(ByteString(item.dropFirst()), rules: rules).address,
            !parsed.isQualified
        {
            return .address(parsed.text, isBackslashed: true)
        }
        do {
            return .address(try AddressParser.parseOne(item, rules: rules).address.text, isBackslashed: false)
        } catch {
            return .malformed(item: item, problem: error.message)
        }
    }

    /// The text inside when the whole item is one quoted string.
    private static func wholeQuoted(_ item: ByteString) -> ByteString? {
        guard item.count > 1, item.first == UInt8(ascii: "\""), item.last == UInt8(ascii: "\"") else {
            return nil
        }
        var inner = ByteString()
        var index = 1
        while index < item.count - 1 {
            if item[index] == UInt8(ascii: "\"") { return nil }
            if item[index] == UInt8(ascii: "\\"), index + 1 < item.count - 1 { index += 1 }
            inner.append(item[index])
            index += 1
        }
        return ByteString(inner.trimmed())
    }

    private static func isAddressWithDomain(_ item: ByteString, _ rules: AddressRules) -> Bool {
        guard let parsed = try? AddressParser.parseOne(item, rules: rules).address else { return false }
        return parsed.isQualified
    }
}
