import Bytes
import Foundation
import Glibc
import TestKit

/// A delivery on a site of its own, by Exim or by Bobbin.
struct Stage {
    let delivery: Delivery
    let isExim: Bool
    let site: MailSite
    let port: Int
    let servers: [ScriptedServer]
    let proxies: [ScriptedProxy]
    /// The DNS server that the programs' resolv.conf names; nil leaves them the system's.
    let names: NameService?

    /// A delivery that could not be made at all.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// How often another port is tried, since a free one may be taken by somebody meanwhile.
    private static let attempts = 20

    init(
        _ delivery: Delivery, _ configuration: ByteString, _ names: NameService?, isExim: Bool
    ) throws {
        self.delivery = delivery
        self.names = names
        self.isExim = isExim
        var attempt = 1
        while true {
            do {
                let port = try freePort()
                let place = "WIREPORT = \(port)\n" as ByteString
                let site = try MailSite(
                    place + Self.filled(configuration, delivery.settings))
                if configuration.contains(ByteString("SITE/ca.crt")) { try Papers.made().give(to: site) }
                try site.directory.write(names?.anchors ?? "", to: "anchor")
                let servers = try delivery.servers.map {
                    try ScriptedServer($0, port: port, socketPath: site.directory.file("lmtp"))
                }
                proxies = try delivery.proxies.map { try ScriptedProxy($0, port: port) }
                (self.site, self.port, self.servers) = (site, port, servers)
                return
            } catch {
                guard attempt < Self.attempts else { throw error }
                attempt += 1
            }
        }
    }

    /// The configuration with what the delivery adds at the places `@main` and so on.
    private static func filled(_ text: ByteString, _ settings: [String: [ByteString]]) -> ByteString {
        let lines = text.split(separator: .newline, omittingEmptySubsequences: false).flatMap {
            line -> [ByteString] in
            guard line.first == UInt8(ascii: "@") else { return [ByteString(line)] }
            let name = ByteString(line.dropFirst()).string
            let parts = name.split(separator: " ", maxSplits: 1).map(String.init)
            // What stands behind the name is there when the delivery says nothing.
            return settings[parts[0]] ?? parts.dropFirst().map { ByteString($0) }
        }
        return lines.joined(separator: "\n")
    }

    /// Makes the delivery, and gives what is left.
    func perform() throws -> [String] {
        var started: [ChildProcess] = []
        for step in delivery.steps {
            switch step {
            case .mail(let mail): try submit(mail)
            case .run(let arguments): try run(arguments, isAlone: started.isEmpty)
            case .start(let arguments):
                started.append(try start(arguments.map(named)))
                try eventually("a server holds the delivery") { servers.contains { $0.gate.isWaitedFor } }
            case .release:
                for server in servers { server.gate.open() }
                for process in started { try process.wait() }
                started = []
                if isExim { try awaitQuiet() }
            case .age(let seconds): try age(by: seconds)
            case .sleep(let seconds): sleep(seconds)
            case .exim(let arguments): try site.start(exim: arguments.map(named)).wait()
            case .file(let name, let text): try site.directory.write(text, to: name)
            case .shell(let command): try prepare(command)
            case .other(let arguments): try runOther(arguments)
            }
        }
        return try Remains(self).lines
    }

    private func prepare(_ command: String) throws {
        let script = "cd \"$0\" && umask 077 && { \(command)\n} && chown -hR \(MailSite.user): mail"
        let ending = try ChildProcess("/bin/sh", ["-c", script, site.directory.path.string]).wait()
        guard ending.code == 0 else {
            throw Stage.Failure(description: "\(delivery.title): \(command): \(ending.errors)")
        }
    }

    private func runOther(_ arguments: [String]) throws {
        let arguments = arguments.map(named)
        let other = try isExim ? site.start("bobbin", ["exim"] + arguments) : site.start(exim: arguments)
        try other.wait()
        if !isExim { try awaitQuiet() }
    }

