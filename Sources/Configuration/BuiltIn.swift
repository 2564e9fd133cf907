package import Bytes

extension Configuration {
    /// The configuration that is used when none is given: `bobbin config default` prints it.
    ///
    /// It listens on 127.0.0.1:2525, keeps spool, logs and mailboxes under `directory`, delivers the local domains
    /// to maildirs, relays for this machine only, and is never an open relay. `user` owns all of it where root
    /// starts the programs; nil for the user who does.
    package static func builtInText(directory: ByteString, user: ByteString? = nil) -> ByteString {
        let owner: ByteString = user.map { "exim_user = \($0)\nexim_group = \($0)\n" } ?? ""
        return """
            # Bobbin's built-in configuration, in Exim's language.

            DIRECTORY = \(directory)

            spool_directory = DIRECTORY
            \(owner)local_interfaces = 127.0.0.1
            daemon_smtp_ports = 2525

            # What is delivered here, and who may send to the rest of the world.
            domainlist local_domains = @ : localhost
            hostlist relay_from_hosts = 127.0.0.1 : ::::1

            acl_smtp_rcpt = acl_check_rcpt
            acl_smtp_data = acl_check_data

            begin acl

            acl_check_rcpt:
              accept  hosts = :
              deny    domains = +local_domains
                      local_parts = ^[.] : ^.*[@%!/|]
                      message = Restricted characters in address
              deny    domains = !+local_domains
                      local_parts = ^[./|] : ^.*[@%!] : ^.*/\\\\.\\\\./
                      message = Restricted characters in address
              accept  domains = +local_domains
              accept  hosts = +relay_from_hosts
              deny    message = relay not permitted

            acl_check_data:
              accept

            begin routers

            dnslookup:
              driver = dnslookup
              domains = !+local_domains
              transport = remote_smtp
              ignore_target_hosts = 0.0.0.0 : 127.0.0.0/8 : ::::1
              no_more

            local_user:
              driver = accept
              domains = +local_domains
              local_parts = filename;$local_part
              transport = maildir
              cannot_route_message = Unknown user

            begin transports

            remote_smtp:
              driver = smtp

            maildir:
              driver = appendfile
              directory = DIRECTORY/mail/$local_part_data
              maildir_format
              create_directory
              delivery_date_add
              envelope_to_add
              return_path_add

            begin retry

            *  *  F,2h,15m; G,16h,1h,1.5; F,4d,6h

            """
    }
}
