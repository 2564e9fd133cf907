import Bytes
import Expansion
import Lookups
import Testing

@Suite("Lists")
struct ListTests {
    private static var environment: Environment {
        var environment = Environment()
        environment.settings.primaryHostName = "mail.example.com"
        environment.lookups = .standard()
        environment.localInterfaces = { ["192.0.2.25", "::1"] }
        environment.namesOfAddress = { address in
            switch address {
            case "192.0.2.1": .found(["one.example.com", "alias.example.net"])
            case "192.0.2.99": .deferred("no answer")
            default: .notFound
            }
        }
        environment.addressesOfHost = { name in
            switch name.string {
            case "one.example.com": .found(["192.0.2.1", "2001:db8::1"])
            case "slow.example.com": .deferred("no answer")
            default: .notFound
            }
        }
        environment.mailExchangers = { domain in
            switch domain.string {
            case "ours.example": .found([MailExchanger(preference: 10, name: "a", addresses: ["192.0.2.25"])])
            case "backup.example":
                .found([
                    MailExchanger(preference: 10, name: "b", addresses: ["192.0.2.77"]),
                    MailExchanger(preference: 20, name: "a", addresses: ["192.0.2.25"]),
                ])
            case "slow.example": .deferred("no answer")
            default: .notFound
            }
        }
        environment.namedLists.host["friends"] = ListText("192.0.2.0/28")
        environment.namedLists.domain["loop"] = ListText("+loop")
        return environment
    }

    private func told(_ match: ListMatch) -> String {
        switch match {
        case .matched: "yes"
        case .notMatched: "no"
        case .deferred: "defer"
        }
    }

    @Test(
        "A host list says what the manual's section 10.11 and after say",
        arguments: [
            ("192.0.2.1", "192.0.2.0/24", "yes"), ("192.0.2.1", "! 192.0.2.1 : *", "no"),
            ("192.0.2.1", "*", "yes"),
            ("192.0.2.1", "one.example.com", "yes"), ("192.0.2.2", "one.example.com", "no"),
            ("192.0.2.1", "*.example.com", "yes"), ("192.0.2.1", "*.example.net", "yes"),
            ("192.0.2.1", "^one", "yes"), ("192.0.2.1", "", "no"), ("192.0.2.1", "+friends", "yes"),
            ("192.0.2.25", "@[]", "yes"), ("192.0.2.1", "@[]", "no"),
            ("192.0.2.3", "*.example.com : 192.0.2.3", "no"),
            ("192.0.2.3", "192.0.2.3 : *.example.com", "yes"),
            ("192.0.2.3", "+include_unknown : *.example.com", "yes"),
            ("192.0.2.3", "+ignore_unknown : *.example.com : 192.0.2.3", "yes"),
            ("192.0.2.3", "+ignore_unknown : *.example.com", "no"),
            ("192.0.2.99", "*.example.com", "defer"), ("192.0.2.99", "+include_defer : *.example.com", "yes"),
            ("192.0.2.99", "+ignore_defer : *.example.com : 192.0.2.99", "yes"),
            ("192.0.2.1", "slow.example.com", "defer"), ("192.0.2.1", "nowhere.example.com", "no"),
            ("2001:db8::1", "<; 2001:db8::/32", "yes"), ("::ffff:192.0.2.1", "192.0.2.1", "yes"),
            ("192.0.2.1", "+nosuch", "defer"), ("192.0.2.1", "<\n 10.0.0.1\n192.0.2.1", "yes"),
        ])
    func host(address: String, list: String, expected: String) async {
        var facts = Facts()
        let host = HostIdentity(address: IPAddress(address.utf8))
        let match = await Expander(Self.environment).matchHost(host, in: ListText(ByteString(list)), &facts)
        #expect(told(match) == expected)
    }

    @Test(
        "Without a remote host only an empty item and the star match",
        arguments: [
            ("", "no"), (":", "yes"), ("*", "yes"), ("192.0.2.0/24", "no"), ("*.example.com", "no"),
            (": 192.0.2.1", "yes"), ("! 192.0.2.1", "yes"),
        ])
    func noHost(list: String, expected: String) async {
        var facts = Facts()
        let host = HostIdentity(address: nil)
        let match = await Expander(Self.environment).matchHost(host, in: ListText(ByteString(list)), &facts)
        #expect(told(match) == expected)
    }

