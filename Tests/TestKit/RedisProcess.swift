package import Bytes
import Glibc

/// A real Redis server of its own for one test, at a socket in a temporary directory or at a free port; it ends with
/// the value, and keeps nothing.
package final class RedisProcess: Sendable {
    /// How a test reaches it.
    package enum Door: Sendable { case socket, port }

    /// The text for `hints_backend`, without the password.
    package let backend: ByteString
    /// The password, or nil.
    package let password: ByteString?

    private let directory: TemporaryDirectory
    private let server: ChildProcess
    private let words: [String]

    /// Starts a server and waits until it answers.
    package init(_ door: Door = .socket, password: ByteString? = nil) throws {
        directory = try TemporaryDirectory()
        self.password = password
        var attempt = 1
        while true {
            let (place, options, words) = try Self.place(door, directory)
            let started = try Self.start(options, password, directory)
            // Somebody may have taken the port meanwhile; then the server ends by itself.
            try eventually("redis-server answers or ends") {
                !started.isRunning || Self.answers(words, password)
            }
            if started.isRunning {
                (backend, server, self.words) = (place, started, words)
                return
            }
            guard attempt < 10 else {
                throw Program.Failure(description: "redis-server does not start: \(try started.output)")
            }
            attempt += 1
        }
    }

    /// Asks the server by its own client; gives the answer's lines.
    @discardableResult
    package func ask(_ command: String...) throws -> ByteString {
        try Program("redis-cli", package: "redis-server").run(
            words + Self.login(password) + ["--raw"] + command
        ).trimmedEnd()
    }

    /// Ends the server at once; nothing answers at its place then.
    package func end() { server.kill() }

    /// Lets the server stand still, or go on: it takes connections and says nothing meanwhile.
    package func halt(_ halted: Bool) { server.signal(halted ? SIGSTOP : SIGCONT) }

    private static func place(
        _ door: Door, _ directory: TemporaryDirectory
    ) throws -> (ByteString, [String], [String]) {
        switch door {
        case .socket:
            let path = directory.file("redis.sock")
            return (
                "redis:localhost(\(path))/0/", ["--port", "0", "--unixsocket", path.string],
                ["-s", path.string]
            )
        case .port:
            let port = try freePort()
            return (
                "redis:127.0.0.1:\(port)/0/", ["--bind", "127.0.0.1", "--port", "\(port)"], ["-p", "\(port)"]
            )
        }
    }

    private static func start(
        _ options: [String], _ password: ByteString?, _ directory: TemporaryDirectory
    ) throws -> ChildProcess {
        let secret = password.map { ["--requirepass", $0.string] } ?? []
        let program = try Program("redis-server", package: "redis-server")
        return try ChildProcess(
            program.path,
            options + secret + ["--save", "", "--appendonly", "no", "--dir", directory.path.string])
    }

    private static func login(_ password: ByteString?) -> [String] {
        password.map { ["--no-auth-warning", "-a", $0.string] } ?? []
    }

    private static func answers(_ words: [String], _ password: ByteString?) -> Bool {
        do {
            let client = try Program("redis-cli", package: "redis-server")
            return try client.run(words + login(password) + ["PING"]).starts(with: ByteString("PONG"))
        } catch {
            return false
        }
    }
}

extension ByteString {
    fileprivate func trimmedEnd() -> ByteString {
        ByteString(self[0..<(lastIndex { !$0.isASCIISpace }.map { $0 + 1 } ?? 0)])
    }
}
