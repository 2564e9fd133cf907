import Bytes
import Configuration
import Expansion
import Routing

/// The options of the smtp transport (manual, section 30.4).
struct SMTPSettings: Sendable {
    let hosts: Template?
    let hostsOverride: Bool
    let hostsRandomize: Bool
    let fallbackHosts: [ByteString]
    let allowsLocalhost: Bool
    let port: Template?
    let protocolName: ByteString
    let helo: Template
    let interface: Template?
    let connectTimeout: Int64
    let commandTimeout: Int64
    let dataTimeout: Int64
    let finalTimeout: Int64
    let maximumRecipients: Int
    let maximumMessages: Int
    let maximumTries: Int
    let hardLimit: Int
    let delaysAfterCutoff: Bool
    let addressRetryIncludesSender: Bool
    let retryIncludesAddress: Template?
    let multiDomain: Template?
    let sizeAddition: Int
    let lineLimit: Int
    let byName: Bool
    let avoidsESMTP: ListText?
    let downconversion: Template?
    let avoidsPipelining: ListText?
    let triesChunking: ListText?
    let serialized: ListText?
    let ignoresQuota: Bool
    let keepsAlive: Bool
    let dscp: Template?
    /// `dnssec_require_domains` and `dnssec_request_domains`, of the hosts that the transport itself names.
    let secureDomains: ListText?
    let secureWishes: ListText?
    let triesAuthentication: ListText?
    let requiresAuthentication: ListText?
    let authenticatedSender: Template?
    let forcesAuthenticatedSender: Bool
    let cutthrough: CutthroughSettings
    /// How messages are signed; nil where they are not.
    let signing: SigningSettings?
    let tls: TLSTransportOptions
    let proxies: Template?

    init(_ block: OptionBlock) {
        hosts = block.template("hosts")
        hostsOverride = block.flag("hosts_override") ?? false
        hostsRandomize = block.flag("hosts_randomize") ?? false
        fallbackHosts = Self.items(block.text("fallback_hosts"))
        allowsLocalhost = block.flag("allow_localhost") ?? false
        port = block.template("port")
        protocolName = block.text("protocol") ?? "smtp"
        helo = block.template("helo_data") ?? "$primary_hostname"
        interface = block.template("interface")
        connectTimeout = block.seconds("connect_timeout") ?? 300
        commandTimeout = block.seconds("command_timeout") ?? 300
        dataTimeout = block.seconds("data_timeout") ?? 300
        finalTimeout = block.seconds("final_timeout") ?? 600
        maximumRecipients = Int(block.number("max_rcpt") ?? 100)
        maximumMessages = Int(block.number("connection_max_messages") ?? 500)
        maximumTries = Int(block.number("hosts_max_try") ?? 5)
        hardLimit = Int(block.number("hosts_max_try_hardlimit") ?? 50)
        delaysAfterCutoff = block.flag("delay_after_cutoff") ?? true
        addressRetryIncludesSender = block.flag("address_retry_include_sender") ?? true
        retryIncludesAddress = block.template("retry_include_ip_address")
        multiDomain = block.template("multi_domain")
        sizeAddition = Int(block.number("size_addition") ?? 1024)
        lineLimit = Int(block.number("message_linelength_limit") ?? 998)
        byName = block.flag("gethostbyname") ?? false
        avoidsESMTP = block.list("hosts_avoid_esmtp")
        downconversion = block.template("utf8_downconvert")
        avoidsPipelining = block.list("hosts_avoid_pipelining")
        triesChunking = block.list("hosts_try_chunking")
        serialized = block.list("serialize_hosts")
        ignoresQuota = block.flag("lmtp_ignore_quota") ?? false
        keepsAlive = block.flag("keepalive") ?? true
        dscp = block.template("dscp")
        secureDomains = block.list("dnssec_require_domains")
        secureWishes = block.list("dnssec_request_domains")
        triesAuthentication = block.list("hosts_try_auth")
        requiresAuthentication = block.list("hosts_require_auth")
        authenticatedSender = block.template("authenticated_sender")
        forcesAuthenticatedSender = block.flag("authenticated_sender_force") ?? false
        cutthrough = CutthroughSettings(block)
        signing = SigningSettings(block)
        tls = TLSTransportOptions(block)
        proxies = block.template("socks_proxy")
    }

    private static func items(_ text: ByteString?) -> [ByteString] {
        ItemList.split(text, separator: UInt8(ascii: ":"))
    }

    /// A port by its number or its name; nil for what is neither.
    static func portNumber(_ text: ByteString) -> Int? {
        if let number = text.decimalInteger(), (1...65_535).contains(number) { return Int(number) }
        return switch text {
        case "smtp": 25
        case "submission": 587
        case "smtps", "submissions": 465
        case "lmtp": 24
        default: nil
        }
    }

    /// The port when nothing else says one.
    var defaultPort: Int {
        switch protocolName {
        case "lmtp": 24
        case "smtps": 465
        default: 25
        }
    }
}
