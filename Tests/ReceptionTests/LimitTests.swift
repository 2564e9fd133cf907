import Bytes
import Foundation
import TestKit
import Testing

/// Limits that concern several connections, or the machine: the same story is played with Exim and with Bobbin.
extension ReceptionTests {
    /// What several clients do, in order; what each hears, and what is logged, is the outcome.
    struct Story: Sendable, CustomStringConvertible {
        let description: String
        /// Main options.
        let options: ByteString
        /// The address of the client, and the lines that it sends; it stays connected.
        let clients: [(host: UInt8, lines: [ByteString])]

        init(_ description: String, _ options: ByteString, _ clients: [(host: UInt8, lines: [ByteString])]) {
            (self.description, self.options, self.clients) = (description, options, clients)
        }
    }

    private static let message: [ByteString] = [
        "MAIL FROM:<a@example.net>", "RCPT TO:<b@example.org>", "DATA", "Subject: x\r\n\r\nx\r\n.",
    ]

    static let stories = [
        Story(
            "smtp_accept_max", "smtp_accept_max = 2\nqueue_only",
            [(10, ["EHLO a"]), (11, ["EHLO b"]), (12, ["EHLO c"])]),
        Story(
            "smtp_accept_max_per_host", "smtp_accept_max_per_host = 2\nqueue_only",
            [(10, []), (10, ["EHLO a"]), (10, []), (11, ["EHLO b"])]),
        Story(
            "smtp_accept_max_per_host, expanded",
            "smtp_accept_max_per_host = ${if eq{$sender_host_address}{127.0.0.11}{1}{3}}\nqueue_only",
            [(11, []), (11, []), (10, []), (10, ["NOOP"])]),
        Story(
            "smtp_accept_reserve",
            "smtp_accept_max = 4\nsmtp_accept_reserve = 2\nsmtp_reserve_hosts = 127.0.0.77\nqueue_only",
            [(10, []), (11, []), (12, []), (77, ["NOOP"])]),
        Story(
            "smtp_accept_queue", "smtp_accept_queue = 1\nlog_selector = +delay_delivery",
            [(10, ["EHLO a"]), (11, ["EHLO b"] + message)]),
        Story(
            "smtp_accept_queue_per_connection", "smtp_accept_queue_per_connection = 1",
            [(10, ["EHLO a"] + message + message)]),
        Story(
            "queue_only_file", "queue_only_file = /nonexistent/a : /etc/passwd", [(10, ["EHLO a"] + message)]),
        Story(
            "check_spool_space", "check_spool_space = 900000G\nqueue_only",
            [(10, ["EHLO a", "MAIL FROM:<a@example.net>", "MAIL FROM:<a@example.net> SIZE=100", "QUIT"])]),
        Story(
            "check_spool_inodes", "check_spool_inodes = 2000000000\nqueue_only",
            [(10, ["EHLO a", "MAIL FROM:<a@example.net>"])]),
        Story(
            "check_log_space", "check_log_space = 900000G\nsmtp_check_spool_space = false\nqueue_only",
            [(10, ["EHLO a", "MAIL FROM:<a@example.net> SIZE=100"])]),
        Story(
            "smtp_accept_max_nonmail_hosts",
            "smtp_accept_max_nonmail = 1\nsmtp_accept_max_nonmail_hosts = 127.0.0.10\nqueue_only",
            [(10, ["EHLO a", "NOOP", "NOOP", "NOOP"]), (11, ["EHLO a", "NOOP", "NOOP", "NOOP"])]),
        Story(
            "smtp_receive_timeout", "smtp_receive_timeout = 2s\nqueue_only", [(10, ["EHLO a", ""])]),
    ]

    @Test("Limits on connections and on the machine are kept as Exim keeps them", arguments: stories)
    func limits(story: Story) async throws {
        async let wanted = OwnThread.run { try Self.play(story, isExim: true) }
        async let found = OwnThread.run { try Self.play(story, isExim: false) }
        let difference = KnownDifferences.between(try await wanted, try await found)
        #expect(difference == [], "\(difference.joined(separator: "\n"))")
    }

    private static func play(_ story: Story, isExim: Bool) throws -> [String] {
        let server = try Server(
            """
            received_header_text = Received: by $primary_hostname\\n\\tid $message_exim_id
            smtp_banner = $smtp_active_hostname ESMTP ready
            acl_smtp_rcpt = accept
            \(story.options)
            begin acl
            begin routers
            stay:
              driver = redirect
              allow_defer
              data = :defer: not now
            begin retry
            * * F,1d,1h

            """, isExim: isExim, queueOnly: false)
        let (site, daemon, port) = (server.site, server.daemon, server.port)
        // The connection that found out whether it listens is over.
        try eventually("nobody is connected") { try connections(to: port) == 0 }
        // Exim counts a client until the process that served it is reaped.
        if isExim { try eventually("nobody is counted") { try ProcessGroup(daemon.number).isAlone } }
        var streams: [LoopbackStream] = []
        var heard: [String] = []
        for client in story.clients {
            let stream = try LoopbackStream(
                port: port, from: 0x7F00_0000 + UInt32(client.host), patience: 60_000)
            streams.append(stream)
            heard += try replies(stream).map { "\(client.host): \($0)" }
            for line in client.lines {
                if !line.isEmpty { try stream.write(line + ByteString("\r\n")) }
                heard += try replies(stream).map { "\(client.host): \($0)" }
            }
        }
        for stream in streams { stream.shutDown() }
        daemon.signal(SIGTERM)
        try daemon.wait(within: 60)
        if isExim { try eventually("Exim's sessions have ended") { try ProcessGroup(daemon.number).isGone } }
        return heard + (try log(site))
    }

    /// The lines about these clients, without those of deliveries and of the end, which come at other moments.
    private static func log(_ site: MailSite) throws -> [String] {
        let own = [
            "after SIGTERM", "daemon started", "no effect yet", "defer", "privilege", " lost",
            "unexpected disconnection", "socket bind()",
        ]
        return try (site.log() + site.log("reject")).filter { line in !own.contains(where: line.contains) }
            .map { masked($0).replacing(/(space|inodes)=[0-9]+/, with: { "\($0.output.1)=<n>" }) }.sorted()
    }

    private static func replies(_ stream: LoopbackStream) throws -> [String] {
        var lines: [String] = []
        while let line = try stream.readLine() {
            lines.append(masked(line))
            if line.count < 4 || line[3] != UInt8(ascii: "-") { return lines }
        }
        return lines + ["<closed>"]
    }

    /// How many connections to a port are open, as the kernel counts them.
    private static func connections(to port: Int) throws -> Int {
        let table = try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8).split(separator: "\n")
            .dropFirst()
        let local = ":" + String(port, radix: 16, uppercase: true)
        return table.count { row in
            let fields = row.split(separator: " ")
            return fields.count > 3 && fields[1].hasSuffix(local) && ["01", "08"].contains(fields[3])
        }
    }
}
