// SystemTests: the shipped programs as black boxes, beside a real Exim.
//
// Purpose: what only whole programs can prove. Each test makes a MailSite of its own: a spool, logs and mailboxes in
// a temporary directory and one configuration that the installed Exim and Bobbin both run on. Nothing is asked of the
// DNS; all traffic goes to 127.0.0.1.
// Read in this order: SystemTests.swift, Reception*.swift, Submission*, LocalSocket*, Clients*, Delivery*, BothWays*,
// Crash*, Queuefile*, RunControl*, Daemon*, Permission*, Proof*, Postfix*.
import Bytes
import TestKit
import Testing

/// All tests here: one at a time, since each one keeps both cores busy with programs.
@Suite("Bobbin beside a real Exim", .serialized, .needsRoot)
struct SystemTests {
    @Suite(.serialized) struct Reception {}
    @Suite(.serialized) struct Delivery {}
    @Suite(.serialized) struct BothWays {}
    @Suite(.serialized) struct Crash {}
    @Suite(.serialized) struct Queuefile {}
    @Suite(.serialized) struct RunControl {}
}

/// What both programs are configured with: example.org goes to a maildir, everything else to a server on `wire`.
///
/// - Parameters:
///   - wire: the port of that server on 127.0.0.1.
///   - main: further main options.
///   - data: the statements of the DATA ACL.
///   - remote: further options of the smtp transport.
func configuration(
    wire: Int = 9, main: ByteString = "", data: ByteString = "  accept\n", remote: ByteString = ""
) -> ByteString {
    """
    domainlist local_domains = example.org
    hostlist relay_from_hosts = 127.0.0.1
    acl_smtp_rcpt = check_recipient
    acl_smtp_data = check_data
    received_header_text = Received: from $sender_helo_name by $primary_hostname\\n\\t\\
      with $received_protocol id $message_exim_id
    queue_only
    smtp_accept_max = 100
    message_size_limit = 60M
    remote_max_parallel = 4
    \(main)
    begin acl

    check_recipient:
      deny    local_parts = refused
              message = we refuse this one
      defer   local_parts = later
              message = come back later
      accept  domains = +local_domains
      accept  hosts = : +relay_from_hosts
      deny    message = relay not permitted

    check_data:
    \(data)
    begin routers

    unknown:
      driver = redirect
      domains = +local_domains
      local_parts = nobody
      allow_fail
      data = :fail: no such person here

    local:
      driver = accept
      domains = +local_domains
      transport = maildir

    remote:
      driver = manualroute
      route_list = * 127.0.0.1 byname
      self = send
      transport = wire

    begin transports

    wire:
      driver = smtp
      port = \(wire)
      allow_localhost
      hosts_try_chunking =
      hosts_try_fastopen =
    \(remote)
    maildir:
      driver = appendfile
      directory = MAIL/all
      maildir_format
      create_directory
      user = \(MailSite.user)
      group = \(MailSite.user)
      mode = 0600
      delivery_date_add
      envelope_to_add
      return_path_add

    begin retry

    *  *  F,2h,1s

    """
}
