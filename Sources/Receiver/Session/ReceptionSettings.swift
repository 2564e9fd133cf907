import Bytes
import Configuration
import Expansion
import MailSystem
import MailText

/// The options that govern reception, typed; each is Exim's option of that name.
struct ReceptionSettings: Sendable {
    var accepts8BitMIME: Bool
    var banner: Template
    var activeHostName: Template?
    var messageSizeLimit: Template
    var recipientsMax: Int
    var recipientsMaxReject: Bool
    var receiveTimeout: Int64
    var maxUnknownCommands: Int
    var maxSyntaxErrors: Int
    var enforcesSync: Bool
    var maxNonMail: Int
    var acceptMax: Int
    var headerLimits: HeaderLimits
    var addressRules: AddressRules
    var queueOnly: Bool
    var usesWireFormat: Bool
    var receivedHeaderText: Template?
    var messageIDDomain: Template?
    var messageIDText: Template?
    var removesReturnPath: Bool
    var removesDeliveryDate: Bool
    var removesEnvelopeTo: Bool
    var checksLocalFrom: Bool
    var helloAllowedCharacters: ByteString
    var lists: [HostListOption: ListText] = [:]
    var trustedUsers: Template?
    var trustedGroups: Template?
    var untrustedSetSender: ListText?

    /// Host lists that switch something on for some clients.
    enum HostListOption: String, CaseIterable, Sendable {
        case chunkingAdvertise = "chunking_advertise_hosts"
        case dsnAdvertise = "dsn_advertise_hosts"
        case hostLookup = "host_lookup"
        case pipeliningAdvertise = "pipelining_advertise_hosts"
        case nonMailLimited = "smtp_accept_max_nonmail_hosts"
        case helloJunk = "helo_accept_junk_hosts"
        case senderUnqualified = "sender_unqualified_hosts"
        case recipientUnqualified = "recipient_unqualified_hosts"

        /// What holds where the option is not set.
        var standard: ByteString {
            switch self {
            case .chunkingAdvertise, .pipeliningAdvertise, .nonMailLimited: "*"
            default: ""
            }
        }
    }

    init(_ system: MailSystem) {
        let main = system.configuration.main
        accepts8BitMIME = main.flag("accept_8bitmime") ?? true
        banner =
            main.template("smtp_banner")
            ?? Template("$smtp_active_hostname ESMTP \(system.settings.product) $tod_full")
        activeHostName = main.template("smtp_active_hostname")
        messageSizeLimit = main.template("message_size_limit") ?? "50M"
        recipientsMax = Int(main.number("recipients_max") ?? 50_000)
        recipientsMaxReject = main.flag("recipients_max_reject") ?? false
        receiveTimeout = main.seconds("smtp_receive_timeout") ?? 300
        maxUnknownCommands = Int(main.number("smtp_max_unknown_commands") ?? 3)
        maxSyntaxErrors = Int(main.number("smtp_max_synprot_errors") ?? 3)
        maxNonMail = Int(main.number("smtp_accept_max_nonmail") ?? 10)
        enforcesSync = main.flag("smtp_enforce_sync") ?? true
        acceptMax = Int(main.number("smtp_accept_max") ?? 20)
        headerLimits = HeaderLimits(
            total: Int(main.number("header_maxsize") ?? 1 << 20),
            line: Int(main.number("header_line_maxsize") ?? 0))
        addressRules = AddressRules(
            allowsDomainLiterals: main.flag("allow_domain_literals") ?? false,
            stripsExcessAngleBrackets: main.flag("strip_excess_angle_brackets") ?? false,
            stripsTrailingDot: main.flag("strip_trailing_dot") ?? false)
        queueOnly = main.flag("queue_only") ?? false
        usesWireFormat = main.flag("spool_wireformat") ?? false
        receivedHeaderText = main.template("received_header_text")
        messageIDDomain = main.template("message_id_header_domain")
        messageIDText = main.template("message_id_header_text")
        removesReturnPath = main.flag("return_path_remove") ?? true
        removesDeliveryDate = main.flag("delivery_date_remove") ?? true
        removesEnvelopeTo = main.flag("envelope_to_remove") ?? true
        checksLocalFrom = main.flag("local_from_check") ?? true
        helloAllowedCharacters = main.text("helo_allow_chars") ?? ""
        trustedUsers = main.template("trusted_users")
        trustedGroups = main.template("trusted_groups")
        untrustedSetSender = main.list("untrusted_set_sender")
        for option in HostListOption.allCases {
            lists[option] = main.list(ByteString(option.rawValue)) ?? ListText(option.standard)
        }
    }
}
