package import Bytes

/// A peer that says nothing under TLS but that its keys change, again and again; it ends with the value.
package final class KeyFlood: Sendable {
    /// What it is to the other side.
    package enum Role: Sendable {
        /// A server on an address that begins with TLS; the files of its certificate and key.
        case server(at: String, certificate: ByteString, key: ByteString)
        case client
    }

    private let process: ChildProcess

    /// Starts one; a server listens when it is there.
    ///
    /// - Parameter isAsking: whether it wants the other side's keys changed each time, too.
    package init(_ role: Role, port: Int, isAsking: Bool) throws {
        let place = "\(#filePath)".split(separator: "/").dropLast().joined(separator: "/")
        let own: [String] =
            switch role {
            case .server(let address, let certificate, let key):
                ["server", address, "\(port)", certificate.string, key.string]
            case .client: ["client", "127.0.0.1", "\(port)"]
            }
        process = try ChildProcess(
            "/usr/bin/python3", ["/\(place)/Peers/keyflood.py"] + own + [isAsking ? "asking" : "plain"])
        if case .server = role { try hear("ready") }
    }

    /// Waits until it floods.
    package func awaitFlood() throws { try hear("flooding") }

    /// Waits until the other side has ended the connection.
    package func awaitEnd() throws { try hear("left") }

    private func hear(_ word: ByteString) throws {
        try eventually("the flooding peer says \(word)", within: 120) {
            guard try process.isRunning || process.output.contains(word) else {
                throw Program.Failure(description: "keyflood.py has ended: \(try process.errors)")
            }
            return try process.output.contains(word)
        }
    }
}
