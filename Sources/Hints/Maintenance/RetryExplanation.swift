package import Bytes

/// A retry record in words, as exinext tells it.
package struct RetryExplanation: Sendable, Equatable {
    /// What a record is about.
    package enum Matter: Sendable, Equatable {
        /// Routing: the address, domain or host, perhaps with the sender.
        case routing(ByteString)
        /// A delivery to a host: name; address, port and interface as the key has them; the message, if it is about one.
        case host(ByteString, place: ByteString, message: ByteString?)
        /// A local delivery to an address or domain.
        case local(ByteString)
        /// A pipe, file or reply, and the address that produced it.
        case generated(ByteString, parent: ByteString)
    }

    /// The key, without NUL.
    package let key: ByteString
    /// The record.
    package let record: RetryRecord
    /// What the record is about.
    package let matter: Matter

    /// Explains a record.
    package init(key: ByteString, record: RetryRecord) {
        self.key = key
        self.record = record
        matter = Matter(key)
    }

    /// The lines that exinext prints.
    package func text(_ zone: HintsTime.Zone) -> ByteString {
        var lines: ByteString = """
            \(matter.words) error \(record.basicErrno): \(record.text)
              first failed: \(HintsTime.text(record.firstFailed, zone))
              last tried:   \(HintsTime.text(record.lastTry, zone))
              next try at:  \(HintsTime.text(record.nextTry, zone))

            """
        if record.expired { lines += "  past final cutoff time\n" as ByteString }
        return lines
    }
}

extension RetryExplanation.Matter {
    /// Reads a retry key.
    package init(_ key: ByteString) {
        let item = ByteString(key.dropFirst(2))
        let first = item.first ?? 0
        if key.starts(with: ByteString("R:")) {
            self = .routing(item)
        } else if [UInt8(ascii: "|"), UInt8(ascii: "/"), UInt8(ascii: ">")].contains(first),
            let halves = item.cutAtLast(UInt8(ascii: ":"))
        {
            self = .generated(ByteString(halves.before), parent: ByteString(halves.after))
        } else if item.contains(UInt8(ascii: "@")) || !item.contains(UInt8(ascii: ":")) {
            self = .local(item)
        } else {
            self = Self.host(item)
        }
    }

    private static func host(_ item: ByteString) -> Self {
        let id = MessageKey.id(in: item)
        let whole = id.map { ByteString(item.dropLast($0.count + 1)) } ?? item
        if whole.first == UInt8(ascii: "["), let end = whole.firstIndex(of: UInt8(ascii: "]")) {
            let place = whole[(end + 1)...].drop { $0 == UInt8(ascii: ":") }
            return .host(ByteString(whole[...end]), place: ByteString(place), message: id)
        }
        // Up to Exim 4.97 an IPv6 address had no brackets, also as the name: `::1:::1`.
        if let half = Self.doubled(whole) { return .host(half, place: half, message: id) }
        guard let halves = whole.cut(at: UInt8(ascii: ":")) else {
            return .host(whole, place: "", message: id)
        }
        return .host(ByteString(halves.before), place: ByteString(halves.after), message: id)
    }

    private static func doubled(_ text: ByteString) -> ByteString? {
        guard text.count.isMultiple(of: 2) == false, text.count > 2 else { return nil }
        let half = ByteString(text.prefix(text.count / 2))
        guard text[text.count / 2] == UInt8(ascii: ":"), text.ends(with: half),
            IPAddress(half)?.isV6 == true
        else { return nil }
        return half
    }

    /// The words for it, as exinext begins a line.
    package var words: ByteString {
        switch self {
        case .routing(let item): return "Route: \(item)"
        case .local(let item): return "Transport: \(item)"
        case .generated(let item, let parent): return "Transport: \(item) \(parent)"
        case .host(let name, let place, let message):
            let parts = [name, place, message ?? ""].filter { !$0.isEmpty }
            return "Transport: \(parts.joined(separator: " "))"
        }
    }

    /// Whether the record is about that host and address; without address, about that host.
    package func concerns(host: ByteString, address: ByteString?) -> Bool {
        guard case .host(let name, let place, _) = self, Self.bare(name).equalsIgnoringCase(Self.bare(host))
        else { return false }
        guard let address, !place.isEmpty else { return true }
        return Self.beginsWithAddress(place, address)
    }

    /// Whether the record is about what people name: an address, a domain, a local part, a host, an IP address, or a
    /// message.
    package func concerns(_ subject: ByteString) -> Bool {
        switch self {
        case .routing(let item):
            // The sender follows as `:<address>`.
            let address =
                item.firstRange(of: ByteString(":<")).map { ByteString(item[..<$0.lowerBound]) } ?? item
            return Self.address(address, concerns: subject)
        case .local(let item): return Self.address(item, concerns: subject)
        case .generated(let item, let parent):
            return item == subject || Self.address(parent, concerns: subject)
        case .host(let name, let place, let message):
            return message == subject || Self.bare(name).equalsIgnoringCase(Self.bare(subject))
                || Self.beginsWithAddress(place, subject)
        }
    }

    private static func address(_ address: ByteString, concerns subject: ByteString) -> Bool {
        if address.equalsIgnoringCase(subject) { return true }
        guard let halves = address.cutAtLast(UInt8(ascii: "@")) else { return false }
        return ByteString(halves.before) == subject || ByteString(halves.after).equalsIgnoringCase(subject)
    }

    private static func beginsWithAddress(_ place: ByteString, _ address: ByteString) -> Bool {
        guard let wanted = IPAddress(bare(address)) else { return false }
        if place.first == UInt8(ascii: "["), let end = place.firstIndex(of: UInt8(ascii: "]")) {
            return IPAddress(place[1..<end]) == wanted
        }
        let text = wanted.text
        guard place.starts(with: text) else { return false }
        let next = place.dropFirst(text.count).first
        return next == nil || next == UInt8(ascii: ":") || next == UInt8(ascii: "/")
    }

    /// A name without the brackets of an address.
    private static func bare(_ name: ByteString) -> ByteString {
        guard name.first == UInt8(ascii: "["), name.last == UInt8(ascii: "]") else { return name }
        return ByteString(name.dropFirst().dropLast())
    }
}
