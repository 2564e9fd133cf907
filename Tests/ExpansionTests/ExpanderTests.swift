import Bytes
import DNS
import Expansion
import Lookups
import Testing

@Suite("Expander")
struct ExpanderTests {
    private func failure(_ text: String, _ facts: Facts, _ environment: Environment) async -> ExpansionError?
    {
        do {
            _ = try await Expander(environment).expand(Template(ByteString(text)), facts)
            return nil
        } catch {
            return error
        }
    }

    private static var tainted: Facts {
        var facts = Facts()
        facts.message.sender = "/etc/passwd"
        facts.address.localPart = TaintedBytes("/bin/echo", .tainted)
        facts.extra["mine"] = TaintedBytes("$primary_hostname", .tainted)
        return facts
    }

    @Test(
        "Tainted data names no file, no program, no lookup, no ACL, and is not expanded again",
        arguments: [
            ("${readfile{$sender_address}}", "Tainted filename '/etc/passwd'"),
            ("${lookup{root}lsearch{$sender_address}}", "Tainted filename for search: '/etc/passwd'"),
            ("${lookup{x}dsearch{/etc$sender_address}}", "Tainted filename for search: '/etc/etc/passwd'"),
            ("${run{$local_part a}}", "Attempt to exec tainted path: '/bin/echo'"),
            (
                "${run,preexpand{/bin/echo $local_part}}",
                "Attempt to exec tainted path: '/bin/echo /bin/echo'"
            ),
            ("${acl{$local_part}}", "attempt to use tainted ACL text \"/bin/echo\""),
            (
                "${expand:$mine}",
                "internal expansion of \"$primary_hostname\" failed: attempt to expand tainted string '$primary_hostname'"
            ),
            ("${sg{a}{a}{$mine}}", "attempt to expand tainted string '$primary_hostname'"),
        ])
    func taint(text: String, reason: String) async {
        var environment = Environment()
        environment.lookups = .standard()
        environment.runProgram = { _ in ProgramOutcome(output: "", status: 0) }
        #expect(await failure(text, Self.tainted, environment) == .failed(ByteString(reason)))
    }

    @Test(
        "A value keeps the taint of what it was made of, and looked-up data is clean",
        arguments: [
            ("x$sender_address", true), ("${lc:$sender_address}", true),
            ("${map{a:b}{$sender_address}}", true),
            ("$primary_hostname", false), ("${if eq{$sender_address}{}{a}{b}}", false),
            ("${if inlist{$sender_address}{/etc/passwd:b}{$value}}", false),
            ("${if match_local_part{/bin/echo}{/bin : *echo}{$value}}", false),
            ("$h_none:${sender_address}", true),
        ])
    func carriesTaint(text: String, isTainted: Bool) async throws {
        let value = try await Expander(Environment()).expand(Template(ByteString(text)), Self.tainted)
        #expect(value.taint.isTainted == isTainted)
    }

