package import Bytes
package import Expansion
package import Hints
package import Routing

/// What transports may ask of the world.
package struct TransportEnvironment: Sendable {
    /// Expands and matches.
    package var expander: Expander
    /// For hosts that a transport looks up itself.
    package var routing: RoutingEnvironment
    /// `primary_hostname`.
    package var primaryHostName: ByteString
    /// The user that deliveries run as when nobody says otherwise.
    package var mailUser: DeliveryUser
    /// `timezone`, where it is set.
    package var timezone: ByteString?
    /// `never_users`, root among them.
    package var neverUsers: Set<UInt32> = [0]
    /// The program `bobbin-deliver-local`; nil where there is none, and deliveries as others are deferred.
    package var deliverLocalProgram: ByteString?
    /// The retry hints, for reading.
    package var hosts: HostBook
    /// Connections that are kept for further messages.
    package var connections: ConnectionPool
    /// Who has a connection to a host of `serialize_hosts`, over all processes.
    package var turns = SharedTurns(nil)
    /// The authenticators that we have as a client, in order.
    package var authenticators: [ClientAuthenticator] = []
    /// What TLS sessions with servers share.
    package var tls = ClientTLS()
    /// How hosts are spelled in retry keys.
    package var hostSpelling: RetryHostSpelling = .upTo497
    /// Whether retry times are not regarded (a forced delivery).
    package var isForced = false
    /// Hands a new message in; nil where that cannot be done.
    package var submit: (@Sendable (TransportSubmission) async -> TransportSubmissionOutcome)?
    /// `dsn_from`.
    package var dsnFrom: Template = "Mail Delivery System <Mailer-Daemon@$qualify_domain>"
    /// `errors_reply_to`.
    package var errorsReplyTo: ByteString?
    /// The other transports, by name.
    package var transport: @Sendable (ByteString) -> Transport? = { _ in nil }
    /// Told what `headers_rewrite` has to say for the log.
    package var tellRewriting: @Sendable (RewriteEvent) -> Void = { _ in }
    /// Writes a line to the logs now: the one before an event of which `event_action` tells.
    package var tell: @Sendable (TransportLogLine) -> Void = { _ in }
    /// The wall clock, in seconds and microseconds since 1970.
    package var now: @Sendable () -> (seconds: Int64, microseconds: Int)

    /// Makes an environment; the rest is set afterwards.
    package init(
        expander: Expander, routing: RoutingEnvironment, primaryHostName: ByteString, mailUser: DeliveryUser,
        hosts: HostBook, connections: ConnectionPool
    ) {
        self.expander = expander
        self.routing = routing
        self.primaryHostName = primaryHostName
        self.mailUser = mailUser
        self.hosts = hosts
        self.connections = connections
        now = expander.environment.now
    }
}
