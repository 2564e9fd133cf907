import Bytes

/// What options are where the configuration sets nothing (manual, "Main configuration", and the drivers' chapters).
///
/// One line an option, as -bP prints it; what is not listed is off, or empty.
enum OptionDefaults {
    /// The printed line of an option's default; nil when it is off or empty.
    static func line(_ option: ByteString, driver: ByteString?) -> ByteString? {
        guard let driver else { return main[option] }
        return drivers[driver]?[option] ?? generic[option]
    }

    private static let main = table(
        #"""
        accept_8bitmime
        acl_smtp_data_prdr = accept
        auth_advertise_hosts = *
        auto_thaw = 0s
        av_scanner = sophie:/var/run/sophie
        bounce_return_body
        bounce_return_linesize_limit = 998
        bounce_return_message
        bounce_return_size_limit = 100K
        callout_domain_negative_expire = 3h
        callout_domain_positive_expire = 1w
        callout_negative_expire = 2h
        callout_positive_expire = 1d
        callout_random_local_part = $primary_hostname-$tod_epoch-testing
        check_log_inodes = 100
        check_log_space = 10M
        check_rfc2047_length
        check_spool_inodes = 100
        check_spool_space = 10M
        chunking_advertise_hosts = *
        daemon_smtp_ports = smtp
        daemon_startup_retries = 9
        daemon_startup_sleep = 30s
        delay_warning = 1d
        delay_warning_condition = ${if or {{ !eq{$h_list-id:$h_list-post:$h_list-subscribe:}{} }{ match{$h_precedence:}{(?i)bulk|list|junk} }{ match{$h_auto-submitted:}{(?i)auto-generated|auto-replied} }} {no}{yes}}
        delivery_date_remove
        dkim_verify_hashes = sha256:sha512
        dkim_verify_keytypes = ed25519:rsa
        dkim_verify_min_keysizes = rsa=1024 ed25519=250
        dkim_verify_signers = $dkim_signers
        dns_check_names_pattern = (?i)^(?>(?(1)\.|())[^\W](?>[a-z0-9/_-]*[^\W])?)+(\.?)$
        dns_cname_loops = 1
        dns_csa_search_limit = 5
        dns_csa_use_reverse
        dns_dnssec_ok = -1
        dns_retrans = 0s
        dns_retry = 0
        dns_use_edns0 = -1
        dsn_from = Mail Delivery System <Mailer-Daemon@$qualify_domain>
        envelope_to_remove
        exim_version = 4.96
        extract_addresses_remove_arguments
        finduser_retries = 0
        header_line_maxsize = 0
        header_maxsize = 1048576
        headers_charset = UTF-8
        helo_lookup_domains = @ : @[]
        host_lookup_order = bydns:byaddr
        hosts_require_helo = *
        ignore_bounce_errors_after = 10w
        keep_malformed = 4d
        ldap_version = -1
        local_from_check
        local_interfaces = <; ::0 ; 0.0.0.0
        local_scan_timeout = 5m
        lookup_open_max = 25
        max_username_length = 0
        message_body_visible = 500
        message_logs
        message_size_limit = 50M
        notifier_socket = $spool_directory/exim_daemon_notify
        pipelining_advertise_hosts = *
        pipelining_connect_advertise_hosts = *
        prod_requires_admin
        proxy_protocol_timeout = 3s
        queue_list_requires_admin
        queue_only_load_latch
        queue_only_override
        queue_run_max = 5
        receive_timeout = 0s
        received_header_text = Received: ${if def:sender_rcvhost {from $sender_rcvhost\n\t}{${if def:sender_ident {from ${quote_local_part:$sender_ident} }}${if def:sender_helo_name {(helo=$sender_helo_name)\n\t}}}}by $primary_hostname ${if def:received_protocol {with $received_protocol }}${if def:tls_in_ver        { ($tls_in_ver)}}${if def:tls_in_cipher_std { tls $tls_in_cipher_std\n\t}}(Exim $version_number)\n\t${if def:sender_address {(envelope-from <$sender_address>)\n\t}}id $message_exim_id${if def:received_for {\n\tfor $received_for}}
        received_headers_max = 30
        recipients_max = 50000
        remote_max_parallel = 2
        retry_data_expire = 1w
        retry_interval_max = 1d
        return_path_remove
        return_size_limit = 100K
        rfc1413_hosts = @[]
        rfc1413_query_timeout = 0s
        slow_lookup_log = 0
        smtp_accept_keepalive
        smtp_accept_max = 20
        smtp_accept_max_nonmail = 10
        smtp_accept_max_nonmail_hosts = *
        smtp_accept_max_per_connection = 1000
        smtp_accept_queue = 0
        smtp_accept_queue_per_connection = 10
        smtp_accept_reserve = 0
        smtp_backlog_monitor = 0
        smtp_banner = $smtp_active_hostname ESMTP Exim $version_number $tod_full
        smtp_check_spool_space
        smtp_connect_backlog = 20
        smtp_enforce_sync
        smtp_etrn_serialize
        smtp_max_synprot_errors = 3
        smtp_max_unknown_commands = 3
        smtp_receive_timeout = 5m
        smtputf8_advertise_hosts =
        spamd_address = 127.0.0.1 783
        spf_guess = v=spf1 a/24 mx/24 ptr ?all
        spf_smtp_comment_template = Please%_see%_http://www.open-spf.org/Why
        sqlite_lock_timeout = 5
        syslog_duplication
        syslog_pid
        syslog_processname = exim
        syslog_timestamp
        tcp_nodelay
        timeout_frozen_after = 0s
        tls_advertise_hosts = *
        tls_alpn = smtp:esmtp
        tls_dh_max_bits = 2236
        tls_eccurve = auto
        tls_verify_certificates = system
        uucp_from_pattern = ^From\s+(\S+)\s+(?:[a-zA-Z]{3},?\s+)?(?:[a-zA-Z]{3}\s+\d?\d|\d?\d\s+[a-zA-Z]{3}\s+\d\d(?:\d\d)?)\s+\d\d?:\d\d?
        uucp_from_sender = $1
        write_rejectlog
        """#)

    private static let generic = table(
        """
        address_test
        dnssec_request_domains = *
        expn
        more
        self = freeze
        transport_filter_timeout = 5m
        verify_recipient
        verify_sender
        """)

    private static let drivers: [ByteString: [ByteString: ByteString]] = [
        "accept": table("log_as_local"),
        "dnslookup": table("qualify_single\nrewrite_headers"),
        "manualroute": table("host_all_ignored = defer\nhost_find_failed = freeze"),
        "redirect": table("filter_prepend_home\nmodemask = 022\nrepeat_use\nrewrite"),
        "queryprogram": table("current_directory = /\ntimeout = 1h"),
        "iplookup": table("timeout = 5s"),
        "appendfile": table(appendfile), "smtp": table(smtp), "pipe": table(pipe),
        "autoreply": table("retry_use_local_part\nmode = 0600\nonce_file_size = 0"),
        "lmtp": table("retry_use_local_part\nbatch_max = 1\ntimeout = 5m"),
        "queuefile": table("retry_use_local_part"),
    ]

    private static let appendfile = #"""
        retry_use_local_part
        batch_max = 1
        check_owner
        check_string = From 
        create_directory
        create_file = anywhere
        directory_file = q${base62:$tod_epoch}-$inode
        directory_mode = 0700
        escape_string = >From 
        lock_fcntl_timeout = 0s
        lock_flock_timeout = 0s
        lock_interval = 3s
        lock_retries = 10
        lockfile_mode = 0600
        lockfile_timeout = 30m
        maildir_quota_directory_regex = ^(?:cur|new|\..*)$
        maildir_retries = 10
        message_prefix = From ${if def:return_path{$return_path}{MAILER-DAEMON}} ${tod_bsdinbox}\n
        message_suffix = \n
        mode = 0600
        mode_fail_narrower
        quota_is_inclusive
        use_fcntl_lock
        use_lockfile
        """#

    private static let pipe = #"""
        retry_use_local_part
        batch_max = 1
        max_output = 20K
        message_prefix = From ${if def:return_path{$return_path}{MAILER-DAEMON}} ${tod_bsdinbox}\n
        message_suffix = \n
        path = /bin:/usr/bin
        temp_errors = 75:73
        timeout = 1h
        umask = 022
        """#

    private static let smtp = #"""
        address_retry_include_sender
        host_name_extract = ${if and {{match{$host}{.outlook.com\$}} {match{$item}{\N^250-([\w.]+)\s\N}}} {$1}}
        command_timeout = 5m
        connect_timeout = 5m
        connection_max_messages = 500
        data_timeout = 5m
        delay_after_cutoff
        dkim_hash = sha256
        dns_qualify_single
        dnssec_request_domains = *
        final_timeout = 10m
        helo_data = $primary_hostname
        hosts_max_try = 5
        hosts_max_try_hardlimit = 50
        hosts_request_ocsp = *
        hosts_try_chunking = *
        hosts_try_dane = *
        hosts_try_fastopen = *
        hosts_try_prdr = *
        keepalive
        max_rcpt = 100
        message_linelength_limit = 998
        multi_domain
        port = smtp
        protocol = smtp
        retry_include_ip_address
        size_addition = 1024
        tls_dh_min_bits = 1024
        tls_tempfail_tryclear
        tls_try_verify_hosts = *
        tls_verify_cert_hostnames = *
        tls_verify_certificates = system
        utf8_downconvert = -1
        """#

    private static func table(_ text: String) -> [ByteString: ByteString] {
        var lines: [ByteString: ByteString] = [:]
        for line in text.split(separator: "\n") {
            let octets = ByteString(line)
            lines[ByteString(octets.prefix { $0 != UInt8(ascii: " ") })] = octets
        }
        return lines
    }
}
