import Bytes
import Expansion
import MailText
import Routing
import TestKit
import Testing

@Suite("Routers judge as the installed Exim does")
struct RoutingOracleTests {
    private static let site = Result { try RoutingSite() }

    @Test(
        "AUX-07 AUX-24: an address is routed, redirected, refused or deferred in Exim's words",
        arguments: [
            "bh", "null", "fail", "failtext", "defer", "unknown", "bad", "two", "self", "other", "pipe",
            "quotedpipe", "file", "dir", "inc", "incmissing", "increl", "nested", "dup", "loop1", "empty",
            "comment", "extra", "full", "backslash", "mixed", "rewritten", "noinc", "nofail", "nodefer",
            "nohole",
            "nopipe", "nofile", "nofwd", "relfwd", "fwd", "skip", "nomore", "badt", "taint", "badmore",
            "badcond",
            "seenboth", "baduser", "known", "KNOWN", "known-x", "known+y", "owner-list", "owner-list-request",
            "nobody-here", "real-root", "real-nosuchuser", "root",
            "x@selffail.example", "x@selffreeze.example", "x@selfreroute.example", "x@selflater.example",
            "x@ported.example", "x@ignoring.example", "x@finddecline.example", "x@findfail.example",
            "x@findignore.example", "x@findfreeze.example", "x@badoption.example", "x@a.table.example",
            "x@b1.table.example", "x@local.table.example", "x@c.deep.table.example", "x@z.table.example",
            "x@nowhere.example",
        ])
    func verdict(of address: String) async throws {
        let site = try Self.site.get()
        let whole: ByteString = address.contains("@") ? ByteString(address) : "\(address)@lab.example"
        let wanted = try site.exim(["-bt", whole.string])
        var facts = Facts()
        facts.message.sender = ""
        let found = await RouteDescription(of: whole, by: site.router, facts)
        #expect(found.text.string == wanted.output.string)
        #expect(found.status == wanted.code)
    }

    @Test(
        "An envelope address is rewritten as Exim rewrites it",
        arguments: [
            "rw1@lab.example", "rw2@lab.example", "RW3foo@lab.example", "x@old.example", "from@lab.example",
            "x@env.example", "keep@env.example", "rrr@lab.example", "unq@lab.example", "who@lab.example",
            "plain@lab.example",
        ])
    func rewriting(of address: String) async throws {
        let site = try Self.site.get()
        let wanted = try site.exim(["-brw", address]).output.string
        let facts = Facts()
        for (field, name) in [
            (RewriteField.envelopeFrom, "env-from"), (.envelopeTo, "env-to"),
        ] {
            let found = try await site.rewriter.rewrite(EmailAddress(ByteString(address)), as: field, facts)
            let line = wanted.split(separator: "\n").first { $0.contains("\(name):") } ?? ""
            #expect(line.split(separator: " ").last.map(String.init) == found.text.string, "\(wanted)")
        }
    }

    @Test(
        "An address in a header line is rewritten as Exim rewrites it",
        arguments: [
            "rw1@lab.example", "rw2@lab.example", "RW3foo@lab.example", "x@old.example", "from@lab.example",
            "rrr@lab.example", "who@lab.example", "plain@lab.example",
        ])
    func headerRewriting(of address: String) async throws {
        let site = try Self.site.get()
        let wanted = try site.exim(["-brw", address]).output.string
        for (kind, name) in [
            (HeaderKind.from, "from"), (.to, "to"), (.replyTo, "reply-to"), (.sender, "sender"),
        ] {
            let header = Header("X: \(address)\n", kind: kind)
            let found = try await site.rewriter.rewrite(header, Facts()) ?? header
            let line =
                wanted.split(separator: "\n").first { $0.drop { $0 == " " }.hasPrefix("\(name):") } ?? ""
            let value = line.split(separator: ":", maxSplits: 1).last.map { $0.drop { $0 == " " } } ?? ""
            #expect(found.text.string == "X: \(value)\n", "\(wanted)")
        }
    }
}
