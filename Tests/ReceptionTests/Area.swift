import Bytes
import Foundation
import Glibc
import TestKit

/// A configuration and the sessions that are held with it.
struct Area: Sendable, CustomStringConvertible {
    let name: String
    let configuration: ByteString
    let scripts: [Script]
    /// The zones of the file `zones`, for areas whose programs are run to ask the DNS.
    var zones: [ZoneServer.Zone] = []
    /// Bobbin's configuration, where it is not the one that Exim has.
    var ownConfiguration: ByteString?
    var description: String { name }

    /// Where the DNS server for an area is: an address that no other test uses.
    private static let nameServer = 0x7F06_0000 + UInt32(getpid() & 0xFFFF | 1)

    /// How many sessions run at one moment.
    static let concurrency = 12
    /// How many runs of programs at one moment.
    static let programs = 4

    static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures")

    /// The areas below `Fixtures`.
    static func all() throws -> [Area] {
        let only = ProcessInfo.processInfo.environment["RECEPTION_AREA"]
        let names = try FileManager.default.contentsOfDirectory(atPath: fixtures.path).sorted()
        return try names.filter { !$0.hasSuffix(".txt") && (only ?? $0) == $0 }.map { name in
            let place = fixtures.appendingPathComponent(name)
            let files = try FileManager.default.contentsOfDirectory(atPath: place.path).sorted()
            let scripts = try files.filter { $0.hasSuffix(".smtp") }.flatMap { file in
                try Script.parse(ByteString(Data(contentsOf: place.appendingPathComponent(file))))
            }
            let text = try Data(contentsOf: place.appendingPathComponent("exim.conf"))
            let zones =
                files.contains("zones") ? try Data(contentsOf: place.appendingPathComponent("zones")) : Data()
            return Area(
                name: name, configuration: ByteString(text), scripts: scripts,
                zones: ZoneServer.Zone.list(ByteString(zones)))
        }
    }

    /// What each session came to with Exim and with Bobbin, by its title; under "" what belongs to no session.
    func outcomes() async throws -> (exim: [String: [String]], bobbin: [String: [String]]) {
        let networked = scripts.filter { $0.arguments == nil }
        var exim: [String: [String]] = [:]
        var bobbin: [String: [String]] = [:]
        for (title, wanted, found) in try await submissions() {
            (exim[title], bobbin[title]) = (wanted, found)
        }
        if networked.isEmpty { return (exim, bobbin) }
        let (oracle, receiver) = (
            try Server(configuration, isExim: true),
            try Server(ownConfiguration ?? configuration, isExim: false)
        )
        async let wanted = sessions(networked, oracle)
        async let found = sessions(networked, receiver)
        exim.merge(try await wanted) { $1 }
        bobbin.merge(try await found) { $1 }
        return (exim, bobbin)
    }

    /// The runs of programs: title, Exim's outcome, Bobbin's.
    private func submissions() async throws -> [(String, [String], [String])] {
        let names = zones.isEmpty ? nil : try ZoneServer(zones, at: Self.nameServer)
        defer { withExtendedLifetime(names) {} }
        let server = names?.addressText
        return try await withThrowingTaskGroup(of: (String, [String], [String]).self) { group in
            var waiting = scripts.filter { $0.arguments != nil }[...]
            var result: [(String, [String], [String])] = []
            func add(_ script: Script) {
                group.addTask {
                    try await OwnThread.run {
                        let wanted = try submission(script, server, isExim: true)
                        return (script.title, wanted, try submission(script, server, isExim: false))
                    }
                }
            }
            for script in waiting.popFirst(Self.programs) { add(script) }
            while let outcome = try await group.next() {
                result.append(outcome)
                if let script = waiting.popFirst() { add(script) }
            }
            return result
        }
    }

    private func sessions(_ scripts: [Script], _ server: Server) async throws -> [String: [String]] {
        let (site, daemon, port) = (server.site, server.daemon, server.port)
        let clients = scripts.enumerated().map { index, script in
            Client(script, from: script.source ?? 0x7F00_0A0A + UInt32(index))
        }
        let heard = try await withThrowingTaskGroup(of: (String, [String]).self) { group in
            var waiting = clients[...]
            var result: [String: [String]] = [:]
            for client in waiting.popFirst(Self.concurrency) { group.addTask { try await client.hold(port) } }
            while let (title, replies) = try await group.next() {
                result[title] = replies
                if let client = waiting.popFirst() { group.addTask { try await client.hold(port) } }
            }
            return result
        }
        daemon.signal(SIGTERM)
        try daemon.wait(within: 30)
        if server.isExim {
            // Exim's sessions are processes of their own, which outlive the daemon for a moment.
            try eventually("the last of Exim's sessions has ended") { try ProcessGroup(daemon.number).isGone }
        }
        return try Traces(site, clients, heard).lines
    }
}

/// A daemon on a site of its own.
struct Server: Sendable {
    let isExim: Bool
    let site: MailSite
    let daemon: ChildProcess
    let port: Int

    /// How often another port is tried, since a free one may be taken by somebody meanwhile.
    private static let attempts = 5

    /// Starts Exim or our receiver.
    init(_ configuration: ByteString, isExim: Bool, queueOnly: Bool = true) throws {
        self.isExim = isExim
        site = try MailSite(configuration)
        if configuration.contains(ByteString("tls_certificate")) {
            try SiteCertificates.shared.get().put(into: site)
        }
        var attempt = 1
        while true {
            do {
                (daemon, port) =
                    try isExim
                    ? site.eximDaemon() : queueOnly ? site.receiver("--queue-only") : site.receiver()
                return
            } catch {
                guard attempt < Self.attempts else { throw error }
                attempt += 1
            }
        }
    }
}

extension ArraySlice {
    fileprivate mutating func popFirst(_ count: Int) -> ArraySlice {
        defer { self = dropFirst(count) }
        return prefix(count)
    }
}
