import ACL
import Bytes
import Configuration
import EximLog
import Expansion
import MailSystem
import MailText
import Spooler

/// The options that govern reception, typed; each is Exim's option of that name.
struct ReceptionSettings: Sendable {
    var accepts8BitMIME: Bool
    var banner: Template
    var activeHostName: Template?
    var enforcesSync: Bool
    var limits: ReceptionLimits
    var queueing: QueueingRules
    var fixups: FixupOptions
    var addressRules: AddressRules
    var etrn: ETRNRules
    var keepsAlive: Bool
    var noDelay: Bool
    var backlog: Int
    var patience: BindingPatience
    /// `smtp_backlog_monitor`; 0 is no monitor.
    var backlogMonitor: Int
    /// `rfc1413_query_timeout` in seconds; 0 asks nobody.
    var identTimeout: Int64
    /// `proxy_protocol_timeout` in seconds.
    var proxyTimeout: Int64
    var fromLine: FromLine
    var tls: TLSRules
    var gecos: GecosRules
    var usesWireFormat: Bool
    var receivedHeaderText: Template?
    var messageIDDomain: Template?
    var messageIDText: Template?
    var helloAllowedCharacters: ByteString
    var lists: [HostListOption: ListText] = [:]
    /// The authenticators that serve clients, in order.
    var authenticators: [ServerAuthenticator]
    var trustedUsers: Template?
    var trustedGroups: Template?
    var untrustedSetSender: ListText?

    /// HELO names for which the client's name is looked up.
    var helloLookupDomains: ListText
    /// `receive_timeout` for messages without SMTP, in seconds; nil for none.
    var receiveTimeout: Int64?

    /// Connections that may wait to be accepted where `smtp_connect_backlog` is not set; Exim's 20 are soon full.
    static let standardBacklog: Int64 = 512

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
        case connectionRejected = "host_reject_connection"
        case connectionNotLogged = "hosts_connection_nolog"
        case reserved = "smtp_reserve_hosts"
        case helloVerified = "helo_verify_hosts"
        case helloTried = "helo_try_verify_hosts"
        case helloRequired = "hosts_require_helo"
        case rateLimited = "smtp_ratelimit_hosts"
        case limitsAdvertise = "limits_advertise_hosts"
        case fromLineIgnored = "ignore_fromline_hosts"
        case identAsked = "rfc1413_hosts"
        case smtpUTF8Advertise = "smtputf8_advertise_hosts"
        case authAdvertise = "auth_advertise_hosts"
        case tlsAdvertise = "tls_advertise_hosts"
        case tlsVerified = "tls_verify_hosts"
        case tlsTried = "tls_try_verify_hosts"
        case alpnRequired = "hosts_require_alpn"
        case proxied = "hosts_proxy"

        /// What holds where the option is not set.
        var standard: ByteString {
            switch self {
            case .chunkingAdvertise, .pipeliningAdvertise, .nonMailLimited, .helloRequired, .authAdvertise,
                .tlsAdvertise:
                "*"
            case .identAsked: "@[]"
            default: ""
            }
        }
    }

    init(_ system: MailSystem) throws(StartError) {
        let main = system.configuration.main
        accepts8BitMIME = main.flag("accept_8bitmime") ?? true
        banner =
            main.template("smtp_banner")
            ?? Template("$smtp_active_hostname ESMTP \(system.settings.product) $tod_full")
        activeHostName = main.template("smtp_active_hostname")
        enforcesSync = main.flag("smtp_enforce_sync") ?? true
        limits = ReceptionLimits(
            main, spool: system.spool.directory, log: system.log.options.path.directory)
        queueing = QueueingRules(main)
        etrn = ETRNRules(main)
        fixups = FixupOptions(main)
        keepsAlive = main.flag("smtp_accept_keepalive") ?? true
        noDelay = main.flag("tcp_nodelay") ?? true
        backlog = Int(main.number("smtp_connect_backlog") ?? Self.standardBacklog)
        patience = BindingPatience(main)
        backlogMonitor = Int(main.number("smtp_backlog_monitor") ?? 0)
        identTimeout = main.seconds("rfc1413_query_timeout") ?? 0
        tls = try TLSRules(main)
        proxyTimeout = main.seconds("proxy_protocol_timeout") ?? 3
        fromLine = FromLine(main) { system.log.panic($0) }
        gecos = GecosRules(main) { system.log.panic($0) }
        receiveTimeout = main.seconds("receive_timeout").flatMap { $0 > 0 ? $0 : nil }
        addressRules = AddressRules(
            allowsDomainLiterals: main.flag("allow_domain_literals") ?? false,
            stripsExcessAngleBrackets: main.flag("strip_excess_angle_brackets") ?? false,
            stripsTrailingDot: main.flag("strip_trailing_dot") ?? false,
            allowsUTF8Domains: main.flag("allow_utf8_domains") ?? false)
        authenticators = system.configuration.authenticators.compactMap { ServerAuthenticator($0) }
        usesWireFormat = main.flag("spool_wireformat") ?? false
        receivedHeaderText = main.template("received_header_text")
        messageIDDomain = main.template("message_id_header_domain")
        messageIDText = main.template("message_id_header_text")
        helloAllowedCharacters = main.text("helo_allow_chars") ?? ""
        trustedUsers = main.template("trusted_users")
        trustedGroups = main.template("trusted_groups")
        untrustedSetSender = main.list("untrusted_set_sender")
        helloLookupDomains = main.list("helo_lookup_domains") ?? ListText("@ : @[]")
        for option in HostListOption.allCases {
            lists[option] = main.list(ByteString(option.rawValue)) ?? ListText(option.standard)
        }
    }
}

extension FixupOptions {
    /// The options of the main section that concern header lines.
    init(_ main: OptionBlock) {
        self.init()
        checksFrom = main.flag("local_from_check") ?? true
        retainsSender = main.flag("local_sender_retain") ?? false
        topBitPrints = main.flag("print_topbitchars") ?? false
        fromPrefix = main.text("local_from_prefix") ?? ""
        fromSuffix = main.text("local_from_suffix") ?? ""
        let lines: [(option: ByteString, name: ByteString)] = [
            ("return_path_remove", "return-path"), ("delivery_date_remove", "delivery-date"),
            ("envelope_to_remove", "envelope-to"),
        ]
        removedLines = lines.filter { main.flag($0.option) ?? true }.map(\.name)
    }
}

/// What ETRN does: `smtp_etrn_command` and `smtp_etrn_serialize`.
struct ETRNRules: Sendable {
    var command: ByteString?
    var isSerialized: Bool

    init(_ main: OptionBlock) {
        command = main.template("smtp_etrn_command")?.source
        isSerialized = main.flag("smtp_etrn_serialize") ?? true
    }
}
