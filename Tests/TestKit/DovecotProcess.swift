package import Bytes
import Glibc

/// A real Dovecot of its own for one test, which does nothing but authenticate.
///
/// It knows `user` with the password `secret`, and ends with the value. Needs root.
package final class DovecotProcess: Sendable {
    /// The socket of its authentication server, for `server_socket`.
    package let socket: ByteString

    private let directory: TemporaryDirectory
    private let server: ChildProcess

    /// Starts it and waits until its socket is there.
    package init() throws {
        directory = try TemporaryDirectory()
        socket = directory.file("auth")
        try directory.write("user:secret\n", to: "users")
        let configuration = try directory.write(Self.configuration(directory.path), to: "dovecot.conf")
        let program = try Program("dovecot", package: "dovecot-core")
        server = try ChildProcess(program.path, ["-F", "-c", configuration.string])
        let (server, path) = (server, socket.string)
        try eventually("dovecot has its socket or ends") {
            let isThere = unsafe access(path, F_OK) == 0
            return isThere || !server.isRunning
        }
        guard server.isRunning else {
            throw Program.Failure(description: "dovecot does not start: \(try server.output)")
        }
    }

    deinit {
        // Its own processes end with it when it is asked to end.
        server.signal(SIGTERM)
        do { try server.wait(within: 30) } catch { print("dovecot: \(error)") }
    }

    /// Who has failed once is not made to wait: tests have no time.
    private static func configuration(_ place: ByteString) -> ByteString {
        """
        base_dir = \(place)/run
        state_dir = \(place)/state
        log_path = \(place)/log
        protocols =
        ssl = no
        disable_plaintext_auth = no
        auth_mechanisms = plain login cram-md5
        auth_failure_delay = 0
        passdb {
          driver = passwd-file
          args = scheme=plain \(place)/users
        }
        userdb {
          driver = static
          args = uid=65534 gid=65534 home=/nonexistent
        }
        service auth {
          unix_listener \(place)/auth {
            mode = 0666
          }
        }
        service anvil {
          unix_listener anvil-auth-penalty {
            mode = 0
          }
        }

        """
    }
}
