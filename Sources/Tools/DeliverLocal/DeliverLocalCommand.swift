// DeliverLocal: the program bobbin-deliver-local, which makes one local delivery as another user.
//
// Purpose: gives up root for the user given, reads one order on standard input, delivers from the data file on
// descriptor 3, writes one outcome on standard output. It has no configuration. With a program named after `--` it
// becomes that program instead, as the user given.
// May import: Bytes, Transports, ArgumentParser.

import ArgumentParser
import Bytes
import Glibc
import Transports

/// `bobbin-deliver-local`: one delivery, order in, outcome out.
@main
struct DeliverLocalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bobbin-deliver-local",
        abstract: "Makes one local delivery as another user; started by bobbin-queuerunner.",
        discussion: "Example: bobbin-deliver-local --user 1000:1000 < order 3< message-D")

    /// The most octets of an order.
    static let orderLimit = 64 << 20

    @Option(help: "The numbers of the user and group to become: uid:gid.")
    var user: String

    @Flag(help: "Take the user's further groups too.")
    var initgroups = false

    @Argument(parsing: .postTerminator, help: "A program to become, with its arguments, after --.")
    var program: [String] = []

    mutating func run() throws {
        try becomeUser()
        if let path = program.first { throw Self.become(path, program) }
        // A peer that goes away, and a file that may not grow, are errors of the write that meets them.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        guard let order = LocalWork(decoding: Self.input()) else {
            throw CleanExit.message(
                "standard input holds no order; this program is started by bobbin-queuerunner")
        }
        LocalDelivery.prepareProcess(for: order)
        Self.output(LocalDelivery.perform(order, data: 3).encoded)
    }

    private func becomeUser() throws {
        let parts = user.split(separator: ":").compactMap { UInt32($0) }
        guard parts.count == 2, parts[0] != 0 else {
            throw ValidationError("--user: \"\(user)\" is not uid:gid, or is root")
        }
        if geteuid() != 0 {
            guard geteuid() == parts[0] else { throw ValidationError("only root can become another user") }
            return
        }
        var groups = [gid_t(parts[1])]
        if initgroups, let name = unsafe getpwuid(parts[0])?.pointee.pw_name {
            guard unsafe Glibc.initgroups(name, parts[1]) == 0 else { throw ExitCode(EX_OSERR) }
        } else {
            guard unsafe setgroups(1, &groups) == 0 else { throw ExitCode(EX_OSERR) }
        }
        guard setgid(parts[1]) == 0, setuid(parts[0]) == 0, geteuid() == parts[0] else {
            throw ExitCode(EX_OSERR)
        }
    }

    /// Becomes the program; comes back only when that cannot be done.
    private static func become(_ path: String, _ arguments: [String]) -> ExitCode {
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        _ = unsafe execv(path, &words)
        return ExitCode(EX_UNAVAILABLE)
    }

    private static func input() -> ByteString {
        var octets = ByteString()
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while octets.count < orderLimit {
            let count = unsafe read(STDIN_FILENO, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            octets += block[..<count]
        }
        return octets
    }

    private static func output(_ octets: ByteString) {
        var rest = octets.bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