    @Test("A peer's name is asked for once, and kept for all copies of the facts")
    func onceAsked() async {
        var facts = Facts()
        facts.connection.remoteAddress = "192.0.2.1"
        let copy = facts
        let host = HostIdentity(address: "192.0.2.1")
        _ = await Expander(Self.environment).matchHost(host, in: ListText("*.example.com"), &facts)
        #expect(copy.connection.hostName.name == "one.example.com")
    }

    @Test(
        "@mx_any and its relatives look at the domain's mail exchangers",
        arguments: [
            ("ours.example", "@mx_any", "yes"), ("ours.example", "@mx_primary", "yes"),
            ("ours.example", "@mx_secondary", "no"), ("backup.example", "@mx_any", "yes"),
            ("backup.example", "@mx_primary", "no"), ("backup.example", "@mx_secondary", "yes"),
            ("backup.example", "@mx_primary/ignore=192.0.2.77", "yes"), ("other.example", "@mx_any", "no"),
            ("slow.example", "@mx_any", "defer"),
        ])
    func exchangers(domain: String, list: String, expected: String) async {
        var facts = Facts()
        let match = await Expander(Self.environment)
            .matchDomain(ByteString(domain), in: ListText(ByteString(list)), &facts)
        #expect(told(match) == expected)
    }

    @Test("A list that is expanded to nothing by force matches nothing, and one that fails defers")
    func failing() async {
        var facts = Facts()
        let expander = Expander(Self.environment)
        let forced = await expander.matchDomain("a", in: ListText("${if eq{1}{2}{a}fail}"), &facts)
        #expect(forced == .notMatched)
        let broken = await expander.matchDomain("a", in: ListText("${if eq{1}"), &facts)
        #expect(told(broken) == "defer")
    }

    @Test("$domain is the subject while a domain list's lookups are made, and is as before afterwards")
    func subject() async {
        var facts = Facts()
        facts.address.domain = "before"
        _ = await Expander(Self.environment).matchDomain("x.example", in: ListText("*.example"), &facts)
        #expect(facts.address.domain == "before")
        #expect(facts.captures.map(\.bytes) == ["x.example", "x"])
    }

    @Test("A named list that contains itself defers and does not run away")
    func loop() async {
        var facts = Facts()
        let match = await Expander(Self.environment).matchDomain("a", in: ListText("+loop"), &facts)
        #expect(told(match) == "defer")
    }

    @Test("A lookup item that cannot be opened defers with Exim's text")
    func unopened() async {
        var facts = Facts()
        let match = await Expander(Self.environment).matchDomain(
            "a", in: ListText("lsearch;/no/such"), &facts)
        let text: ByteString = "failed to open /no/such for linear search: No such file or directory"
        #expect(match == .deferred(reason: text))
    }

    @Test(
        "What matched is the data, without the subject's taint",
        arguments: [
            ("a@b.c", "*@b.c", "*@b.c"), ("A@B.c", "a@b.c", "a@b.c"),
        ])
    func detaints(address: String, list: String, data: String) async {
        var facts = Facts()
        let match = await Expander(Self.environment)
            .matchAddress(ByteString(address), in: ListText(ByteString(list)), &facts)
        #expect(match == .matched(data: TaintedBytes(ByteString(data), .clean)))
    }

    @Test("A caseful list tells letters apart")
    func caseful() async {
        var facts = Facts()
        let expander = Expander(Self.environment)
        #expect(await expander.matchLocalPart("Al", in: ListText("al"), &facts).isMatch)
        #expect(await !expander.matchLocalPart("Al", in: ListText("al"), &facts, caseful: true).isMatch)
        #expect(await !expander.matchAddress("Al@x", in: ListText("al@x"), &facts, caseful: true).isMatch)
        #expect(await expander.matchAddress("Al@X", in: ListText("Al@x"), &facts, caseful: true).isMatch)
    }

    @Test(
        "A list's items are those of the manual's section 6.21 (AUX-06)",
        arguments: [
            ("a:b : c", ["a", "b", "c"]), ("<; a;b", ["a", "b"]), ("a::b:c", ["a:b", "c"]), ("", []),
            (":", [""]),
            ("<\n one\ntwo words\n", ["one", "two words"]), ("<, 2001:db8::1, ::1", ["2001:db8::1", "::1"]),
            ("a: :b", ["a", "", "b"]), (" <;a", ["a"]), ("<", ["<"]), ("<a", ["<a"]),
        ])
    func items(list: String, expected: [String]) {
        let items = Expander(Self.environment).items(ofList: TaintedBytes(ByteString(list), .tainted))
        #expect(items.map(\.bytes.string) == expected)
        #expect(items.allSatisfy { $0.taint == .tainted })
    }
}
