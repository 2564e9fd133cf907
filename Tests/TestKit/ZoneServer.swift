package import Bytes
import Glibc

/// A real authoritative DNS server (Debian's `nsd`) on a free port of 127.0.0.1; it ends with the value.
///
/// Use `serving`, which keeps it for as long as the body runs.
package final class ZoneServer: Sendable {
    /// One zone: its name and the text of its file.
    ///
    /// Without a SOA record of its own, the text gets one, with a server `ns` in the zone.
    package struct Zone: Sendable {
        let name: ByteString
        let text: ByteString
        private var isToBeSigned = false

        /// Makes a zone of records, in which relative names count from the zone's name.
        package init(_ name: ByteString, _ records: ByteString) {
            self.name = name
            let head: ByteString = """
                $ORIGIN \(name.last == UInt8(ascii: ".") ? name : "\(name).")
                $TTL 300
                @ IN SOA ns hostmaster 1 3600 900 604800 60
                @ IN NS ns
                ns IN A 127.0.0.1

                """
            text = records.contains(ByteString(" SOA "), ignoringCase: true) ? records : head + records
        }

        /// The zones of a text in which each begins with a line `zone: name`, or `signed zone: name`.
        package static func list(_ text: ByteString) -> [Zone] {
            var zones: [(name: ByteString, records: ByteString, isSigned: Bool)] = []
            for line in text.split(separator: .newline) {
                if line.starts(with: "zone: ".utf8) {
                    zones.append((ByteString(line.dropFirst(6)), "", false))
                } else if line.starts(with: "signed zone: ".utf8) {
                    zones.append((ByteString(line.dropFirst(13)), "", true))
                } else if !zones.isEmpty {
                    zones[zones.count - 1].records += ByteString(line) + ByteString("\n")
                }
            }
            return zones.map {
                var zone = Zone($0.name, $0.records)
                zone.isToBeSigned = $0.isSigned
                return zone
            }
        }

        /// The zones as they are served, those of `signed zone: name` signed, with a line for each of these that a
        /// resolver begins to trust from.
        package static func signed(_ zones: [Zone]) throws -> (zones: [Zone], anchors: ByteString) {
            var (served, anchors): ([Zone], ByteString) = ([], "")
            for zone in zones {
                guard zone.isToBeSigned else {
                    served.append(zone)
                    continue
                }
                let (signed, anchor) = try zone.signed()
                served.append(signed)
                anchors += anchor + ByteString("\n")
            }
            return (served, anchors)
        }
    }

    /// The port, for UDP and TCP.
    package let port: Int
    /// The server as a resolver's forwarder: `127.0.0.1@port`.
    package var forwarder: ByteString { "\(Self.text(address))@\(port)" }
    /// The address as text.
    package var addressText: ByteString { Self.text(address) }

    private let address: UInt32

    private let directory: TemporaryDirectory
    private let process: RunningProgram

    /// Starts a server with the zones and waits until it answers.
    ///
    /// With an address of 127.0.0.0/8 it serves there on port 53, where a resolv.conf can name it; needs root.
    package init(_ zones: [Zone], at place: UInt32? = nil) throws {
        address = place ?? 0x7F00_0001
        let program = try Program("nsd", package: "nsd")
        directory = try TemporaryDirectory()
        for (index, zone) in zones.enumerated() { try directory.write(zone.text, to: "zone\(index)") }
        for _ in 0..<Self.attempts {
            let port = try place == nil ? freePort() : 53
            let socket: ByteString = "\(Self.text(address))@\(port)"
            try directory.write(Self.configuration(zones, socket, in: directory.path), to: "nsd.conf")
            let started = try program.start(["-d", "-c", directory.file("nsd.conf").string])
            if Self.isReady(port, address) {
                self.port = port
                process = started
                return
            }
            started.end()
        }
        let log = try directory.read("log")
        throw Program.Failure(description: "nsd does not answer; its log: \(log)")
    }

    deinit { process.end() }

    /// Runs a body while a server serves the zones.
    package static func serving<Value>(
        _ zones: [Zone], _ body: (ZoneServer) async throws -> Value
    ) async throws -> Value {
        let server = try ZoneServer(zones)
        defer { withExtendedLifetime(server) {} }
        return try await body(server)
    }

    /// How often another port is tried, since a free port may be taken by another test meanwhile.
    private static let attempts = 5
    /// How many questions a starting server may leave unanswered, a tenth of a second each.
    private static let questions = 100

    private static func text(_ address: UInt32) -> ByteString {
        ByteString([24, 16, 8, 0].map { String(address >> $0 & 0xFF) }.joined(separator: "."))
    }

    private static func isReady(_ port: Int, _ address: UInt32) -> Bool {
        for _ in 0..<questions {
            if answersDNS(port: port, at: address, milliseconds: 100) { return true }
            // A refused datagram comes back at once: leave the server time to read its zones.
            usleep(20_000)
        }
        return false
    }

    private static func configuration(
        _ zones: [Zone], _ socket: ByteString, in directory: ByteString
    ) -> ByteString {
        var text: ByteString = """
            server:
              ip-address: \(socket)
              server-count: 1
              rrl-ratelimit: 0
              username: ""
              chroot: ""
              zonesdir: "\(directory)"
              database: ""
              pidfile: "\(directory)/pid"
              logfile: "\(directory)/log"
              xfrdfile: "\(directory)/xfrd"
              xfrdir: "\(directory)"
              zonelistfile: "\(directory)/zones"
            remote-control:
              control-enable: no

            """
        for (index, zone) in zones.enumerated() {
            text += ByteString("zone:\n  name: \"\(zone.name)\"\n  zonefile: \"zone\(index)\"\n")
        }
        return text
    }
}
