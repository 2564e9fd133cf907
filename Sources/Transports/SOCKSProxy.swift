import Bytes
import Expansion
import SMTP

/// A proxy of `socks_proxy` (manual, section 59.2).
struct SOCKSProxy: Sendable, Hashable {
    /// Nil for what is written wrongly: it is not used, and not passed over as if it were not there either.
    var address: IPAddress?
    var port = 1080
    /// `tmo`: how long a connection to it may take to come to stand, in seconds.
    var timeout: Int64 = 5
    /// `pri`: higher ones are tried first.
    var priority = 1
    /// `weight`: its share among those of the same priority.
    var weight = 1
    /// Nil for `auth=none`; never shown.
    var credentials: SOCKSDialogue.Credentials?

    /// The most proxies of a list.
    static let most = 32
    /// The highest weight.
    static let heaviest: Int64 = 1_000_000

    /// The proxies of a list, and what is wrong with it, in which only names of options are shown: a part of a
    /// password may stand anywhere.
    static func list(_ text: ByteString) -> (proxies: [SOCKSProxy], faults: [ByteString]) {
        var faults: [ByteString] = []
        let items = ItemList.split(text, separator: UInt8(ascii: ":")).prefix(most)
        let proxies = zip(1..., items).map { SOCKSProxy($1, at: "item \($0)", &faults) }
        return (proxies, faults)
    }

    private init(_ text: ByteString, at place: ByteString, _ faults: inout [ByteString]) {
        let words = Self.words(text)
        address = words.first.flatMap { IPAddress($0) }
        // What follows may be the rest of a password.
        guard address != nil else {
            faults.append("\(place): it does not begin with an IP address")
            return
        }
        var wrong: [ByteString] = []
        var (name, password): (ByteString, ByteString) = ("", "")
        var authenticates = false
        for word in words.dropFirst() {
            let parts = word.cut(at: UInt8(ascii: "=")).map { (ByteString($0.before), ByteString($0.after)) }
            guard let (option, value) = parts else {
                faults.append("\(place): a word without \"=\" is ignored")
                continue
            }
            switch (option, value) {
            case ("auth", "none"): authenticates = false
            case ("auth", "name"): authenticates = true
            case ("name", _): name = value
            case ("pass", _): password = value
            case ("port", _): port = Int(number(value, of: option, 1...65_535, &wrong))
            case ("tmo", _): timeout = number(value, of: option, 1...86_400, &wrong)
            case ("pri", _): priority = Int(number(value, of: option, 0...Self.heaviest, &wrong))
            case ("weight", _): weight = Int(number(value, of: option, 0...Self.heaviest, &wrong))
            case ("auth", _): wrong.append("auth=none or auth=name is meant")
            default: faults.append("\(place): unknown option \"\(option)\" is ignored")
            }
        }
        if authenticates {
            credentials = .init(name: name, password: password)
            if credentials == nil { wrong.append("name or pass is too long") }
        }
        faults += wrong.map { "\(place): \($0)" }
        if !wrong.isEmpty { address = nil }
    }

    private static func words(_ text: ByteString) -> [ByteString] {
        if text.first == UInt8(ascii: "<") { return ItemList.split(text, separator: .blank) }
        return text.split(whereSeparator: \.isASCIISpace).map { ByteString($0) }
    }

    /// What is no number in the range makes the proxy unusable.
    private func number(
        _ value: ByteString, of option: ByteString, _ range: ClosedRange<Int64>, _ wrong: inout [ByteString]
    ) -> Int64 {
        if let number = value.decimalInteger(), range.contains(number) { return number }
        wrong.append("\(option) is not a number from \(range.lowerBound) to \(range.upperBound)")
        return range.lowerBound
    }

    /// What an expanded `socks_proxy` comes to, and the lines that tell what is wrong with it; empty is a direct connection.
    static func listed(
        _ text: ByteString, for transport: ByteString
    ) -> (proxies: [SOCKSProxy], lines: [TransportLogLine]) {
        let (proxies, faults) = list(text)
        return (proxies, faults.map { TransportLogLine("socks_proxy in \(transport) transport: \($0)") })
    }

    /// What is logged of a `socks_proxy` that cannot be expanded; its text is not shown, since there may be passwords in it.
    static func badExpansion(_ transport: ByteString) -> ByteString {
        "Bad expansion for socks_proxy in \(transport)"
    }

    /// Which of those that are left is tried next: one of the highest priority, by weight; nil when none is left.
    static func choose(
        among proxies: [SOCKSProxy], _ generator: inout some RandomNumberGenerator
    ) -> Int? {
        guard let priority = proxies.map(\.priority).max() else { return nil }
        let equals = proxies.indices.filter { proxies[$0].priority == priority }
        let total = equals.reduce(0) { $0 + proxies[$1].weight }
        guard total > 0 else { return equals.first }
        var place = Int.random(in: 0..<total, using: &generator)
        for index in equals {
            if place < proxies[index].weight { return index }
            place -= proxies[index].weight
        }
        return equals.last
    }
}

/// A proxy that a connection goes through.
struct UsedProxy: Sendable, Hashable {
    /// Where the proxy is.
    var address: IPAddress
    var port: Int
    /// The proxy's end towards the server, where it is told.
    var boundAddress: IPAddress?
    var boundPort = 0
    /// Whether it has connected us to the server.
    var isConnected = false

    /// What `$proxy_...` say of it.
    var facts: ProxyFacts {
        var facts = ProxyFacts()
        (facts.localAddress, facts.localPort) = (address, port)
        (facts.externalAddress, facts.externalPort) = (boundAddress, boundPort)
        facts.isSession = isConnected
        return facts
    }
}
