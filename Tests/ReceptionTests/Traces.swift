import Bytes
import TestKit

/// What sessions left on a site, told apart by the addresses of their clients and the ids of their messages.
struct Traces {
    /// The lines of each session, by its title; under "" those that name nobody.
    private(set) var lines: [String: [String]]

    /// What Exim says when it starts itself with a configuration of its caller's.
    static let lostPrivilege = "exim user lost privilege for using -C option"

    private let site: MailSite
    private let clients: [Client]
    private var owners: [String: String] = [:]

    init(_ site: MailSite, _ clients: [Client], _ heard: [String: [String]]) throws {
        self.site = site
        self.clients = clients
        lines = heard
        let log = try site.log().joined(separator: "\n")
        // In the order of arrival, which ids do not always tell.
        let queue = site.queue.sorted { Self.place(of: $0, in: log) < Self.place(of: $1, in: log) }
        let messages = try queue.map { id in (id, Latin1.text(try site.spoolFile(id, "H"))) }
        for (id, header) in messages { owners[id] = owner(byAddress: header) }
        for kind in ["main", "reject", "panic"] { try addLog(kind) }
        for (id, header) in messages { try add(id, header) }
    }

    private func owner(byAddress text: String) -> String {
        clients.first { client in
            ([client.address] + [client.script.proxied].compactMap { $0 }).contains { address in
                text.contains("[\(address)]") || text.hasSuffix("IP address \(address)")
            }
        }?.script.title ?? ""
    }

    private static func place(of id: String, in log: String) -> Int {
        log.firstRange(of: id).map { log.utf8.distance(from: log.startIndex, to: $0.lowerBound) } ?? Int.max
    }

    private mutating func addLog(_ kind: String) throws {
        for record in Self.records(try site.log(kind)) {
            guard !record[0].contains(" daemon started"),
                !record[0].contains("options that have no effect yet"),
                // Somebody had the port that was free a moment ago; Exim waits and tries again.
                !record[0].contains("socket bind() to port"),
                // Exim starts itself as its user, with our configuration.
                !record[0].contains(Self.lostPrivilege)
            else { continue }
            var title = owner(byAddress: record[0])
            if let match = record[0].firstMatch(of: /1[0-9A-Za-z]{5}-[0-9A-Za-z]{6}-[0-9A-Za-z]{2}/) {
                let id = String(match.0)
                if title.isEmpty { title = owners[id] ?? "" } else { owners[id] = title }
            }
            lines[title, default: []] += record.map { "\(kind): \(hidden($0, title))" }
        }
    }

    private mutating func add(_ id: String, _ header: String) throws {
        let title = owners[id] ?? ""
        var added: [String] = header.split(separator: "\n", omittingEmptySubsequences: false)
            .map { "H: \(hidden(String($0), title))" }
        let body = Latin1.text(try site.spoolFile(id, "D")).split(
            separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        added.append("D: \(masked(String(body[0])))")
        added += body[1...].joined().split(separator: "\n", omittingEmptySubsequences: false)
            .map { "D: \(masked(ByteString(Self.readable(String($0)))))" }
        lines[title, default: []] += added
    }

    /// Hides what differs between two runs of a session.
    private func hidden(_ line: String, _ title: String) -> String {
        var text = masked(line)
        if let client = clients.first(where: { $0.script.title == title }) {
            text = text.replacing("[\(client.address)]", with: "[<client>]")
            if text.hasSuffix(client.address) { text = text.dropLast(client.address.count) + "<client>" }
        }
        // What each library has names of its own for.
        text.replace(/TLS1\.[0-9]:[A-Za-z0-9_-]+:[0-9]+/, with: "<cipher>")
        text.replace(/\/O=Example\/CN=/, with: "O=Example,CN=")
        text.replace(/-tls_resumption [A-Z]/, with: "-tls_resumption <bits>")
        text.replace(/(TLS error on connection from .*?\]) \(.*/) { "\($0.1) (<why>)" }
        text.replace(/<time>\.[0-9]{3}/, with: "<time>.<milliseconds>")
        text.replace(/^(main|reject|panic)?(<time>\S*) \[[0-9]+\]/) { "\($0.2) [<pid>]" }
        text.replace(/(space|inodes)=[0-9]+/) { "\($0.1)=<n>" }
        text.replace(/connection count = [0-9]+/, with: "connection count = <n>")
        return text.replacing(site.directory.path.string, with: "<site>")
    }

    private static func readable(_ line: String) -> String {
        line.unicodeScalars.map { scalar in
            scalar.value < 0x20 || scalar.value > 0x7E
                ? "\\x" + String(scalar.value, radix: 16) : String(scalar)
        }.joined()
    }

    /// Lines of a log, each with the lines that belong to it.
    private static func records(_ lines: [String]) -> [[String]] {
        lines.reduce(into: []) { records, line in
            if line.prefixMatch(of: /[0-9]{4}-[0-9]{2}-[0-9]{2}\b/) != nil || records.isEmpty {
                records.append([line])
            } else {
                records[records.count - 1].append(line)
            }
        }
    }
}
