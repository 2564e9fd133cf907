package import Bytes
package import Expansion
package import Filter

/// A host of a list that a router made.
package struct RouteHost: Sendable, Hashable {
    /// Its name as configured or as the DNS gave it; may be an address.
    package var name: ByteString
    /// Its address; nil for the host list of a local transport.
    package var address: IPAddress?
    /// The port that overrides the transport's.
    package var port: Int?
    /// The MX preference; nil when the host is not from MX records.
    package var mx: Int?
    /// Whether the DNS answers were validated.
    package var isSecure: Bool
    /// Whether they were to be (`dnssec_request_domains`, `dnssec_require_domains`).
    package var wasToBeSecure = false
    /// The names under which TLSA records may be, in the order to look; empty for its name alone.
    package var names: [ByteString] = []
    /// The domain whose MX records lead here; nil when the host is not from MX records.
    package var mailDomain: ByteString?

    /// Makes a host.
    package init(
        name: ByteString, address: IPAddress?, port: Int? = nil, mx: Int? = nil, isSecure: Bool = false
    ) {
        self.name = name
        self.address = address
        self.port = port
        self.mx = mx
        self.isSecure = isSecure
    }

    /// `$lookup_dnssec_authenticated`: nothing where nobody asked.
    package var dnssec: ByteString { wasToBeSecure ? (isSecure ? "yes" : "no") : "" }
}

/// A user and groups to run a local delivery as.
package struct DeliveryUser: Sendable, Hashable {
    /// The user id.
    package var uid: UInt32
    /// The group id; nil when none was given with a numeric user.
    package var gid: UInt32?
    /// Whether the user's further groups are set up too (`initgroups`).
    package var initializesGroups: Bool

    /// Makes a value.
    package init(uid: UInt32, gid: UInt32?, initializesGroups: Bool = false) {
        self.uid = uid
        self.gid = gid
        self.initializesGroups = initializesGroups
    }
}

/// Variables of a filter that set up a delivery.
package struct FilterFacts: Sendable, Hashable {
    /// `$0`, `$1` and so on.
    package var captures: [TaintedBytes] = []
    /// `$n0` to `$n9`, `$thisaddress`.
    package var variables: [ByteString: TaintedBytes] = [:]

    /// Knows nothing.
    package init() {}
}

/// What shall be done with an address: a transport and all that the router settled for it.
package struct DeliveryInstruction: Sendable {
    /// What is delivered to.
    package enum Target: Sendable, Hashable {
        /// The address itself.
        case address
        /// A command, beginning with `|`.
        case pipe(ByteString)
        /// A file, or a directory when it ends in `/`.
        case file(ByteString)
        /// An automatic reply, beginning with `>`.
        case reply(ByteString)

        /// The text of a pipe, file or reply; nil for an address.
        package var text: ByteString? {
            switch self {
            case .address: nil
            case .pipe(let text), .file(let text), .reply(let text): text
            }
        }
    }

    /// The transport's name.
    package var transport: ByteString
    /// The router's name.
    package var router: ByteString
    /// What is delivered to.
    package var target: Target = .address
    /// The hosts in the order to try; empty when the transport knows them.
    package var hosts: [RouteHost] = []
    /// `fallback_hosts` of the router, items as written.
    package var fallbackHosts: [ByteString] = []
    /// The address parts and router data for the transport's expansions.
    package var facts: AddressFacts
    /// The local part as it came, with its affixes, for RCPT with `rcpt_include_affixes`.
    package var fullLocalPart: ByteString
    /// The local part with its letters as they came, without affixes, for RCPT.
    package var casedLocalPart: ByteString
    /// The user that the router gives.
    package var user: DeliveryUser?
    /// The group that the router sets without a user.
    package var group: UInt32?
    /// `transport_home_directory`, or the home of the local user, or `router_home_directory`.
    package var homeDirectory: TaintedBytes?
    /// `transport_current_directory`.
    package var currentDirectory: TaintedBytes?
    /// Whether the log shows just the local part (`log_as_local`).
    package var logsAsLocal = false
    /// `dsn_lasthop`.
    package var isLastHop = false
    /// `disable_logging`.
    package var disablesLogging = false
    /// What a filter knew when it set the delivery up, for the expansions of the transport; nil when no filter did.
    package var filterFacts: FilterFacts?
    /// The answer that a filter asks for; nil when none does.
    package var reply: ReplyMessage?
    /// The mode of a file that a filter names.
    package var fileMode: UInt32?

    /// Makes an instruction; the rest is set afterwards.
    package init(transport: ByteString, router: ByteString, facts: AddressFacts) {
        self.transport = transport
        self.router = router
        self.facts = facts
        fullLocalPart = ByteString()
        casedLocalPart = ByteString()
    }
}
