import Bytes
import Foundation
import Glibc
import TestKit

/// A configuration and the deliveries that are made with it.
struct DeliveryArea: Sendable, CustomStringConvertible {
    let name: String
    let configuration: ByteString
    let deliveries: [Delivery]
    /// The file `zones`, for areas that ask the DNS: each zone begins with `zone: name` or `signed zone: name`, and
    /// `<good 1 2>` is a certificate of `Papers` as a TLSA record has it.
    let zones: ByteString
    var description: String { name }

    /// Where the DNS server for an area is: an address that no other test uses.
    private static let nameServer = 0x7F04_0000 + UInt32(getpid() & 0xFFFF | 1)

    /// How many deliveries are made at one moment.
    static let concurrency = 4

    static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures")

    /// The areas below `Fixtures`.
    static func all() throws -> [DeliveryArea] {
        let settings = ProcessInfo.processInfo.environment
        let (only, title) = (settings["DELIVERY_AREA"], settings["DELIVERY_TITLE"])
        let names = try FileManager.default.contentsOfDirectory(atPath: fixtures.path).sorted()
        return try names.filter { !$0.hasSuffix(".txt") && (only ?? $0) == $0 }.map { name in
            let place = fixtures.appendingPathComponent(name)
            let files = try FileManager.default.contentsOfDirectory(atPath: place.path).sorted()
            let deliveries = try files.filter { $0.hasSuffix(".delivery") }.flatMap { file in
                try Delivery.parse(ByteString(Data(contentsOf: place.appendingPathComponent(file))))
            }
            let text = try Data(contentsOf: place.appendingPathComponent("exim.conf"))
            let hasZones = files.contains("zones")
            let zones = hasZones ? try Data(contentsOf: place.appendingPathComponent("zones")) : Data()
            return DeliveryArea(
                name: name, configuration: ByteString(text),
                deliveries: deliveries.filter { title == nil || $0.title == title },
                zones: ByteString(zones))
        }
    }

    /// The area of that name.
    static func named(_ name: String) throws -> DeliveryArea {
        guard let area = try all().first(where: { $0.name == name }) else {
            throw Delivery.Malformed(description: "no area \(name)")
        }
        return area
    }

    /// What each delivery came to: its title, Exim's outcome, Bobbin's; in the order of the fixtures.
    func outcomes() async throws -> [(String, [String], [String])] {
        let names = try zones.isEmpty ? nil : NameService(zones, at: Self.nameServer)
        defer { withExtendedLifetime(names) {} }
        return try await withThrowingTaskGroup(of: (Int, [String], [String]).self) { group in
            var waiting = Array(deliveries.enumerated())[...]
            var results: [Int: ([String], [String])] = [:]
            func add() {
                guard let (index, delivery) = waiting.popFirst() else { return }
                group.addTask {
                    async let wanted = Self.outcome(delivery, configuration, names, isExim: true)
                    async let found = Self.outcome(delivery, configuration, names, isExim: false)
                    return (index, try await wanted, try await found)
                }
            }
            for _ in 0..<Self.concurrency { add() }
            while let (index, wanted, found) = try await group.next() {
                results[index] = (wanted, found)
                try keep(deliveries[index].title, wanted, found)
                add()
            }
            return deliveries.indices.map {
                (deliveries[$0].title, results[$0]?.0 ?? [], results[$0]?.1 ?? [])
            }
        }
    }

    /// For who writes fixtures: what each program left goes into files of the directory DELIVERY_OUT.
    private func keep(_ title: String, _ wanted: [String], _ found: [String]) throws {
        guard let folder = ProcessInfo.processInfo.environment["DELIVERY_OUT"] else { return }
        let difference = KnownDifferences.between(wanted, found)
        for (suffix, lines) in [("exim", wanted), ("bobbin", found), ("difference", difference)] {
            try (lines.joined(separator: "\n") + "\n").write(
                toFile: "\(folder)/\(name)-\(title.replacing("/", with: "_")).\(suffix)", atomically: true,
                encoding: .utf8)
        }
    }

    private static func outcome(
        _ delivery: Delivery, _ configuration: ByteString, _ names: NameService?, isExim: Bool
    ) async throws -> [String] {
        try await withCheckedThrowingContinuation { continuation in
            // On a thread of its own, since it waits for other processes.
            Thread.detachNewThread {
                continuation.resume(
                    returning: {
                        do {
                            return try Stage(delivery, configuration, names, isExim: isExim).perform()
                        } catch { return ["not made: \(error)"] }
                    }())
            }
        }
    }
}

/// The DNS that the programs of an area ask.
final class NameService: Sendable {
    private let server: ZoneServer
    /// What they trust, for `dns_trust_anchor_file`.
    let anchors: ByteString
    /// The server's address.
    var address: ByteString { server.addressText }

    /// Serves the zones of a fixture, edited by `forge` after they were signed.
    init(
        _ text: ByteString, at place: UInt32,
        forge: (ZoneServer.Zone) -> ZoneServer.Zone = { $0 }
    ) throws {
        let (zones, anchors) = try ZoneServer.Zone.signed(ZoneServer.Zone.list(Self.filled(text)))
        server = try ZoneServer(zones.map(forge), at: place)
        self.anchors = anchors
    }

    /// The text with what stands for certificates filled in.
    private static func filled(_ text: ByteString) throws -> ByteString {
        var text = text
        while let from = text.firstIndex(of: UInt8(ascii: "<")),
            let to = text.firstIndex(of: UInt8(ascii: ">"))
        {
            let words = ByteString(text[(from + 1)..<to]).string.split(separator: " ").map(String.init)
            let data = try Papers.made().association(words)
            text = ByteString(text[..<from]) + data + ByteString(text[(to + 1)...])
        }
        return text
    }
}
