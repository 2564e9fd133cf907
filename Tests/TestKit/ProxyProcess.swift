package import Bytes
import Glibc

/// A real proxy of its own for one test: haproxy, or danted of the package dante-server.
///
/// It ends with the value. Needs root.
package final class ProxyProcess: Sendable {
    private let directory: TemporaryDirectory
    private let server: ChildProcess
    private let endsBy: Int32
    /// Where it listens, in the order in which they were asked for.
    package let ports: [Int]

    private init(
        _ program: Program, _ arguments: [String], _ directory: TemporaryDirectory, _ ports: [Int],
        endsBy signal: Int32
    ) throws {
        self.directory = directory
        endsBy = signal
        self.ports = ports
        server = try ChildProcess(program.path, arguments)
        let server = server
        try eventually("\(program.path) listens") {
            guard server.isRunning else {
                throw Program.Failure(description: "\(program.path) does not start: \(try server.output)")
            }
            return ports.allSatisfy { (try? LoopbackStream(port: $0)) != nil }
        }
    }

    deinit {
        // danted has processes of its own, which end when it is asked to; haproxy would wait for its clients.
        server.signal(endsBy)
        do { try server.wait(within: 30) } catch { print("a proxy: \(error)") }
    }

    /// haproxy before a server on 127.0.0.1: a port for each of the words that stand behind the server, such as `send-proxy-v2`.
    package static func haproxy(before server: Int, _ words: [String]) throws -> ProxyProcess {
        let program = try Program("haproxy", package: "haproxy")
        let directory = try TemporaryDirectory()
        let ports = try words.map { _ in try freePort() }
        var text =
            "global\n  log stderr local0 err\ndefaults\n  mode tcp\n  timeout connect 60s\n  timeout client 120s\n"
        text += "  timeout server 120s\n"
        for (port, words) in zip(ports, words) {
            text += "listen p\(port)\n  bind 127.0.0.1:\(port)\n  server s 127.0.0.1:\(server) \(words)\n"
        }
        let file = try directory.write(ByteString(text), to: "haproxy.cfg")
        return try ProxyProcess(program, ["-db", "-f", file.string], directory, ports, endsBy: SIGKILL)
    }

    /// danted on 127.0.0.1, which connects to 127.0.1.2 only; with a password it wants the user `joe` with the password `secret`.
    package static func danted(wantsPassword: Bool) throws -> ProxyProcess {
        let program = try Program("danted", package: "dante-server")
        let directory = try TemporaryDirectory()
        let port = try freePort()
        let text = """
            logoutput: \(directory.file("log"))
            internal: 127.0.0.1 port = \(port)
            external: lo
            socksmethod: \(wantsPassword ? "username" : "none")
            clientmethod: none
            user.privileged: root
            user.unprivileged: nobody
            client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
            socks pass { from: 127.0.0.0/8 to: 127.0.1.2/32 command: connect }
            socks block { from: 0.0.0.0/0 to: 0.0.0.0/0 }

            """
        let file = try directory.write(ByteString(text), to: "danted.conf")
        // It knows the system's users: in a view of the file system of its own these are ours.
        let users = try directory.write("\(people)joe:x:54321:54321::/:/bin/false\n", to: "passwd")
        let secrets = try directory.write("joe:\(secret):20000:0:99999:7:::\n", to: "shadow")
        let script =
            "mount --bind \"$0\" /etc/passwd && mount --bind \"$1\" /etc/shadow && shift && exec \"$@\""
        let words = [
            "--mount", "--propagation", "private", "/bin/sh", "-c", script, users.string, secrets.string,
            program.path, "-f", file.string, "-N", "1", "-p", directory.file("pid").string,
        ]
        return try ProxyProcess(
            try Program("unshare", package: "util-linux"), words, directory, [port], endsBy: SIGTERM)
    }

    private static let people: ByteString = "root:x:0:0::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n"
    /// What `openssl passwd -6 -salt bobbin secret` gives.
    private static let secret: ByteString =
        "$6$bobbin$V/5uOW/8IfTft.ck2F3.GFZTxsE3Rw1GWsRkYGDZCVTu97NDkYKCSHIu9BJYFTPugS1zQWQ8fCe2jC2Jo.pEK0"
}