    @Test(
        "An ACL's condition is true for yes, true and numbers, false for nothing, no, false and zeros",
        arguments: [
            ("", false), ("no", false), ("FALSE", false), ("0", false), ("000", false), ("yes", true),
            ("True", true),
            ("1", true), ("42", true),
        ])
    func condition(text: String, expected: Bool) async throws {
        var facts = Facts()
        #expect(
            try await Expander(Environment()).isTrue(condition: Template(ByteString(text)), &facts)
                == expected)
    }

    @Test("An ACL's condition of another value is an error with Exim's text")
    func badCondition() async {
        var facts = Facts()
        await #expect(throws: ExpansionError.failed("invalid \"condition\" value \"maybe\"")) {
            try await Expander(Environment()).isTrue(condition: "maybe", &facts)
        }
    }

    @Test("Typed expansions read numbers, intervals and yes or no")
    func typed() async throws {
        let expander = Expander(Environment())
        #expect(try await expander.expandToInteger("${eval:2+3}K", Facts()) == 5120)
        #expect(try await expander.expandToTime("1h${if eq{a}{a}{30m}}", Facts()) == 5400)
        #expect(try await expander.expandToBool("${if eq{a}{a}}", Facts()))
        #expect(try await expander.expandToBool("", Facts(), default: true))
        #expect(try await expander.isTrueLoosely(condition: "anything", Facts()))
    }

    @Test("An ACL is called with its arguments, and its message is the value")
    func acl() async throws {
        var environment = Environment()
        environment.callACL = { call in
            let answer: ACLAnswer =
                switch call.name.string {
                case "yes": .accepted(call.facts.extra["acl_arg1"].map { TaintedBytes("got \($0.bytes)") })
                case "no": .denied(nil)
                case "later": .deferred
                default: .failed("unknown")
                }
            return ACLCallResult(answer, call.facts)
        }
        let expander = Expander(environment)
        #expect(try await expander.expand("${acl{yes}{x}}", Facts()).bytes == "got x")
        #expect(try await expander.expand("${if acl{{yes}{x}}{$value}{n}}", Facts()).bytes == "got x")
        #expect(try await expander.expand("${if acl{{no}}{y}{n}}", Facts()).bytes == "n")
        #expect(
            await failure("${acl{later}}", Facts(), environment) == .forcedFailure("DEFER from acl \"later\"")
        )
    }

    @Test("A variable that the caller brings by name is read, and goes before Exim's own")
    func extra() async throws {
        var facts = Facts()
        facts.extra["event_name"] = "msg:delivery"
        facts.extra["quite_new"] = "new"
        #expect(
            try await Expander(Environment()).expand("$event_name $quite_new", facts).bytes
                == "msg:delivery new")
    }

    @Test("A lookup that cannot answer defers the expansion")
    func deferral() async {
        var environment = Environment()
        environment.lookups = .standard(
            resolver: FixedResolver([.init("example.com", .mx): DNSAnswer(.tryAgain("no servers"))]))
        let error = await failure("${lookup dnsdb{mx=example.com}{y}{n}}", Facts(), environment)
        #expect(error == .deferred("lookup of \"mx=example.com\" gave DEFER: no servers"))
    }

    @Test(
        "What a user's file may not use is refused",
        arguments: [
            ("${readfile{/etc/passwd}}", ForbiddenItems.readfile), ("${run{/bin/true}}", .run),
            ("${lookup{a}lsearch{/etc/passwd}}", .lookup), ("${if exists{/etc}{y}{n}}", .exists),
        ])
    func forbidden(text: String, item: ForbiddenItems) async {
        var environment = Environment()
        environment.lookups = .standard()
        environment.runProgram = { _ in ProgramOutcome(output: "", status: 0) }
        #expect(await failure(text, Facts(), environment) == nil)
        environment.forbidden = item
        #expect(await failure(text, Facts(), environment) != nil)
    }

    @Test("The peer is shown as in Exim's log lines and Received: lines")
    func peer() async throws {
        var facts = Facts()
        facts.connection.remoteAddress = "192.0.2.1"
        facts.connection.helo = "client.example"
        let expander = Expander(Environment())
        #expect(try await expander.expand("$sender_fullhost", facts).bytes == "(client.example) [192.0.2.1]")
        #expect(
            try await expander.expand("$sender_rcvhost", facts).bytes == "[192.0.2.1] (helo=client.example)")
        facts.connection.hostName = RemoteName(.found(["host.example"]))
        #expect(
            try await expander.expand("$sender_fullhost", facts).bytes
                == "host.example (client.example) [192.0.2.1]")
        #expect(
            try await expander.expand("$sender_rcvhost", facts).bytes
                == "host.example ([192.0.2.1] helo=client.example)")
    }

    @Test("Times are written in Exim's forms")
    func times() async throws {
        var environment = Environment()
        environment.now = { (1_034_776_191, 250_000) }
        environment.zoneOffset = { _ in 3600 }
        let expander = Expander(environment)
        let template: Template =
            "$tod_full|$tod_log|$tod_bsdinbox|$tod_zulu|$tod_zone|$tod_logfile|$tod_epoch_l"
        let expected: ByteString =
            "Wed, 16 Oct 2002 14:49:51 +0100|2002-10-16 14:49:51|Wed Oct 16 14:49:51 2002|20021016T134951Z|+0100|20021016|1034776191250000"
        #expect(
            try await expander.expand(template, Facts()).bytes
                == expected.replacing(ByteString("T134951Z"), with: ByteString("134951Z")))
    }

    @Test("A literal template knows its value without being expanded")
    func literal() {
        #expect(Template("plain").literal == "plain")
        #expect(Template("a\\$b\\tc").literal == "a$b\tc")
        #expect(Template("$x").literal == nil)
        #expect(Template("${if").syntaxError != nil)
    }

    @Test("The variables that came after Exim 4.96 are known; nobody asks for his mail by ATRN")
    func laterVariables() async throws {
        var facts = Facts()
        facts.connection.connectionID = "0aB"
        let text = try await Expander(Environment()).expand(
            Template("<$connection_id> <$atrn_host> <$atrn_mode>"), facts)
        #expect(text.bytes == "<0aB> <> <>")
    }
}
