import Bytes
import TestKit

extension MailSite {
    /// A site whose addresses all go over SMTP.
    ///
    /// - Parameters:
    ///   - routes: the `route_list` of its only router.
    ///   - port: where its hosts are asked.
    ///   - main: main options.
    ///   - acl: what stands below `begin acl`.
    ///   - options: options of the transport, the second and each further one in a line of its own.
    convenience init(
        sendingTo routes: ByteString = "* 127.0.1.2", port: Int, main: ByteString, acl: ByteString = "",
        options: ByteString = ""
    ) throws {
        try self.init(
            """
            trusted_users = root
            \(main)
            begin acl
            \(acl)
            begin routers
            remote:
              driver = manualroute
              route_list = \(routes)
              transport = smtp
            begin transports
            smtp:
              driver = smtp
              port = \(port)
              \(options)
            begin retry
            * * F,1d,15m
            """)
    }
}
