package import Bytes
import Glibc

/// A real PostgreSQL server of its own for one test, at a socket in a temporary directory; it ends with the value.
///
/// Needs root, since the server itself refuses to run as root and is started as the user `postgres`.
package final class PostgresProcess: Sendable {
    /// The text for `--to`.
    package let target: String

    /// The path of its socket.
    package var socket: ByteString { directory.file(".s.PGSQL.5432") }

    private let directory: TemporaryDirectory
    private let server: ChildProcess

    /// Makes a database cluster, starts the server, and waits until it answers.
    package init() throws {
        directory = try TemporaryDirectory()
        let (data, socket) = (directory.file("data").string, directory.path.string)
        let programs = try Self.programs()
        let runner = try Program("runuser", package: "util-linux")
        try Program("chown", package: "coreutils").run(["postgres", socket])
        try runner.run([
            "-u", "postgres", "--", "\(programs)/initdb", "-D", data, "-A", "trust", "-E", "UTF8",
            "--locale=C",
            "--no-sync",
        ])
        server = try ChildProcess(
            runner.path,
            [
                "-u", "postgres", "--", "\(programs)/postgres", "-D", data, "-k", socket, "-c",
                "listen_addresses=",
                "-c", "fsync=off", "-c", "max_connections=8", "-c", "shared_buffers=16MB",
            ])
        target = "postgresql:host=\(socket) user=postgres dbname=postgres"
        try eventually("postgres answers", within: 120) {
            guard server.isRunning else {
                throw Program.Failure(description: "postgres ended: \(try server.errors)")
            }
            do { return try query("SELECT 1") == "1" } catch { return false }
        }
    }

    /// What a query gives: a line for each row, columns with `|` between them.
    package func query(_ statement: String) throws -> ByteString {
        let text = try Program("psql", package: "postgresql-client-15").run([
            "-h", directory.path.string, "-U", "postgres", "-XAtq", "-c", statement, "postgres",
        ])
        return ByteString(text.trimmed())
    }

    /// Where Debian keeps the server's programs.
    private static func programs() throws -> String {
        let place = "/usr/lib/postgresql/15/bin"
        guard unsafe access("\(place)/postgres", X_OK) == 0 else {
            throw Program.Failure(description: "postgres is missing: install Debian's package postgresql")
        }
        return place
    }
}
