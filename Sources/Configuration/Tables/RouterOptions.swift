/// Names and kinds of options, as the manual lists them.
extension OptionTable {
    /// Options of every router (manual, "Generic options for routers").
    static let router = OptionTable([
        .init(
            .boolean, .honoured,
            """
            address_test caseful_local_part check_local_user disable_logging dsn_lasthop expn
            fail_verify fail_verify_recipient fail_verify_sender initgroups
            local_part_prefix_optional local_part_suffix_optional log_as_local pass_on_timeout
            retry_use_local_part verify verify_only verify_recipient verify_sender
            """),
        .init(
            .expandedBoolean, .honoured,
            """
            more unseen
            """),
        .init(
            .string, .honoured,
            """
            driver pass_router redirect_router self
            """),
        .init(
            .expanded, .honoured,
            """
            address_data cannot_route_message condition debug_print errors_to group
            router_home_directory transport transport_current_directory transport_home_directory
            user
            """),
        .init(
            .expanded, .notYet,
            """
            translate_ip_address
            """),
        .init(
            .list, .honoured,
            """
            fallback_hosts local_part_prefix local_part_suffix set
            """),
        .init(
            .expandedList, .honoured,
            """
            headers_add headers_remove require_files
            """),
        .init(
            .domainList, .honoured,
            """
            dnssec_request_domains dnssec_require_domains domains
            """),
        .init(
            .hostList, .honoured,
            """
            ignore_target_hosts
            """),
        .init(
            .addressList, .honoured,
            """
            senders
            """),
        .init(
            .localPartList, .honoured,
            """
            local_parts
            """),
    ])

    /// The dnslookup router.
    static let dnslookup = OptionTable([
        .init(
            .boolean, .needless("each address is routed by itself, with answers from the resolver's cache"),
            """
            same_domain_copy_routing
            """),
        .init(
            .boolean, .honoured,
            """
            check_secondary_mx qualify_single rewrite_headers search_parents
            """),
        .init(
            .expanded, .honoured,
            """
            check_srv ipv4_only ipv4_prefer
            """),
        .init(
            .list, .honoured,
            """
            widen_domains
            """),
        .init(
            .domainList, .honoured,
            """
            fail_defer_domains mx_domains mx_fail_domains srv_fail_domains
            """),
    ])

    /// The manualroute router.
    static let manualroute = OptionTable([
        .init(
            .boolean, .needless("each address is routed by itself, with answers from the resolver's cache"),
            """
            same_domain_copy_routing
            """),
        .init(
            .boolean, .honoured,
            """
            hosts_randomize
            """),
        .init(
            .string, .honoured,
            """
            host_all_ignored host_find_failed
            """),
        .init(
            .expanded, .honoured,
            """
            route_data
            """),
        .init(
            .list, .honoured,
            """
            route_list
            """),
    ])

    /// The redirect router.
    static let redirect = OptionTable([
        .init(
            .boolean, .honoured,
            """
            allow_defer allow_fail check_ancestor check_group check_owner forbid_blackhole
            forbid_file forbid_include forbid_pipe forbid_smtp_code hide_child_in_errmsg ignore_eacces ignore_enotdir
            one_time qualify_preserve_domain repeat_use rewrite skip_syntax_errors
            """),
        .init(
            .boolean, .honoured,
            """
            allow_filter allow_freeze filter_prepend_home forbid_exim_filter forbid_filter_dlfunc
            forbid_filter_existstest forbid_filter_logwrite forbid_filter_lookup forbid_filter_perl
            forbid_filter_readfile forbid_filter_readsocket forbid_filter_reply forbid_filter_run
            forbid_sieve_filter
            """),
        .init(
            .octal, .honoured,
            """
            modemask
            """),
        .init(
            .string, .honoured,
            """
            include_directory
            """),
        .init(
            .string, .honoured,
            """
            syntax_errors_to
            """),
        .init(
            .expanded, .honoured,
            """
            data directory_transport file file_transport pipe_transport qualify_domain
            """),
        .init(
            .expanded, .honoured,
            """
            reply_transport syntax_errors_text
            """),
        .init(
            .expanded, .notYet,
            """
            sieve_enotify_mailto_owner sieve_subaddress sieve_useraddress sieve_vacation_directory
            """),
        .init(
            .list, .honoured,
            """
            owners owngroups
            """),
    ])

    /// The iplookup router.
    static let iplookup = OptionTable([
        .init(
            .boolean, .notYetDecisive,
            """
            optional
            """),
        .init(
            .integer, .notYetDecisive,
            """
            port
            """),
        .init(
            .time, .notYetDecisive,
            """
            timeout
            """),
        .init(
            .string, .notYetDecisive,
            """
            hosts protocol response_pattern
            """),
        .init(
            .expanded, .notYetDecisive,
            """
            query reroute
            """),
    ])

    /// The queryprogram router.
    static let queryprogram = OptionTable([
        .init(
            .time, .honoured,
            """
            timeout
            """),
        .init(
            .string, .honoured,
            """
            command_group command_user current_directory
            """),
        .init(
            .expanded, .honoured,
            """
            command
            """),
    ])

    /// Drivers that have only the generic options: accept, ipliteral.
    static let withoutOptions = OptionTable([])
}
