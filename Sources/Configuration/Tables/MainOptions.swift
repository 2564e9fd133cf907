/// Names and kinds of options, as the manual lists them.
extension OptionTable {
    /// The main section (manual, "Main configuration"), and at the end our own options.
    static let main = OptionTable([
        .init(
            .boolean, .honoured,
            """
            dkim_verify_minimal dns_csa_use_reverse
            allow_utf8_domains check_rfc2047_length print_topbitchars allow_mx_to_ip accept_8bitmime
            allow_domain_literals bounce_return_body commandline_checks_require_admin delivery_date_remove
            disable_ipv6 envelope_to_remove extract_addresses_remove_arguments ignore_fromline_local
            local_from_check local_sender_retain log_timezone message_body_newlines message_logs
            preserve_message_logs prod_requires_admin queue_list_requires_admin queue_only
            queue_only_load_latch queue_only_override queue_run_in_order recipients_max_reject drop_cr
            return_path_remove smtp_accept_keepalive smtp_check_spool_space smtp_enforce_sync
            smtp_etrn_serialize smtp_return_error_details split_spool_directory spool_wireformat
            strip_excess_angle_brackets strict_acl_vars strip_trailing_dot syslog_duplication syslog_pid
            syslog_timestamp tcp_nodelay tls_remember_esmtp write_rejectlog
            """),
        .init(
            .boolean, .notYet,
            """
            prdr_enable
            """),
        .init(
            .boolean, .notYetDecisive,
            """
            mua_wrapper
            """),
        .init(
            .integer, .honoured,
            """
            dns_csa_search_limit dns_dnssec_ok
            daemon_startup_retries return_size_limit bounce_return_linesize_limit bounce_return_size_limit
            check_log_inodes check_log_space check_spool_inodes check_spool_space header_line_maxsize
            header_maxsize message_body_visible received_headers_max recipients_max remote_max_parallel
            smtp_accept_max smtp_accept_max_nonmail smtp_accept_queue smtp_accept_queue_per_connection
            smtp_accept_reserve smtp_backlog_monitor smtp_connect_backlog smtp_max_synprot_errors
            smtp_max_unknown_commands
            """),
        .init(
            .integer, .honoured,
            """
            max_username_length slow_lookup_log
            """),
        .init(
            .integer,
            .needless("trouble of the name service is told apart from users that are not there, and defers"),
            """
            finduser_retries
            """),
        .init(
            .expandedInteger, .honoured,
            """
            smtp_accept_max_per_connection
            """),
        .init(
            .expandedInteger, .honoured,
            """
            queue_run_max
            """),
        .init(
            .fixed, .honoured,
            """
            queue_only_load smtp_load_reserve
            """),
        .init(
            .fixed, .honoured,
            """
            deliver_queue_load_max
            """),
        .init(
            .time, .honoured,
            """
            callout_domain_negative_expire callout_domain_positive_expire callout_negative_expire
            callout_positive_expire proxy_protocol_timeout
            daemon_startup_sleep auto_thaw ignore_bounce_errors_after receive_timeout retry_data_expire
            retry_interval_max rfc1413_query_timeout sqlite_lock_timeout timeout_frozen_after
            """),
        // New in 4.97 to 4.99; without their ACLs ATRN and WELLKNOWN are not offered, as in Exim.
        .init(.expanded, .notYet, "acl_smtp_atrn acl_smtp_wellknown"),
        .init(.expandedList, .notYet, "log_ports"),
        .init(.expandedList, .needless("all lookups and engines are built in"), "daemon_modules_load"),
        .init(
            .boolean, .needless("a program that ends in a panic leaves a core as the system says"),
            "panic_coredump"),
        .init(
            .expandedTime, .honoured,
            """
            smtp_receive_timeout
            """),
        .init(
            .timeList, .honoured,
            """
            delay_warning
            """),
        .init(
            .keyword, .honoured,
            """
            commit_sharing hints_layout message_id_format
            """),
        .init(
            .string, .honoured,
            """
            av_scanner headers_charset dns_check_names_pattern bounce_message_text bounce_sender_authentication
            daemon_smtp_ports dns_insecure_domains dns_trust_anchor_file errors_reply_to exim_group exim_path exim_user
            exim_version gecos_pattern helo_allow_chars bi_command hints_backend local_from_prefix local_from_suffix
            log_selector primary_hostname qualify_domain qualify_recipient queue_only_file
            smtp_ratelimit_mail smtp_ratelimit_rcpt dmarc_history_file dmarc_tld_file spamd_address spf_guess sqlite_dbfile syslog_facility
            syslog_processname timezone unknown_username uucp_from_pattern
            """),
        .init(
            .string, .notYet,
            """
            notifier_socket
            """),
        .init(
            .string, .honoured,
            """
            system_filter_group system_filter_user
            """),
        .init(
            .expanded, .honoured,
            """
            callout_random_local_part system_filter system_filter_directory_transport
            system_filter_file_transport system_filter_pipe_transport system_filter_reply_transport
            acl_not_smtp acl_not_smtp_mime acl_not_smtp_start acl_smtp_auth acl_smtp_connect acl_smtp_data acl_smtp_dkim acl_smtp_etrn acl_smtp_expn
            acl_smtp_helo acl_smtp_mail acl_smtp_mailauth acl_smtp_mime acl_smtp_notquit acl_smtp_predata acl_smtp_quit
            acl_smtp_rcpt acl_smtp_starttls acl_smtp_vrfy bounce_message_file delay_warning_condition dsn_from event_action gecos_name
            hints_directory localhost_number message_id_header_domain message_id_header_text
            message_size_limit pid_file_path received_header_text smtp_accept_max_per_host
            smtp_active_hostname smtp_banner smtp_etrn_command spf_smtp_comment_template spool_directory submission_socket
            tls_crl tls_dhparam tls_eccurve tls_ocsp_file tls_require_ciphers tls_verify_certificates
            unknown_login uucp_from_sender warn_message_file
            """),
        .init(
            .expanded, .notYet,
            """
            dmarc_forensic_sender
            """),
        .init(
            .expanded, .notYetDecisive,
            """
            acl_smtp_data_prdr
            """),
        .init(
            .list, .honoured,
            """
            add_environment dkim_verify_hashes dkim_verify_keytypes dkim_verify_min_keysizes dns_forwarders extra_local_interfaces freeze_tell host_lookup_order keep_environment
            local_interfaces openssl_options pgsql_servers redis_servers tls_on_connect_ports
            """),
        .init(
            .list, .notYet,
            """
            mysql_servers
            """),
        .init(
            .expandedList, .honoured,
            """
            admin_groups errors_copy log_file_path never_users tls_alpn tls_certificate tls_privatekey
            trusted_groups trusted_users
            """),
        .init(
            .domainList, .honoured,
            """
            dkim_verify_signers dns_again_means_nonexist dns_ipv4_lookup helo_lookup_domains hold_domains hosts_treat_as_local
            percent_hack_domains queue_domains queue_smtp_domains remote_sort_domains
            """),
        .init(
            .domainList, .needless("libunbound validates by itself, whoever's server answers"),
            """
            dns_trust_aa
            """),
        .init(
            .hostList, .honoured,
            """
            auth_advertise_hosts smtputf8_advertise_hosts chunking_advertise_hosts dsn_advertise_hosts helo_accept_junk_hosts
            helo_try_verify_hosts helo_verify_hosts host_lookup host_reject_connection
            hosts_connection_nolog hosts_proxy hosts_require_alpn hosts_require_helo ignore_fromline_hosts
            limits_advertise_hosts
            pipelining_advertise_hosts recipient_unqualified_hosts rfc1413_hosts sender_unqualified_hosts
            smtp_accept_max_nonmail_hosts smtp_ratelimit_hosts smtp_reserve_hosts tls_advertise_hosts
            tls_try_verify_hosts tls_verify_hosts
            """),
        .init(
            .hostList, .notYet,
            """
            pipelining_connect_advertise_hosts tls_resumption_hosts
            """),
        .init(
            .addressList, .honoured,
            """
            untrusted_set_sender
            """),
        .init(
            .boolean,
            .needless("Exim itself returns messages whatever it says, since bounces have a delivery status"),
            """
            bounce_return_message
            """),
        .init(
            .boolean, .needless("it concerns how Exim's own processes are made"),
            """
            debug_store deliver_drop_privilege disable_fsync
            """),
        .init(
            .boolean, .needless("TLS is OpenSSL's"),
            """
            gnutls_allow_auto_pkcs11 gnutls_compat_mode
            """),
        .init(
            .boolean, .needless("there are no LDAP lookups"),
            """
            ldap_start_tls
            """),
        .init(
            .boolean, .needless("frozen messages stay in their queue, as in every usual build of Exim"),
            """
            move_frozen_messages
            """),
        .init(
            .boolean, .needless("there is no Perl in it"),
            """
            perl_at_start perl_taintmode
            """),
        .init(
            .boolean, .needless("both stages of a run deliver to many hosts at one time"),
            """
            queue_fast_ramp
            """),
        .init(
            .integer, .needless("libunbound decides how servers are asked, and validates"),
            """
            dns_retry dns_use_edns0
            """),
        .init(
            .integer, .needless("libunbound follows aliases to their end"),
            """
            dns_cname_loops
            """),
        .init(
            .integer, .needless("there are no LDAP lookups"),
            """
            ldap_version
            """),
        .init(
            .integer, .needless("files of lookups are not kept open"),
            """
            lookup_open_max
            """),
        .init(
            .integer, .needless("TLS is OpenSSL's"),
            """
            tls_dh_max_bits
            """),
        .init(
            .time, .needless("libunbound decides how servers are asked"),
            """
            dns_retrans
            """),
        .init(
            .time, .needless("nothing that was accepted is removed; bobbin spool check names such messages"),
            """
            keep_malformed
            """),
        .init(
            .time, .needless("there is no local_scan"),
            """
            local_scan_timeout
            """),
        .init(
            .string, .needless("there is no local_scan"),
            """
            local_scan_path
            """),
        .init(
            .string, .needless("there are no LDAP lookups"),
            """
            ldap_ca_cert_dir ldap_ca_cert_file ldap_cert_file ldap_cert_key ldap_cipher_suite
            ldap_require_cert
            """),
        .init(
            .string, .needless("there is no Perl in it"),
            """
            perl_startup
            """),
        .init(
            .string, .needless("exiwhat and bobbin status ask the programs themselves"),
            """
            process_log_path
            """),
        .init(
            .list, .needless("there are no lookups of that kind"),
            """
            ibase_servers ldap_default_servers oracle_servers
            """),
    ])
}
