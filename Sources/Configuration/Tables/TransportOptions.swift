/// Names and kinds of options, as the manual lists them.
extension OptionTable {
    /// Options of every transport (manual, "Generic options for transports").
    static let transport = OptionTable([
        .init(
            .boolean, .honoured,
            """
            body_only delivery_date_add disable_logging envelope_to_add headers_only initgroups
            rcpt_include_affixes retry_use_local_part return_path_add
            """),
        .init(
            .expandedInteger, .honoured,
            """
            max_parallel
            """),
        .init(
            .time, .honoured,
            """
            transport_filter_timeout
            """),
        .init(
            .string, .honoured,
            """
            driver headers_rewrite shadow_transport
            """),
        .init(
            .expanded, .honoured,
            """
            current_directory debug_print event_action group home_directory message_size_limit return_path
            shadow_condition transport_filter user
            """),
        .init(
            .expandedList, .honoured,
            """
            headers_add headers_remove
            """),
    ])

    /// The appendfile transport.
    static let appendfile = OptionTable([
        .init(
            .boolean, .honoured,
            """
            allow_fifo allow_symlink check_group check_owner create_directory file_must_exist
            maildir_format mode_fail_narrower notify_comsat quota_is_inclusive use_bsmtp use_crlf
            use_fcntl_lock use_flock_lock use_lockfile
            """),
        .init(
            .expandedBoolean, .honoured,
            """
            maildir_use_size_file
            """),
        .init(
            .boolean, .notYetDecisive,
            """
            mailstore_format mbx_format use_mbx_lock
            """),
        .init(
            .integer, .honoured,
            """
            batch_max lock_retries maildir_retries
            """),
        .init(
            .octal, .honoured,
            """
            directory_mode lockfile_mode mode
            """),
        .init(
            .time, .honoured,
            """
            lock_fcntl_timeout lock_flock_timeout lock_interval lockfile_timeout
            """),
        .init(
            .string, .honoured,
            """
            check_string create_file escape_string file_format maildir_quota_directory_regex
            maildirfolder_create_regex quota_size_regex
            """),
        .init(
            .expanded, .honoured,
            """
            batch_id directory directory_file file mailbox_filecount mailbox_size maildir_tag
            message_prefix message_suffix quota quota_directory quota_filecount quota_warn_message
            quota_warn_threshold
            """),
        .init(
            .expanded, .notYetDecisive,
            """
            mailstore_prefix mailstore_suffix
            """),
    ])

    /// The autoreply transport.
    static let autoreply = OptionTable([
        .init(
            .boolean, .honoured,
            """
            file_expand file_optional return_message
            """),
        .init(
            .integer, .honoured,
            """
            once_file_size
            """),
        .init(
            .octal, .honoured,
            """
            mode
            """),
        .init(
            .expandedTime, .honoured,
            """
            once_repeat
            """),
        .init(
            .expanded, .honoured,
            """
            bcc cc file from headers log once reply_to subject text to
            """),
        .init(
            .addressList, .honoured,
            """
            never_mail
            """),
    ])

    /// The lmtp transport.
    static let lmtp = OptionTable([
        .init(
            .boolean, .honoured,
            """
            ignore_quota
            """),
        .init(
            .integer, .honoured,
            """
            batch_max
            """),
        .init(
            .time, .honoured,
            """
            timeout
            """),
        .init(
            .expanded, .honoured,
            """
            batch_id command socket
            """),
    ])

    /// The pipe transport.
    static let pipe = OptionTable([
        .init(
            .boolean, .honoured,
            """
            force_command freeze_exec_fail freeze_signal ignore_status log_defer_output
            log_fail_output log_output permit_coredump pipe_as_creator restrict_to_path
            return_fail_output return_output timeout_defer use_bsmtp use_crlf use_shell
            """),
        .init(
            .boolean, .needless("Linux has no login classes with resource limits"),
            """
            use_classresources
            """),
        .init(
            .integer, .honoured,
            """
            batch_max max_output
            """),
        .init(
            .octal, .honoured,
            """
            umask
            """),
        .init(
            .time, .honoured,
            """
            timeout
            """),
        .init(
            .string, .honoured,
            """
            check_string escape_string
            """),
        .init(
            .expanded, .honoured,
            """
            batch_id command environment message_prefix message_suffix path
            """),
        .init(
            .list, .honoured,
            """
            temp_errors
            """),
        .init(
            .expandedList, .honoured,
            """
            allow_commands
            """),
    ])

    /// The queuefile transport.
    static let queuefile = OptionTable([
        .init(
            .expanded, .honoured,
            """
            directory
            """)
    ])

    /// The smtp transport.
    static let smtp = OptionTable([
        .init(
            .boolean, .honoured,
            """
            address_retry_include_sender allow_localhost authenticated_sender_force delay_after_cutoff gethostbyname
            hosts_override hosts_randomize keepalive lmtp_ignore_quota tls_tempfail_tryclear
            """),
        .init(
            .boolean, .notYet,
            """
            dns_qualify_single dns_search_parents
            """),
        .init(
            .boolean, .needless("TLS is OpenSSL's"),
            """
            gnutls_compat_mode
            """),
        .init(
            .expandedBoolean, .honoured,
            """
            multi_domain retry_include_ip_address
            """),
        .init(
            .integer, .honoured,
            """
            connection_max_messages hosts_max_try hosts_max_try_hardlimit max_rcpt
            message_linelength_limit size_addition
            """),
        .init(
            .integer, .needless("TLS is OpenSSL's, for which the manual gives it no effect"),
            """
            tls_dh_min_bits
            """),
        .init(
            .expandedInteger, .honoured,
            """
            dkim_timestamps
            """),
        .init(
            .time, .honoured,
            """
            command_timeout connect_timeout data_timeout final_timeout
            """),
        .init(
            .string, .honoured,
            """
            protocol
            """),
        .init(
            .expanded, .honoured,
            """
            authenticated_sender dane_require_tls_ciphers dkim_canon dkim_hash dkim_identity dkim_private_key dkim_sign_headers dkim_strict
            dscp helo_data port socks_proxy tls_alpn tls_certificate tls_crl tls_privatekey
            tls_require_ciphers tls_sni tls_verify_certificates utf8_downconvert
            """),
        .init(
            .list, .honoured,
            """
            fallback_hosts
            """),
        .init(
            .expandedList, .honoured,
            """
            dkim_domain dkim_selector hosts interface
            """),
        .init(
            .expandedList, .notYet,
            """
            host_name_extract
            """),
        .init(
            .domainList, .honoured,
            """
            dnssec_request_domains dnssec_require_domains
            """),
        .init(
            .hostList, .honoured,
            """
            hosts_avoid_esmtp hosts_avoid_pipelining hosts_avoid_tls hosts_nopass_tls hosts_request_ocsp hosts_require_alpn hosts_require_auth
            hosts_require_dane hosts_require_ocsp hosts_require_tls hosts_try_auth hosts_try_chunking hosts_try_dane
            hosts_verify_avoid_tls serialize_hosts
            tls_try_verify_hosts tls_verify_cert_hostnames tls_verify_hosts
            """),
        .init(
            .hostList, .needless("a TLS session stays in the process that began it"),
            """
            hosts_noproxy_tls
            """),
        .init(
            .hostList, .notYet,
            """
            hosts_pipe_connect hosts_try_fastopen hosts_try_prdr
            tls_resumption_hosts
            """),
    ])
}
