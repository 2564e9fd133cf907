import Bytes
import Configuration
import Expansion
import Testing

@Suite("Configuration: lines, macros, conditionals")
struct SourceTests {
    private func main(_ text: ByteString, macros: [Macro] = []) throws -> OptionBlock {
        try Configuration.read(text: text, file: "test.conf", macros: macros).main
    }

    @Test("A line that ends in a backslash goes on, without the blanks that lead the next line")
    func continuation() throws {
        let block = try main("qualify_domain = a\\\n    b\\   \n  # a comment inside\n  .c\n")
        #expect(block.text("qualify_domain") == "ab.c")
    }

    @Test("Macros are replaced in the order of their definition, also inside later macros")
    func macros() throws {
        let block = try main("ABC = two\nAB = one-ABC\nqualify_domain = ABC.AB\n")
        #expect(block.text("qualify_domain") == "two.one-two")
    }

    @Test("A double equals sign redefines a macro with its old value inside")
    func redefinition() throws {
        let block = try main("M = a\nM == M.b\nqualify_domain = M\n")
        #expect(block.text("qualify_domain") == "a.b")
    }

    @Test(
        "Predefined macros tell what there is, as whole words only, and each thing that has no effect has none"
    )
    func predefined() throws {
        let names = Set(PredefinedMacros.all.map(\.name))
        #expect(
            names.isSuperset(of: [
                "_HAVE_SRS", "_HAVE_NATIVE_SRS", "_DRIVER_ROUTER_ACCEPT", "_OPT_MAIN_QUALIFY_DOMAIN",
            ]))
        #expect(!names.contains("_OPT_MAIN_ACL_SMTP_DATA_PRDR"))
        #expect(names.count == PredefinedMacros.all.count)
        #expect(
            PredefinedMacros.replaced(in: "a _HAVE_SRS,_HAVE_SRSX x_HAVE_SRS") == "a y,_HAVE_SRSX x_HAVE_SRS")
        let configuration = try Configuration.read(
            text: """
                .ifdef _HAVE_SRS
                qualify_domain = yes.example
                .else
                qualify_domain = no.example
                .endif
                .ifdef _OPT_MAIN_ACL_SMTP_DATA_PRDR
                qualify_recipient = wrong.example
                .endif

                """, file: "test", macros: [])
        #expect(configuration.main.text("qualify_domain") == "yes.example")
        #expect(configuration.main.text("qualify_recipient") == nil)
    }

    @Test("A macro from the command line stays what it is")
    func fixedMacro() throws {
        let fixed = Macro(name: "M", text: "given")
        let block = try main("M = file\nM == again\nqualify_domain = M\n", macros: [fixed])
        #expect(block.text("qualify_domain") == "given")
    }

    @Test(
        "Conditional lines are taken when a macro of theirs is defined",
        arguments: [
            ("A = 1\n.ifdef A\nqualify_domain = yes\n.else\nqualify_domain = no\n.endif\n", "yes"),
            (".ifdef A\nqualify_domain = yes\n.else\nqualify_domain = no\n.endif\n", "no"),
            (".ifndef A\nqualify_domain = yes\n.endif\n", "yes"),
            (
                "B = 1\n.ifdef A\nqualify_domain = a\n.elifdef B\nqualify_domain = b\n.else\nqualify_domain = c\n.endif\n",
                "b"
            ),
            (
                "A = 1\n.ifdef A\n.ifdef B\nqualify_domain = ab\n.else\nqualify_domain = a\n.endif\n.endif\n",
                "a"
            ),
        ] as [(ByteString, ByteString)])
    func conditionals(text: ByteString, value: ByteString) throws {
        #expect(try main(text).text("qualify_domain") == value)
    }

    @Test(
        "What is wrong is told with its line",
        arguments: [
            ("\nno_such_option = 1\n", 2, "main option \"no_such_option\" unknown"),
            ("queue_only = perhaps\n", 1, "not a valid value for the \"queue_only\" option"),
            ("recipients_max = many\n", 1, "integer expected"),
            ("retry_data_expire = 5\n", 1, "invalid time value"),
            ("qualify_domain\n", 1, "data missing"),
            ("A = 1\nBA = 2\n", 2, "is a substring"),
            (".ifdef A\n", 1, ".endif missing"),
            (".endif\n", 1, ".endif without"),
            ("begin routers\nr:\n  driver = none_such\n", 3, "cannot find router driver"),
            ("begin routers\nr:\n  driver = accept\n  data = x\n", 4, "unknown"),
            ("begin acl\n  accept\n", 2, "missing or malformed ACL name"),
            ("begin acl\na:\n  condition = 1\n", 3, "unknown ACL verb"),
            ("begin acl\na:\n  accept frobnicate = 1\n", 3, "unknown ACL condition"),
            ("begin acl\na:\n  accept !message = 1\n", 3, "negation is not allowed"),
            ("begin retry\n* nonsense F,1h,1m\n", 2, "retry error"),
            ("begin retry\n* * Q,1h,1m\n", 2, "unknown retry rule letter"),
            ("begin retry\n* * G,1h,1m,0.5\n", 2, "bad parameters"),
            ("begin frobs\n", 1, "not a known configuration section name"),
            ("qualify_domain = a\nqualify_domain = b\n", 2, "second time"),
            ("X = 1\nX = 2\n", 2, "already defined"),
        ] as [(ByteString, Int, ByteString)])
    func errors(text: ByteString, line: Int, part: ByteString) throws {
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.read(text: text, file: "test.conf")
        }
        #expect(error?.place?.line == line)
        #expect(error?.problem.contains(part) == true, "\(String(describing: error))")
    }

    @Test("Macros may also be defined between ACLs and between drivers")
    func macrosInSections() throws {
        let text: ByteString =
            "begin acl\nA = accept\none:\n  A\nbegin transports\nD = smtp\nt:\n  driver = D\n"
        let configuration = try Configuration.read(text: text, file: "test.conf")
        #expect(configuration.acls["one"]?.statements.map(\.verb) == [.accept])
        #expect(configuration.transports["t"]?.driver == "smtp")
    }

    @Test("Quoted strings give their escapes, others are taken as they stand")
    func quoting() throws {
        let block = try main("smtp_banner = \"a\\tb\\x41\\060\\\\\"\nqualify_domain = \\t\"x\n")
        #expect(block.template("smtp_banner")?.source == "a\tbA0\\")
        #expect(block.text("qualify_domain") == "\\t\"x")
    }

    @Test("Switches may be written in each of their ways")
    func switches() throws {
        #expect(try main("queue_only\n").flag("queue_only") == true)
        #expect(try main("no_queue_only\n").flag("queue_only") == false)
        #expect(try main("not_queue_only\n").flag("queue_only") == false)
        #expect(try main("queue_only = yes\n").flag("queue_only") == true)
        #expect(try main("\n").flag("queue_only") == nil)
    }

    @Test("An option that is known and does nothing yet is noted with its line, a decisive one as such")
    func notices() throws {
        let configuration = try Configuration.read(
            text: "dmarc_forensic_sender = x\nacl_smtp_data_prdr = y\n", file: "test.conf")
        #expect(configuration.notices.map(\.option) == ["dmarc_forensic_sender", "acl_smtp_data_prdr"])
        #expect(configuration.notices.map(\.isDecisive) == [false, true])
        #expect(configuration.notices.map(\.place.line) == [1, 2])
    }

    @Test(
        "What the TLS library cannot take stops the start, with its line and what would do",
        arguments: [
            ("tls_require_ciphers = SECURE256:+SECURE128", "is a priority string of GnuTLS"),
            ("tls_require_ciphers = NORMAL:-VERS-TLS1.0", "is a priority string of GnuTLS"),
            ("tls_require_ciphers = NO-SUCH-CIPHER", "tls_require_ciphers invalid"),
            ("openssl_options = +no_sslv2 no_sslv3", "openssl_options parse error: \"no_sslv3\""),
            (
                "begin authenticators\na:\n  driver = tls\nb:\n  driver = tls",
                "more than one authenticator of driver tls: b"
            ),
        ])
    func unfitForTLS(text: String, complaint: String) throws {
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.read(text: ByteString("\n\(text)\n"), file: "test.conf")
        }
        #expect(error?.description.contains(complaint) == true, "\(error?.description ?? "")")
        #expect(error?.place?.line == (text.hasPrefix("begin") ? 5 : 2))
        _ = try Configuration.read(
            text: "tls_require_ciphers = ECDHE+AESGCM:!kDHE\nopenssl_options = +no_tlsv1 -no_ticket\n",
            file: "x")
    }
}
