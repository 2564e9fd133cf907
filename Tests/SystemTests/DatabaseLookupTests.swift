import Bytes
import TestKit
import Testing

extension SystemTests {
    @Suite struct DatabaseLookups {}
}

/// Lookups in servers of databases.
extension SystemTests.DatabaseLookups {
    /// What each line expands to.
    private static func expanded(_ lines: [ByteString], _ run: (ByteString) throws -> ChildProcess.Ending)
        throws
        -> [String]
    {
        let ending = try run(lines.map { "\($0)\n" as ByteString }.joined(separator: ""))
        return Latin1.text(ending.output).split(separator: "\n").map {
            $0.hasPrefix("> ") ? String($0.dropFirst(2)) : String($0)
        }.filter { !$0.isEmpty && $0 != ">" }
    }

    @Test(
        """
        pgsql gives what Exim's gives: rows, columns, counts, failures, and servers of a query's own; \
        AUX-14: a sender with quotes is stored as it is
        """)
    func postgres() throws {
        let server = try PostgresProcess()
        _ = try server.query(
            """
            CREATE TABLE t(k text, v text); CREATE TABLE m(a int, b text, c text);
            INSERT INTO t VALUES ('one','1'), ('quo''te','q'), ('sp ace','a b'), ('nul',null), ('q','say "x"'), ('e','');
            INSERT INTO m VALUES (1,'x y','z'), (2,'',null)
            """)
        let place: ByteString = "(\(server.socket))"
        let site = try MailSite("hide pgsql_servers = \(place)/postgres/postgres/\n")
        let queries: [(type: ByteString, query: ByteString)] = [
            ("", "select v from t where k='one'"), ("", "select v from t where k='none'"),
            ("", "select v from t where k='nul'"), ("", "select k,v from t where k='nul'"),
            ("", "select k,v from t where k='sp ace'"), ("", "select k,v from t where k='q'"),
            ("", "select k,v from t where k='e'"), ("", "select v from t where k='q'"),
            ("", "select * from m order by a desc"), ("", "update t set v='1' where k='one'"),
            ("", "update t set v='1' where k='nobody'"), ("", ""),
            ("", "select v from t where k='${quote_pgsql:quo'te}'"),
            ("", "select '${quote_pgsql:a\\\\b\"c}'"),
            (",servers=\(place)/postgres/postgres/", "select 1"),
            ("", "servers=\(place)/postgres/postgres/; select 2"), ("", "servers=nosuch; select 2"),
            ("", "servers=nosuch select 2"), (",servers=nosuch", "select 1"),
            (",servers=no/such", "select 1"),
            (",servers=(/nosuch/.s.PGSQL.5432)/x/y/:\(place)/postgres/postgres/", "select 3"),
        ]
        let lines = queries.map { "${lookup pgsql\($0.type){\($0.query)}{<$value>}{none}}" as ByteString }
        let wanted = try Self.expanded(lines) { try site.exim("-be", input: $0) }
        let found = try Self.expanded(lines) { try site.run("bobbin", "exim", "-be", input: $0) }
        // An empty text has its own line in neither.
        #expect(wanted.count >= lines.count)
        #expect(found == wanted)
        let failing: [ByteString] = ["${lookup pgsql{select nonsense}{yes}{no}}"]
        for program in [true, false] {
            let said = try Self.expanded(failing) {
                try program ? site.exim("-be", input: $0) : site.run("bobbin", "exim", "-be", input: $0)
            }
            #expect(
                said.first?.hasPrefix("Failed: lookup of \"select nonsense\" gave DEFER: PGSQL: query failed")
                    ?? false)
        }
        try Self.storeSenders(server, place)
    }

    /// Both programs store what the documents' sample of an event stores, of senders with each kind of quote.
    private static func storeSenders(_ server: PostgresProcess, _ place: ByteString) throws {
        _ = try server.query("CREATE TABLE record(domain text, local text, host text, mysql text)")
        let site = try MailSite(
            """
            hide pgsql_servers = \(place)/postgres/postgres/
            acl_smtp_rcpt = stored
            begin acl
            stored:
              warn set acl_m_stored = ${lookup pgsql {INSERT INTO record VALUES ( \\
                  '${quote_pgsql:$sender_address_domain}', \\
                  '${quote_pgsql:${lc:$sender_address_local_part}}', \\
                  '${quote_pgsql:$sender_host_address}', \\
                  '${quote_pgsql:${quote_mysql:$sender_address_local_part}}')}}
              accept

            """)
        let session: ByteString = """
            EHLO client.example\r
            MAIL FROM:<O'Brien@example.net>\r
            RCPT TO:<b@example.org>\r
            RSET\r
            MAIL FROM:<"'); DROP TABLE record;--"@example.net>\r
            RCPT TO:<b@example.org>\r
            QUIT\r

            """
        for isExim in [true, false] {
            let said =
                try isExim
                ? site.exim("-bh", "192.0.2.1", input: session)
                : site.run("bobbin", "exim", "-bh", "192.0.2.1", input: session)
            #expect(Latin1.text(said.output).matches(of: /250 Accepted/).count == 2, "\(said)")
            let rows = Latin1.text(
                try server.query("SELECT * FROM record ORDER BY local DESC; DELETE FROM record"))
            #expect(rows.contains(#"example.net|o'brien|192.0.2.1|O\\'Brien"#), "\(rows)")
            #expect(rows.contains(#"example.net|\"'); drop table record;--\"|192.0.2.1|"#), "\(rows)")
        }
    }

    @Test(
        "RED-01, RED-02, RED-03, RED-04, RED-05, RED-07, RED-08, RED-09, RED-10, RED-11: the server, database and password that are named get the commands"
    )
    func redis() throws {
        let (open, guarded) = (try RedisProcess(.port), try RedisProcess(.socket, password: "secret"))
        let port = open.backend.dropFirst(6).prefix { $0 != UInt8(ascii: "/") }.split(
            separator: UInt8(ascii: ":"))
        let host: ByteString = "127.0.0.1::\(ByteString(port[1]))"
        let socket = ByteString(guarded.backend.dropFirst(6).prefix { $0 != UInt8(ascii: "/") })
        for (key, value) in [("plain", "zero"), ("with space", "a  b")] { try open.ask("SET", key, value) }
        try open.ask("SADD", "senders", "one@example.com", "two@example.com")
        try open.ask("HSET", "domains", "here.example", "yes")
        try guarded.ask("SET", "plain", "guarded")
        let path = guarded.backend.cut(at: UInt8(ascii: "("))?.after.prefix { $0 != UInt8(ascii: ")") }
        let place: ByteString = "localhost(\(ByteString(path ?? [])))"
        #expect(socket.count > 0)
        let site = try MailSite(
            """
            SPAMMER_SET = SADD spammers
            hide redis_servers = \(host)//
            addresslist senders = <\\n ${lookup redis{SMEMBERS senders}}
            domainlist here = ${lookup redis{HGET domains ${quote_redis:$domain}}{$domain}}
            begin routers
            local:
              driver = redirect
              domains = +here
              condition = ${if eq{${lookup redis{SPAMMER_SET ${quote_redis:$local_part}}}}{1}}
              data = :blackhole:

            """)
        func says(_ line: ByteString) throws -> String {
            try Self.expanded([line]) { try site.run("bobbin", "exim", "-be", input: $0) }.joined(
                separator: "|")
        }
        let cases: [(ByteString, String)] = [
            ("${lookup redis{GET plain}}", "zero"),
            ("${lookup redis{GET ${quote_redis:with space}}}", "a  b"),
            ("${lookup redis{GET nothing}{yes}{none}}", "none"),
            ("${lookup redis{SET new value}}", "OK"),
            ("${lookup redis{GET new}}", "value"),
            ("${lookup redis{INCR counter}}", "1"),
            ("${sort{<\\n ${lookup redis{SMEMBERS senders}}}{le}{$item}}", "one@example.com|two@example.com"),
            ("${if match_address{two@example.com}{+senders}{in}{out}}", "in"),
            ("${if match_address{three@example.com}{+senders}{in}{out}}", "out"),
            ("${lookup redis,servers=\(host)/10/{SET place ten}}", "OK"),
            ("${lookup redis,servers=\(host)/10/{GET place}}", "ten"),
            ("${lookup redis,servers=\(host)/10/{GET plain}{yes}{none}}", "none"),
            ("${lookup redis{servers=\(host)/10/; GET place}}", "ten"),
            ("${lookup redis,servers=\(place)//secret{GET plain}}", "guarded"),
            ("${lookup redis,servers=\(place)//{GET plain}{yes}{none}}", "Failed: "),
            ("${lookup redis,servers=127.0.0.1::1//:\(host)//{GET plain}}", "zero"),
            (
                "${lookup redis{NOSUCH command}}",
                "Failed: lookup of \"NOSUCH command\" gave DEFER: REDIS: query failed: "
            ),
            ("${quote_redis:a b\\\\c}", "a\\ b\\\\c"),
        ]
        let found = try Self.expanded(cases.map(\.0)) { try site.run("bobbin", "exim", "-be", input: $0) }
        let wanted = cases.flatMap { $0.1.split(separator: "|").map(String.init) }
        #expect(found.count == wanted.count, "\(found)")
        for (one, other) in zip(found, wanted) {
            #expect(other.hasPrefix("Failed: ") ? one.hasPrefix(other) : one == other, "\(one)")
        }
        // Database 10 is the server's database 10, and no password is in what is said.
        #expect(try open.ask("-n", "10", "GET", "place") == "ten")
        #expect(!found.contains { $0.contains("secret") })
        let routed = try site.run("bobbin", "exim", "-bt", "bad@here.example", "good@there.example")
        #expect(
            Latin1.text(routed.output)
                == "mail to bad@here.example is discarded\ngood@there.example is undeliverable: Unrouteable address\n"
        )
        #expect(try says("${lookup redis{SMEMBERS spammers}}") == "bad")
    }

    @Test(
        "AUX-22, AUX-23: the documents' lists are what Redis has, and connection variables are set from it")
    func redisSamples() throws {
        let server = try RedisProcess()
        try server.ask("SADD", "relay_from_ips", "192.168.0.0/24", "10.0.0.0/8", "2001:db8::/32")
        try server.ask("HSET", "virtual.example", "domain", "virtual.example")
        try server.ask("SET", "host:192.0.2.1", "a known spammer")
        let socket = server.backend.cut(at: UInt8(ascii: "("))?.after.prefix { $0 != UInt8(ascii: ")") } ?? []
        let site = try MailSite(
            """
            SPAMMER_SET = SET SPAMMER ${quote_redis:$sender_host_address}
            redis_servers = localhost(\(ByteString(socket)))//
            hostlist relay_from_ips = <\\n ${lookup redis{SMEMBERS relay_from_ips}}
            domainlist virtual_domains = ${lookup redis {HGET ${quote_redis:$domain} domain}}
            acl_smtp_connect = connected
            acl_smtp_rcpt = check_rcpt
            begin acl
            connected:
              accept set acl_c_spammer = ${if eq{${lookup redis{SPAMMER_SET}}}{OK}}
                     set acl_c_spam_host = ${lookup redis{GET host:${quote_redis:$sender_host_address}}}
            check_rcpt:
              accept hosts = +relay_from_ips
                     message = relayed
              accept domains = +virtual_domains
                     message = virtual
              deny   message = $acl_c_spammer: $acl_c_spam_host

            """)
        let session: ByteString = """
            EHLO client.example\r
            MAIL FROM:<a@example.net>\r
            RCPT TO:<b@far.example>\r
            RCPT TO:<b@virtual.example>\r
            QUIT\r

            """
        func answers(to client: String) throws -> [String] {
            let said = try site.run("bobbin", "exim", "-bh", client, input: session).output
            return Latin1.text(said).split(separator: "\r\n").map(String.init).suffix(3).dropLast()
        }
        for client in ["192.168.0.7", "10.1.2.3", "2001:db8::1"] {
            #expect(try answers(to: client) == ["250 relayed", "250 relayed"], "\(client)")
        }
        #expect(try answers(to: "192.168.1.7") == ["550 true: ", "250 virtual"])
        #expect(try answers(to: "192.0.2.1") == ["550 true: a known spammer", "250 virtual"])
        #expect(try server.ask("GET", "SPAMMER") == "192.0.2.1")
        // The list is what is there now.
        try server.ask("SADD", "relay_from_ips", "192.0.2.1")
        #expect(try answers(to: "192.0.2.1") == ["250 relayed", "250 relayed"])
    }

    @Test("RED-06, RED-12: redis_servers is known where redis is a lookup type")
    func redisOption() throws {
        let site = try MailSite("redis_servers = 127.0.0.1\n")
        let version = Latin1.text(try site.run("bobbin", "exim", "-bV").output)
        let lookups = version.split(separator: "\n").first { $0.hasPrefix("Lookups (built-in):") } ?? ""
        #expect(lookups.split(separator: " ").contains("redis"))
        #expect(
            try site.run("bobbin", "exim", "-bP", "redis_servers").output == "redis_servers = 127.0.0.1\n")
        let macro = try site.run("bobbin", "exim", "-bP", "macro", "_HAVE_LOOKUP_REDIS")
        #expect(macro.output == "_HAVE_LOOKUP_REDIS=y\n")
    }
}
