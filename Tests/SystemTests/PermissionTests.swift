import Bytes
import Foundation
import TestKit
import Testing

/// What an ordinary user may ask of the program.
extension SystemTests.RunControl {
    /// Starts a program as a user who has nothing to do with mail.
    private static let asNobody = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

    @Test(
        "An ordinary user is refused in Exim's words",
        arguments: [
            "", "commandline_checks_require_admin", "prod_requires_admin = false",
            "queue_list_requires_admin = false",
        ] as [ByteString])
    func refused(option: ByteString) throws {
        let site = try MailSite(configuration(main: option + "\n"))
        try site.exim("-odq", "-f", "a@example.org", "u@example.com", input: "Subject: x\n\nhello\n")
        let id = try #require(site.queue.first)
        var words = [["-Mg", id], ["-bd"]]
        if !option.starts(with: "prod".utf8) {
            words += [["-M", id], ["-Mc", id], ["-q"], ["-qff"], ["-R", "x"], ["-Sr", "x"]]
        }
        if !option.starts(with: "queue".utf8) { words += [["-bp"], ["-bpc"], ["-bpu"], ["-bpra"]] }
        if option.starts(with: "command".utf8) {
            words += [
                ["-brt", "x"], ["-brw", "x"], ["-be", "x"], ["-bt", "u@example.com"],
                ["-bv", "u@example.com"], ["-bvs", "u@example.com"],
            ]
        }
        for words in words {
            let wanted = try ChildProcess(
                Self.asNobody[0],
                Self.asNobody.dropFirst() + [
                    "/usr/sbin/exim4", "-C", site.directory.file("exim.conf").string,
                ]
                    + words
            ).wait()
            let found = try site.start("bobbin", ["exim"] + words, through: Self.asNobody).wait()
            #expect(wanted.code == 1, "\(words)")
            #expect(found.code == wanted.code, "\(words)")
            #expect(found.errors == wanted.errors, "\(words)")
        }
        if option.starts(with: "queue".utf8) {
            let list = try site.start("bobbin", ["exim", "-bpc"], through: Self.asNobody).wait()
            #expect(!list.errors.contains(ByteString("permission denied\n")) || list.code != 1)
        }
        #expect(site.queue == [id])
    }

    @Test(
        "An address that a router takes only to refuse it fails verification in Exim's words, and is delivered"
    )
    func verification() throws {
        let routers = [
            ("a", "fail_verify"), ("b", "fail_verify_sender"), ("c", "fail_verify_recipient"), ("d", ""),
        ]
        let text = routers.map { name, option in
            "\(name):\n  driver = accept\n  domains = \(name).test\n  \(option)\n  transport = local\n"
        }
        let site = try MailSite(
            ByteString(
                "extra_local_interfaces = 192.0.2.77\nbegin routers\n\(text.joined())"
                    + "far:\n  driver = manualroute\n  route_list = * 192.0.2.77\n  self = fail\n  transport = local\n"
                    + "begin transports\nlocal:\n  driver = appendfile\n  file = MAIL/box\n"))
        for name in ["a", "b", "c", "d", "far"] {
            for word in ["-bv", "-bvs", "-bt"] {
                let wanted = try site.exim(word, "u@\(name).test")
                let found = try site.run("bobbin", "exim", word, "u@\(name).test")
                #expect(found.output == wanted.output, "\(word) \(name)")
                #expect(found.code == wanted.code, "\(word) \(name)")
            }
        }
    }
}
