import Bytes
import Spooler

/// What an overview needs of a message.
struct OverviewMessage: Sendable {
    let id: ByteString
    /// The time of arrival; nil for a message that cannot be read.
    var received: Int64?
    var size: Int64 = 0
    var sender: ByteString = ""
    var isFrozen = false
    /// Who is still to be served.
    var recipients: [ByteString] = []

    /// The domain of an address, in lower case; empty for one without.
    static func domain(of address: ByteString) -> ByteString {
        address.cutAtLast(UInt8(ascii: "@")).map { ByteString($0.after).lowercasedASCII() } ?? ""
    }
}

extension OverviewMessage {
    /// What was read of a message; nil for one that is gone.
    init?(_ id: MessageID, _ message: ReportedMessage) {
        self.init(id: id.bytes)
        switch message {
        case .read(.gone): return nil
        case .read(.malformed), .unreadable: break
        case .listed(let message):
            (received, size) = (message.receivedTime, Int64(max(0, message.size ?? 0)))
            (sender, isFrozen) = (ByteString(message.sender), message.isFrozen)
            recipients = ListedRow(message).recipients
        case .read(.message(let message)):
            let header = message.header
            received = header.receivedTime
            size = Int64(message.bodySize.map { header.messageSize(bodySize: $0) } ?? 0)
            (sender, isFrozen) = (header.sender, header.isFrozen)
            recipients = header.recipients.filter { !header.isListedAsDelivered($0) }.map(\.address)
        }
    }
}

/// A queue in numbers: what waits, how long, and for whom.
///
/// Memory grows with domains, not with messages.
struct QueueOverview: Sendable {
    /// What waits for a domain.
    struct Domain: Sendable {
        var name: ByteString = ""
        var deliveries: Int64 = 0
        var octets: Int64 = 0
        /// When the oldest and the newest of the messages came.
        var oldest = Int64.max
        var newest = Int64.min
    }

    /// Messages of an age: up to `limit` seconds, longer than the group before.
    struct Age: Sendable {
        let name: ByteString
        let limit: Int64
        var moving: Int64 = 0
        var frozen: Int64 = 0
    }

    let now: Int64
    private let limit: Int
    private(set) var messages: Int64 = 0
    private(set) var deliveries: Int64 = 0
    private(set) var frozen: Int64 = 0
    private(set) var bounces: Int64 = 0
    private(set) var octets: Int64 = 0
    /// Ids of messages that cannot be read, the first ones.
    private(set) var unreadable: [ByteString] = []
    private(set) var unreadableCount: Int64 = 0
    private(set) var ages: [Age] = [
        Age(name: "10 minutes", limit: 600), Age(name: "1 hour", limit: 3600),
        Age(name: "6 hours", limit: 21_600),
        Age(name: "1 day", limit: 86_400), Age(name: "2 days", limit: 172_800),
        Age(name: "4 days", limit: 345_600),
        Age(name: "longer", limit: .max),
    ]
    /// The messages that came first, oldest first.
    private(set) var oldest: [OverviewMessage] = []
    private var byDomain: [ByteString: Domain] = [:]
    private var bySender: [ByteString: Domain] = [:]

    init(now: Int64, limit: Int) { (self.now, self.limit) = (now, limit) }

    /// Adds a message; they come in the order of arrival.
    mutating func add(_ message: OverviewMessage) {
        messages += 1
        guard let received = message.received else {
            unreadableCount += 1
            if unreadable.count < limit { unreadable.append(message.id) }
            return
        }
        frozen += message.isFrozen ? 1 : 0
        bounces += message.sender.isEmpty ? 1 : 0
        octets += message.size
        deliveries += Int64(message.recipients.count)
        if oldest.count < limit { oldest.append(message) }
        let age = now - received
        if let group = ages.firstIndex(where: { age <= $0.limit }) {
            if message.isFrozen { ages[group].frozen += 1 } else { ages[group].moving += 1 }
        }
        for address in message.recipients {
            Self.count(
                message, received, in: &byDomain[OverviewMessage.domain(of: address), default: Domain()])
        }
        let sender = message.sender.isEmpty ? "<>" : OverviewMessage.domain(of: message.sender)
        Self.count(message, received, in: &bySender[sender, default: Domain()])
    }

    private static func count(_ message: OverviewMessage, _ received: Int64, in domain: inout Domain) {
        domain.deliveries += 1
        domain.octets += message.size
        domain.oldest = min(domain.oldest, received)
        domain.newest = max(domain.newest, received)
    }

    /// The domains for which the most deliveries wait.
    var domains: [Domain] { most(byDomain) }
    /// The domains that sent the most messages; `<>` for bounces.
    var senders: [Domain] { most(bySender) }

    private func most(_ table: [ByteString: Domain]) -> [Domain] {
        let named = table.map { name, domain in
            var domain = domain
            domain.name = name
            return domain
        }
        let sorted = named.sorted { ($1.deliveries, $0.name) < ($0.deliveries, $1.name) }
        return Array(sorted.prefix(limit))
    }

    /// How long ago something was, as the listing has it.
    func age(of moment: Int64) -> ByteString {
        ByteString(ListingNumbers.age(seconds: max(0, now - moment)).trimmed())
    }
}

extension QueueOverview {
    /// For people.
    var text: ByteString {
        var text: ByteString = """
            \(messages) messages, \(deliveries) deliveries, \(volume(octets)), \(frozen) frozen, \(bounces) bounces, \
            \(unreadableCount) unreadable

            """
        text += table("waiting for at most", ages.map { ($0.name, $0.moving + $0.frozen, "") })
        text += table("deliveries for", domains.map { ($0.name, $0.deliveries, detail($0)) })
        text += table("messages from", senders.map { ($0.name, $0.deliveries, detail($0)) })
        return text
    }

    /// Octets as the listing has them.
    func volume(_ octets: Int64) -> ByteString {
        octets == 0 ? "0" : ByteString(ListingNumbers.size(Int(octets)).trimmed())
    }

    private func detail(_ domain: Domain) -> ByteString {
        "  \(volume(domain.octets)), oldest \(age(of: domain.oldest)), newest \(age(of: domain.newest))"
    }

    private func table(_ title: ByteString, _ rows: [(ByteString, Int64, ByteString)]) -> ByteString {
        guard !rows.isEmpty else { return "" }
        let width = rows.map(\.0.count).max() ?? 0
        return rows.reduce(into: "\n\(title)\n" as ByteString) { text, row in
            let pad = ByteString(repeatElement(UInt8.blank, count: width - row.0.count))
            text += "  \(row.0)\(pad) \(row.1, width: 8)\(row.2)\n" as ByteString
        }
    }

    /// For programs.
    var object: JSONObject {
        var object = JSONObject()
        object.add("messages", messages)
        object.add("deliveries", deliveries)
        object.add("octets", octets)
        object.add("frozen", frozen)
        object.add("bounces", bounces)
        object.add("unreadable", unreadableCount)
        object.add(
            "ages",
            ages.map { age in
                var object = JSONObject()
                object.add("up_to", age.limit == .max ? nil : age.limit)
                object.add("moving", age.moving)
                object.add("frozen", age.frozen)
                return object
            })
        object.add("domains", domains.map(Self.object))
        object.add("senders", senders.map(Self.object))
        return object
    }

    private static func object(of domain: Domain) -> JSONObject {
        var object = JSONObject()
        object.add("name", domain.name)
        object.add("count", domain.deliveries)
        object.add("octets", domain.octets)
        object.add("oldest", domain.oldest)
        object.add("newest", domain.newest)
        return object
    }
}