    /// `{1}` is the first message's id.
    private func named(_ argument: String) -> String {
        guard argument.hasPrefix("{"), let number = Int(argument.dropFirst().dropLast()) else {
            return argument
        }
        let queue = site.queue.sorted()
        return queue.indices.contains(number - 1) ? queue[number - 1] : argument
    }

    private func submit(_ mail: Delivery.Mail) throws {
        var dialogue: ByteString = "EHLO client.example.net\r\nMAIL FROM:\(mail.sender)\r\n"
        for recipient in mail.recipients { dialogue += "RCPT TO:\(recipient)\r\n" as ByteString }
        dialogue += "DATA\r\n" as ByteString
        let lines: [ByteString] =
            mail.lines.isEmpty ? ["Subject: hello", "", "Hello", ".with a dot"] : mail.lines
        for line in lines {
            dialogue += line.first == UInt8(ascii: ".") ? ".\(line)\r\n" : "\(line)\r\n" as ByteString
        }
        dialogue += ".\r\nQUIT\r\n" as ByteString
        let ending = try site.exim("-odq", "-bs", input: dialogue)
        guard ending.output.contains(ByteString("250 OK id=")) else {
            throw Stage.Failure(description: "\(delivery.title): not accepted: \(ending.output)")
        }
    }

    private func run(_ arguments: [String], isAlone: Bool) throws {
        let arguments = arguments.map(named)
        let ending = try start(arguments).wait()
        guard ending.code == 0 else {
            throw Stage.Failure(
                description: "\(delivery.title): \(arguments) ended with \(ending): \(ending.errors)")
        }
        if isExim, isAlone { try awaitQuiet() }
    }

    private func start(_ arguments: [String]) throws -> ChildProcess {
        let view = try names.map { try site.asking($0.address, "search home.test wide.test\n") } ?? []
        return try isExim
            ? site.start(exim: arguments, through: view)
            : site.start("bobbin", ["exim"] + arguments, through: view)
    }

    /// Exim's reports are delivered by processes of their own, which outlive the run for a moment.
    private func awaitQuiet() throws {
        var last: [Int] = []
        try eventually("Exim's processes have ended") {
            let now = [try site.log().count, site.names(in: "spool").count, running]
            defer { last = now }
            if now != last || running > 0 { usleep(60_000) }
            return now == last && running == 0
        }
    }

    /// How many processes work with this site's configuration.
    private var running: Int {
        let mark = site.directory.path
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.filter { name in
            guard Int(name) != nil, let line = FileManager.default.contents(atPath: "/proc/\(name)/cmdline")
            else { return false }
            let words = ByteString(line)
            return words.contains(mark) && words.contains(ByteString("exim"))
        }.count
    }

    /// Makes what is on the queue older: the time of reception, and of freezing.
    private func age(by seconds: Int) throws {
        for name in site.names(in: "spool/input") where name.hasSuffix("-H") {
            let file = "spool/input/\(ByteString(name))" as ByteString
            var lines = try site.directory.read(file).split(
                separator: .newline, omittingEmptySubsequences: false
            )
            .map { ByteString($0) }
            for (index, line) in lines.enumerated().prefix(while: {
                !$0.element.starts(with: ByteString("XX"))
            }) {
                if index == 3, let parts = line.cut(at: .blank) {
                    lines[index] =
                        Self.earlier(ByteString(parts.before), seconds) + " " + ByteString(parts.after)
                } else if line.starts(with: ByteString("-frozen ")) {
                    lines[index] = "-frozen " + Self.earlier(ByteString(line.dropFirst(8)), seconds)
                } else if line.starts(with: ByteString("-received_time_complete ")),
                    let parts = line.dropFirst(24).cut(at: UInt8(ascii: "."))
                {
                    lines[index] =
                        "-received_time_complete " + Self.earlier(ByteString(parts.before), seconds)
                        + "." + ByteString(parts.after)
                }
            }
            try site.directory.write(lines.joined(separator: "\n"), to: file)
            try MailSite.give(site.directory.file(file))
        }
    }

    private static func earlier(_ time: ByteString, _ seconds: Int) -> ByteString {
        "\((time.decimalInteger() ?? 0) - Int64(seconds))"
    }
}
