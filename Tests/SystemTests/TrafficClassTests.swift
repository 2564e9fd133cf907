import Bytes
import Foundation
import TestKit
import Testing

/// `control = dscp` and the option `dscp` of the smtp transport, as packets show them.
@Suite("How packets are marked", .needsRoot)
struct TrafficClassTests {
    /// Prints of each packet of a port whether it comes from it or goes to it, and its TOS octet.
    private static let watcher = """
        import socket, struct, sys
        port = int(sys.argv[1])
        watch = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        print("ready", flush=True)
        while True:
            packet = watch.recv(65536)
            if packet[0] >> 4 != 4 or packet[9] != 6: continue
            source, target = struct.unpack(">HH", packet[20:24])
            if source == port: print("from", packet[1], flush=True)
            if target == port: print("to", packet[1], flush=True)
        """

    private static let configuration: ByteString = """
        queue_only
        qualify_domain = example.org
        trusted_users = root
        acl_not_smtp = accept
        acl_smtp_mail = mark
        acl_smtp_rcpt = accept

        begin acl

        mark:
          accept control = dscp/${extract{1}{-}{$sender_address_local_part}}

        begin routers

        there:
          driver = manualroute
          route_list = * 127.0.0.1
          self = send
          transport = there

        begin transports

        there:
          driver = smtp
          port = ${readfile{SITE/port}{}}
          dscp = ${extract{2}{-}{$sender_address_local_part}}
          hosts_try_fastopen =

        """

    @Test(
        "Packets carry the value of control = dscp one way, and that of the smtp transport's dscp the other, with Exim and with Bobbin",
        arguments: [("ef-af41", 0xB8, 0x88), ("0x3f-10", 0xFC, 0x28), ("throughput-af11", 0x08, 0x28)])
    func marked(sender: String, server: Int, client: Int) throws {
        for isExim in [true, false] {
            let site = try MailSite(Self.configuration)
            let (daemon, port) = try isExim ? site.eximDaemon() : site.receiver("--queue-only")
            defer { daemon.signal(SIGTERM) }
            try site.directory.write(ByteString("\(port)"), to: "port")
            let watcher = try ChildProcess("/usr/bin/python3", ["-c", Self.watcher, "\(port)"])
            defer { watcher.signal(SIGKILL) }
            try eventually("packets are watched") { try watcher.output.contains(ByteString("ready")) }
            let arguments = ["-odq", "-f", "\(sender)@example.net", "b@example.org"]
            if isExim {
                try site.start(exim: arguments, input: "Subject: x\n\nx\n").wait()
                try site.start(exim: ["-q"]).wait()
            } else {
                try site.start("bobbin", ["exim"] + arguments, input: "Subject: x\n\nx\n").wait()
                try site.start("bobbin-queuerunner", ["--force"]).wait()
            }
            try eventually("both ways are marked, Exim: \(isExim)") {
                let lines = Latin1.text(try watcher.output).split(separator: "\n")
                return lines.contains("from \(server)") && lines.contains("to \(client)")
            }
        }
    }

    @Test("A value that is none defers in an ACL, as with Exim")
    func mistaken() throws {
        for isExim in [true, false] {
            let site = try MailSite(Self.configuration)
            let (daemon, port) = try isExim ? site.eximDaemon() : site.receiver("--queue-only")
            defer { daemon.signal(SIGTERM) }
            let client = try SMTPDialogue(port: port)
            _ = try client.reply()
            _ = try client.say("EHLO client.example.net")
            #expect(try client.say("MAIL FROM:<64-x@example.net>").code == 451)
            let line = "unrecognised DSCP value in \"control=dscp/64\""
            try eventually("it is logged") { try site.log().contains { $0.contains(line) } }
        }
    }
}
