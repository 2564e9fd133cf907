# Variables (11.9) without a message.
<$acl_narg>
<$acl_verify_message>
<$address_data>
<$address_file>
<$address_pipe>
<$addresses>
<$authenticated_fail_id>
<$authenticated_id>
<$authenticated_sender>
<$authentication_failed>
<$av_failed>
<$auth1>
<$auth2>
<$auth3>
$base62
<$body_linecount>
<$body_zerocount>
<$bounce_recipient>
<$bounce_return_size_limit>
<$caller_gid>
<$caller_uid>
<$callout_address>
${if def:compile_number{defined}{not}}
<$config_dir>
<$config_file>
${if def:config_timestamp{defined}{not}}
#! a variable of later releases
${if def:connection_id{defined}{not}}
<$csa_status>
<$dkim_verify_status>
#! Debian's Exim is built without DMARC
<$dmarc_domain_policy>
#! Debian's Exim is built without DMARC
<$dmarc_status>
$dns_test
<$dnslist_domain>
<$dnslist_matched>
<$dnslist_text>
<$dnslist_value>
<$domain>
<$domain_data>
<$event_data>
<$event_defer_errno>
<$event_name>
${if def:exim_gid{defined}{not}}
${if def:exim_path{defined}{not}}
${if def:exim_uid{defined}{not}}
${if def:exim_version{defined}{not}}
<$found_extension>
<$headers_added>
<$home>
<$host>
<$host_address>
<$host_data>
<$host_lookup_deferred>
<$host_lookup_failed>
<$host_port>
${if def:inode{defined}{not}}
<$interface_address>
<$interface_port>
<$item>
<$iterate>
<$ldap_dn>
${if def:load_average{defined}{not}}
<$local_part>
<$local_part_data>
<$local_part_prefix>
<$local_part_prefix_v>
<$local_part_suffix>
<$local_part_suffix_v>
<$local_scan_data>
<$local_user_gid>
<$local_user_uid>
<$localhost_number>
${if def:log_inodes{defined}{not}}
${if def:log_space{defined}{not}}
<$lookup_dnssec_authenticated>
<$mailstore_basename>
<$malware_name>
<$max_received_linelength>
${if def:message_age{defined}{not}}
<$message_body>
<$message_body_end>
<$message_body_size>
${if def:message_exim_id{defined}{not}}
<$message_headers>
<$message_headers_raw>
${if def:message_id{defined}{not}}
<$message_linecount>
<$message_size>
<$message_smtputf8>
<$mime_anomaly_level>
<$mime_filename>
<$n0>
<$n9>
<$original_domain>
<$original_local_part>
<$originator_gid>
<$originator_uid>
<$parent_domain>
<$parent_local_part>
${if def:pid{defined}{not}}
#! known, and empty
<$pipe_addresses>
<$primary_hostname>
<$proxy_external_address>
<$proxy_external_port>
<$proxy_local_address>
<$proxy_local_port>
<$proxy_session>
<$prvscheck_address>
<$prvscheck_keynum>
<$prvscheck_result>
<$qualify_domain>
<$qualify_recipient>
<$queue_name>
#! known, and a number
${if def:queue_size{defined}{not}}
<$r_x>
<$rcpt_count>
<$rcpt_defer_count>
<$rcpt_fail_count>
<$received_count>
<$received_for>
<$received_ip_address>
<$received_port>
<$received_protocol>
<$received_time>
<$recipient_data>
<$recipient_verify_failure>
<$recipients>
<$recipients_count>
<$regex_match_string>
<$regex1>
<$reply_address>
#! the sender, until an address is delivered
<$return_path>
<$return_size_limit>
<$router_name>
<$runrc>
<$self_hostname>
<$sender_address>
<$sender_address_data>
<$sender_address_domain>
<$sender_address_local_part>
<$sender_data>
<$sender_fullhost>
<$sender_helo_dnssec>
<$sender_helo_name>
#! newer than 4.96
<$sender_helo_verified>
<$sender_host_address>
<$sender_host_authenticated>
<$sender_host_dnssec>
<$sender_host_name>
<$sender_host_port>
<$sender_ident>
<$sender_rate>
<$sender_rate_limit>
<$sender_rate_period>
<$sender_rcvhost>
<$sender_verify_failure>
<$sending_ip_address>
<$sending_port>
<$smtp_active_hostname>
<$smtp_command>
<$smtp_command_argument>
<$smtp_command_history>
<$smtp_count_at_connection_start>
<$smtp_notquit_reason>
<$sn0>
<$sn9>
<$spam_action>
<$spam_bar>
<$spam_report>
<$spam_score>
<$spam_score_int>
<$spf_guess>
<$spf_header_comment>
<$spf_received>
<$spf_result>
<$spf_result_guessed>
<$spf_smtp_comment>
<$spool_directory>
${if def:spool_inodes{defined}{not}}
${if def:spool_space{defined}{not}}
<$srs_db_address>
<$srs_recipient>
<$srs_status>
<$thisaddress>
<$tls_bits>
<$tls_certificate_verified>
<$tls_cipher>
<$tls_in_bits>
<$tls_in_certificate_verified>
<$tls_in_cipher>
<$tls_in_cipher_std>
<$tls_in_ocsp>
<$tls_in_ourcert>
<$tls_in_peercert>
<$tls_in_peerdn>
<$tls_in_resumption>
<$tls_in_sni>
<$tls_in_ver>
<$tls_out_bits>
<$tls_out_certificate_verified>
<$tls_out_cipher>
<$tls_out_cipher_std>
<$tls_out_dane>
<$tls_out_ocsp>
<$tls_out_ourcert>
<$tls_out_peercert>
<$tls_out_peerdn>
<$tls_out_resumption>
<$tls_out_sni>
<$tls_out_tlsa_usage>
<$tls_out_ver>
<$tls_peerdn>
<$tls_sni>
<$tod_epoch_x>
<$transport_name>
<$value>
<$verify_mode>
${if def:version_number{defined}{not}}
<$warn_message_delivery>
<$warn_message_headers>
<$warnmsg_delay>
<$warnmsg_recipients>
<$acl_c0>
<$acl_m9>
<$acl_c_name>
<$acl_m_name>
<$0>
<$1>
<$9>
<$10>
<$99>
<$h_x:>
<$rh_x:>
<$bh_x:>
<$lh_x:>
<$header_x:>
<$rheader_x:>
<$dkim_cur_signer>
<$dkim_algo>
<$dkim_selector>
<$arc_state>
<$prdr_requested>
<$utf8_x>
#! a variable of later releases
<$atrn_host>
${if match{$tod_bsdinbox}{^[A-Z0-9+-][A-Za-z0-9 ,:+-]+\$}{form}{other}}
${sg{$tod_epoch}{[0-9]}{9}}
${sg{$tod_epoch_l}{[0-9]}{9}}
${if match{$tod_full}{^[A-Z0-9+-][A-Za-z0-9 ,:+-]+\$}{form}{other}}
${sg{$tod_log}{[0-9]}{9}}
${sg{$tod_logfile}{[0-9]}{9}}
${if match{$tod_zone}{^[A-Z0-9+-][A-Za-z0-9 ,:+-]+\$}{form}{other}}
${sg{$tod_zulu}{[0-9]}{9}}
