import Bytes
import Foundation
import TestKit

/// A real clamd out of its Debian package, which scripts/setup unpacks, with one signature of ours; it ends with the value.
final class ClamProcess: Sendable {
    /// What the signature finds, and the name that it has.
    static let marker = "X-Virus-Marker-Bobbin"
    static let virus = "Bobbin.Test.A.UNOFFICIAL"

    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../.oracles/clamav").standardizedFileURL.path

    /// There is no clamd: `scripts/setup --test` unpacks it.
    struct Missing: Error, CustomStringConvertible {
        let description = "no clamd below .oracles/clamav: run scripts/setup --test, which unpacks it"
    }

    let port: Int
    let socket: String
    private let place: TemporaryDirectory
    private let daemon: ChildProcess

    /// Starts it and waits until it listens.
    init() throws {
        guard FileManager.default.isExecutableFile(atPath: "\(Self.root)/usr/sbin/clamd") else {
            throw Missing()
        }
        let place = try TemporaryDirectory()
        let port = try freePort()
        self.place = place
        self.port = port
        socket = place.file("clamd.sock").string
        let digits = Self.marker.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        try place.write("Bobbin.Test.A:0:*:\(ByteString(digits))\n", to: "bobbin.ndb")
        let settings = try place.write(
            """
            DatabaseDirectory \(place.path)
            TCPSocket \(port)
            TCPAddr 127.0.0.1
            LocalSocket \(ByteString(socket))
            LocalSocketMode 666
            Foreground yes

            """, to: "clamd.conf")
        let libraries = try FileManager.default.contentsOfDirectory(atPath: "\(Self.root)/usr/lib")
            .filter { $0.hasSuffix("-linux-gnu") }.map { "\(Self.root)/usr/lib/\($0)" }
        daemon = try ChildProcess(
            "\(Self.root)/usr/sbin/clamd", ["-c", settings.string],
            environment: ["LD_LIBRARY_PATH": libraries.joined(separator: ":")])
        let path = socket
        try eventually("clamd listens") {
            guard FileManager.default.fileExists(atPath: path) else { return false }
            return (try? LoopbackStream(port: port)) != nil
        }
    }
}
