package import Bytes
import Foundation
import Glibc
import Synchronization

/// A mail system of its own for one test: a spool, logs and mailboxes in a temporary directory, and one configuration
/// that both the installed Exim and Bobbin run on.
///
/// The files belong to Debian's Exim user, as an Exim on that spool demands. Needs root.
package final class MailSite: Sendable {
    /// The temporary directory: `spool`, `log`, `mail`, and the configurations.
    package let directory: TemporaryDirectory
    /// How many hundredths of a second accepted messages have to come onto the queue.
    private let patience = Mutex(3000)

    /// The owner of spool, logs and mailboxes.
    package static let user = "Debian-exim"

    /// Makes a site.
    ///
    /// - Parameters:
    ///   - bobbin: main options of ours, which Exim does not know; Bobbin's copy of the configuration begins with them.
    ///     Answers of the DNS are not validated unless something says by which keys.
    ///   - configuration: the text for both, without the main options that every site has: name, spool and log.
    package init(
        bobbin options: ByteString = "message_id_format = short\n", _ configuration: ByteString
    ) throws {
        directory = try TemporaryDirectory()
        for name in ["spool", "log", "mail"] {
            try FileManager.default.createDirectory(
                atPath: directory.file(ByteString(name)).string, withIntermediateDirectories: false)
            try Self.give(directory.file(ByteString(name)))
        }
        let text: ByteString = """
            spool_directory = \(directory.path)/spool
            log_file_path = \(directory.path)/log/%slog
            MAIL = \(directory.path)/mail
            SITE = \(directory.path)
            primary_hostname = mail.example.org
            \(configuration.contains(ByteString("tls_advertise_hosts")) ? "" : "tls_advertise_hosts =")
            pipelining_connect_advertise_hosts =
            keep_environment =
            \(configuration.contains(ByteString("smtputf8_advertise_hosts")) ? "" : "smtputf8_advertise_hosts =")

            """
        try directory.write(text + configuration, to: "exim.conf")
        // The zones of the tests are not signed, and the machine's servers may know nothing of signatures.
        let anchor: ByteString = "dns_trust_anchor_file"
        let isAnchored = options.contains(anchor) || configuration.contains(anchor)
        let unvalidated: ByteString = isAnchored ? "" : "\(anchor) =\n"
        let own = options + unvalidated
        try directory.write(own + text + configuration, to: "bobbin.conf")
    }

    /// Gives a file to the Exim user.
    package static func give(_ path: ByteString) throws {
        guard let account = unsafe getpwnam(user) else {
            throw Program.Failure(
                description: "there is no user \(user): install Debian's package exim4-daemon-heavy")
        }
        guard unsafe chown(path.string, account.pointee.pw_uid, account.pointee.pw_gid) == 0 else {
            throw Program.Failure(description: "chown \(path): error \(errno); this test needs root")
        }
    }

    // MARK: What lies in it

    /// The names below a directory of the site, as paths from it, sorted; a missing directory is empty.
    ///
    /// Of messages that have their 250 and whose files are being made, these are waited for.
    package func names(in folder: ByteString) -> [String] {
        if folder.starts(with: ByteString("spool")) { settle() }
        return listed(in: folder)
    }

    private func listed(in folder: ByteString) -> [String] {
        (FileManager.default.subpaths(atPath: directory.file(folder).string) ?? []).sorted()
    }

    /// The ids of the messages on the queue: those whose `-H` is there.
    package var queue: [String] {
        names(in: "spool/input").compactMap { name in
            let file = name.split(separator: "/").last.map(String.init) ?? name
            return file.hasSuffix("-H") ? String(file.dropLast(2)) : nil
        }
    }

    /// The octets of a message's `-H`, `-D` or `-J`.
    package func spoolFile(_ id: String, _ suffix: String) throws -> ByteString {
        let wanted = "\(id)-\(suffix)"
        guard let name = names(in: "spool/input").first(where: { $0.hasSuffix(wanted) }) else {
            throw Program.Failure(description: "no \(wanted) in \(names(in: "spool/input"))")
        }
        return try directory.read("spool/input/\(ByteString(name))")
    }

    /// The lines of a log (`main`, `reject` or `panic`); none when there is no such log.
    package func log(_ kind: String = "main") throws -> [String] {
        let name = ByteString("log/\(kind)log")
        guard FileManager.default.fileExists(atPath: directory.file(name).string) else { return [] }
        return Latin1.text(try directory.read(name)).split(separator: "\n").map(String.init)
    }

    /// The messages in all the maildirs below `mail`.
    package func delivered() throws -> [ByteString] {
        try names(in: "mail").filter { $0.contains("new/") }.map { name in
            try directory.read("mail/\(ByteString(name))")
        }
    }

    /// A file's owner and, in octal digits, its mode.
    package func access(to name: ByteString) throws -> String {
        let attributes = try FileManager.default.attributesOfItem(atPath: directory.file(name).string)
        let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
        return "\(attributes[.ownerAccountName] ?? "") \(String(mode, radix: 8))"
    }

    // MARK: Messages on their way from the commit log to the queue

    /// Waits until no receiver is about to make the files of messages that it has accepted.
    package func settle() {
        for _ in 0..<patience.withLock({ $0 }) {
            if unsettled.isEmpty { return }
            usleep(10_000)
        }
    }

    /// From now on files may be such as cannot be made: nobody waits long for them.
    package func expectTrouble() { patience.withLock { $0 = 50 } }

    /// The messages that have a temporary header file and a lock: those that are just received, or being rewritten.
    private var unsettled: [String] {
        listed(in: "spool").filter { name in
            guard let place = name.range(of: "hdr.") else { return false }
            let data = name.replacingCharacters(in: place, with: "") + "-D"
            return isLocked(directory.file("spool/\(ByteString(data))").string)
        }
    }

    /// Whether somebody is at work on a message: its reception is not over, or it is being delivered.
    package func isHeld(_ id: String) -> Bool {
        listed(in: "spool/input").contains { name in
            name.hasSuffix("\(id)-D") && isLocked(directory.file("spool/input/\(ByteString(name))").string)
        }
    }

    /// Whether a process holds a lock over the first octets of a file.
    private func isLocked(_ path: String) -> Bool {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var lock = flock()
        lock.l_type = Int16(F_RDLCK)
        lock.l_len = 16
        // F_OFD_GETLK: who would be in the way of this open file.
        let asked = unsafe fcntl(descriptor, 36, &lock)
        return asked == 0 && lock.l_type != Int16(F_UNLCK)
    }

    // MARK: The programs

    /// A program, with arguments, that starts another one in a view of the file system where resolv.conf names a DNS server.
    ///
    /// - Parameters:
    ///   - server: its address; it must serve on port 53.
    ///   - more: further lines of resolv.conf.
    package func asking(_ server: ByteString, _ more: ByteString = "") throws -> [String] {
        let names = try directory.write("nameserver \(server)\n\(more)options timeout:2\n", to: "resolv.conf")
        let script = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\""
        return [
            "/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script, names.string,
        ]
    }

    /// Starts the installed Exim on this site, by itself or through a program with arguments.
    package func start(
        exim arguments: [String], input: ByteString = "", through wrapper: [String] = []
    ) throws -> ChildProcess {
        let exim = "/usr/sbin/exim4"
        guard FileManager.default.isExecutableFile(atPath: exim) else {
            throw Program.Failure(
                description: "\(exim) is missing: install Debian's package exim4-daemon-heavy")
        }
        settle()
        let words = wrapper + [exim, "-C", directory.file("exim.conf").string] + arguments
        return try ChildProcess(words[0], Array(words.dropFirst()), input: input)
    }

    /// Runs the installed Exim on this site to its end.
    @discardableResult
    package func exim(_ arguments: String..., input: ByteString = "") throws -> ChildProcess.Ending {
        try start(exim: arguments, input: input).wait()
    }

    /// Starts a program of ours on this site: `bobbin`, `bobbin-receiver`, `bobbin-queuerunner`.
    ///
    /// - Parameters:
    ///   - program: its name.
    ///   - arguments: its arguments.
    ///   - input: what it reads on standard input.
    ///   - wrapper: a program with arguments that starts it, such as `setpriv`; none starts it as it is.
    ///   - environment: further variables of its environment.
    package func start(
        _ program: String, _ arguments: [String], input: ByteString = "", through wrapper: [String] = [],
        environment: [String: String] = [:]
    ) throws -> ChildProcess {
        settle()
        let words = wrapper + [try Self.program(program).string] + arguments
        let ours = ["BOBBIN_CONFIG": directory.file("bobbin.conf").string]
        return try ChildProcess(
            words[0], Array(words.dropFirst()), input: input,
            environment: ours.merging(environment) { _, new in new })
    }

    /// Runs a program of ours on this site to its end.
    @discardableResult
    package func run(_ program: String, _ arguments: String..., input: ByteString = "") throws
        -> ChildProcess.Ending
    {
        try start(program, arguments, input: input).wait()
    }

    /// Starts a daemon of Exim's on a free port, and waits until it listens.
    package func eximDaemon(_ arguments: String...) throws -> (daemon: ChildProcess, port: Int) {
        let port = try freePort()
        let pidFile = directory.file("exim.pid").string
        let daemon = try start(
            exim: ["-bdf", "-oX", "127.0.0.1.\(port)", "-oP", pidFile] + arguments)
        return (try Self.listening(daemon, port), port)
    }

    /// Starts `bobbin-receiver` on a free port, and waits until it listens.
    package func receiver(
        _ arguments: String..., through wrapper: [String] = [], environment: [String: String] = [:]
    ) throws -> (daemon: ChildProcess, port: Int) {
        let port = try freePort()
        let daemon = try start(
            "bobbin-receiver", ["listen", "--listen", "127.0.0.1:\(port)"] + arguments, through: wrapper,
            environment: environment)
        return (try Self.listening(daemon, port), port)
    }

    private static func listening(_ daemon: ChildProcess, _ port: Int) throws -> ChildProcess {
        try eventually("a server listens on port \(port)") {
            guard daemon.isRunning else {
                throw Program.Failure(description: "the server ended: \(try daemon.wait())")
            }
            do {
                let dialogue = try SMTPDialogue(port: port)
                _ = try dialogue.reply()
                _ = try dialogue.say("QUIT")
                return true
            } catch { return false }
        }
        return daemon
    }

    /// Where a program of ours lies.
    package static func path(of name: String) throws -> String { try program(name).string }

    /// The programs lie where the tests' own executable lies: one build makes both.
    package static func program(_ name: String) throws -> ByteString {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path =
            ByteString(URL(fileURLWithPath: own).deletingLastPathComponent().path) + ByteString("/\(name)")
        guard FileManager.default.isExecutableFile(atPath: path.string) else {
            throw Program.Failure(description: "\(path) is missing: swift build --build-tests makes it")
        }
        return path
    }
}

/// Octets as text in which each octet is one character, and back.
package enum Latin1 {
    /// The text of octets.
    package static func text(_ octets: ByteString) -> String {
        String(String.UnicodeScalarView(octets.map { Unicode.Scalar($0) }))
    }
}
