/// Names and kinds of options, as the manual lists them.
extension OptionTable {
    /// Options of every authenticator.
    static let authenticator = OptionTable([
        .init(
            .string, .honoured,
            """
            driver public_name
            """),
        .init(
            .expanded, .honoured,
            """
            client_condition client_set_id server_advertise_condition server_condition
            server_mail_auth_condition server_set_id
            """),
        .init(.expanded, .needless("it is written into debugging output only"), "server_debug_print"),
    ])

    /// The plaintext authenticator.
    static let plaintext = OptionTable([
        .init(
            .boolean, .honoured,
            """
            client_ignore_invalid_base64
            """),
        .init(
            .expanded, .honoured,
            """
            client_send
            """),
        .init(
            .expandedList, .honoured,
            """
            server_prompts
            """),
    ])

    /// The cram_md5 authenticator.
    static let cramMD5 = OptionTable([
        .init(
            .expanded, .honoured,
            """
            client_name client_secret server_secret
            """)
    ])

    /// The cyrus_sasl authenticator.
    static let cyrusSASL = OptionTable([
        .init(
            .string, .notYetDecisive,
            """
            server_mech server_service
            """),
        .init(
            .expanded, .notYetDecisive,
            """
            server_hostname server_realm
            """),
    ])

    /// The dovecot authenticator.
    static let dovecot = OptionTable([
        .init(
            .string, .honoured,
            """
            server_socket
            """)
    ])

    /// The gsasl authenticator.
    static let gsasl = OptionTable([
        .init(
            .boolean, .notYetDecisive,
            """
            client_channelbinding server_channelbinding
            """),
        .init(
            .string, .notYetDecisive,
            """
            server_mech server_service
            """),
        .init(
            .expanded, .notYetDecisive,
            """
            client_authz client_password client_spassword client_username server_hostname server_key
            server_password server_realm server_scram_iter server_scram_salt server_skey
            """),
    ])

    /// The heimdal_gssapi authenticator.
    static let heimdalGSSAPI = OptionTable([
        .init(
            .expanded, .notYetDecisive,
            """
            server_hostname server_keytab server_service
            """)
    ])

    /// The spa authenticator.
    static let spa = OptionTable([
        .init(
            .expanded, .notYetDecisive,
            """
            client_domain client_password client_username server_password
            """)
    ])

    /// The external authenticator.
    static let external = OptionTable([
        .init(
            .expanded, .honoured,
            """
            client_send server_param2 server_param3
            """)
    ])

    /// The tls authenticator.
    static let tlsAuthenticator = OptionTable([
        .init(
            .expanded, .honoured,
            """
            server_param server_param1 server_param2 server_param3
            """)
    ])
}
