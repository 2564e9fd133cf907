import Bytes
import Spooler

/// Requests that another of our programs carries out, and its words.
struct EximHandOver: Sendable {
    private let request: EximRequest

    init(_ request: EximRequest) { self.request = request }

    /// The program and its words; nil when the request is for this program.
    var words: (sibling: Sibling, words: [ByteString])? {
        if let command = request.messageCommand {
            switch command.kind {
            case .deliver(let forced):
                return (.queueRunner, delivery(of: command.ids, forced ? ["--force-frozen"] : []))
            case .giveUp: return (.queueRunner, delivery(of: command.ids, ["--cancel"]))
            default: return nil
            }
        }
        let deeds = request.deeds
        let own: Set<EximRequest.Deed> = [
            .list, .count, .expand, .printOptions, .version, .testAddress, .verifyRecipient, .verifySender,
            .rebuildAliases, .testFilter, .testMalware, .testRetry, .testRewriting,
        ]
        if !deeds.isDisjoint(with: own) { return nil }
        if let rehearsal = request.rehearsal {
            return (.receiver, request.submission.words(rehearsing: rehearsal))
        }
        if deeds.contains(.daemon) { return (.receiver, daemon) }
        if deeds.contains(.batchedSMTP) { return (.receiver, request.submission.words(session: "bsmtp")) }
        if deeds.contains(.smtp) { return (.receiver, request.submission.words(session: "stdio")) }
        if deeds.contains(.runQueue) { return (.queueRunner, runs + pidFile) }
        return (.receiver, request.submission.words(request.arguments))
    }

    private func delivery(of ids: [MessageID], _ options: [ByteString]) -> [ByteString] {
        var words = options + dryRun
        if !request.queue.isEmpty { words += ["--queue", request.queue] }
        for id in ids { words += ["--message", id.bytes] }
        return words
    }

    private var runs: [ByteString] { request.run.words(queue: request.queue) + dryRun }

    private var dryRun: [ByteString] { request.isDryRun ? ["--no-delivery"] : [] }

    private var pidFile: [ByteString] { request.pidFile.map { ["--pid-file", $0] } ?? [] }

    private var daemon: [ByteString] {
        var words: [ByteString] = ["listen"]
        for place in ListeningPlaces.places(in: request.interfaces) { words += ["--listen", place] }
        words += request.submission.securityWords
        if request.submission.queueOnly { words.append("--queue-only") }
        if request.run.interval != nil { words += runs.map { "--run-word=\($0)" } }
        return words + pidFile
    }
}

/// The value of -oX: ports and addresses, several with colons, or another separator after `<`
/// (manual, "Overriding local_interfaces and daemon_smtp_ports").
enum ListeningPlaces {
    /// The places as `address:port`; a port alone means all interfaces.
    static func places(in values: [ByteString]) -> [ByteString] { values.flatMap(places) }

    private static func places(in value: ByteString) -> [ByteString] {
        var rest = value.trimmed()
        var separator = UInt8(ascii: ":")
        if rest.first == UInt8(ascii: "<"), rest.count > 1 {
            separator = rest[rest.startIndex + 1]
            rest = rest.dropFirst(2)
        }
        let items = items(of: rest, separator)
        let ports = items.filter { $0.allSatisfy(\.isASCIIDigit) }
        let hosts = items.filter { !$0.allSatisfy(\.isASCIIDigit) }
        guard !hosts.isEmpty else { return ports.map { "0.0.0.0:\($0)" } }
        return hosts.flatMap { host in places(of: host, ports.isEmpty ? ["25"] : ports) }
    }

    /// The items of a list, in which a doubled separator stands for one that belongs to the item.
    private static func items(of list: ArraySlice<UInt8>, _ separator: UInt8) -> [ByteString] {
        var items = [ByteString()]
        var rest = list
        while let octet = rest.popFirst() {
            if octet == separator, rest.first != separator {
                items.append(ByteString())
                continue
            }
            if octet == separator { rest = rest.dropFirst() }
            items[items.count - 1].append(octet)
        }
        return items.map { ByteString($0.trimmed()) }.filter { !$0.isEmpty }
    }

    /// `[address]:port`, `address.port`, or an address that takes the ports given.
    private static func places(of host: ByteString, _ ports: [ByteString]) -> [ByteString] {
        if host.first == UInt8(ascii: "["), host.contains(ByteString("]:")) { return [host] }
        let isIPv4 = !host.contains(UInt8(ascii: ":"))
        if isIPv4, host.count(where: { $0 == UInt8(ascii: ".") }) == 4,
            let parts = host.cutAtLast(UInt8(ascii: "."))
        {
            return ["\(parts.before):\(parts.after)"]
        }
        return ports.map { isIPv4 ? "\(host):\($0)" : "[\(host)]:\($0)" }
    }
}
