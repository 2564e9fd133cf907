import Bytes
package import Configuration
import Expansion

/// A router's generic options, decoded once (manual, chapter 15).
package struct RouterOptions: Sendable {
    let name: ByteString
    // Preconditions.
    let prefixes: [ByteString]
    let prefixIsOptional: Bool
    let suffixes: [ByteString]
    let suffixIsOptional: Bool
    let purposes: Set<RoutingPurpose>
    /// For which an address that the router accepts fails (`fail_verify` and its like).
    let failingPurposes: Set<RoutingPurpose>
    let domains: ListText?
    let localParts: ListText?
    let checksLocalUser: Bool
    let routerHome: Template?
    let senders: ListText?
    let requiredFiles: Template?
    let condition: Template?
    /// What is printed before the later preconditions are tested, where somebody debugs.
    let debugPrint: Template?
    // What happens before and after.
    let variables: ByteString?
    let addressData: Template?
    let more: Template?
    let unseen: Template?
    let passRouter: ByteString?
    let redirectRouter: ByteString?
    let selfRule: ByteString
    let isCaseful: Bool
    let cannotRouteMessage: Template?
    // What is settled for the transport.
    let errorsTo: Template?
    let headersToAdd: Template?
    let headersToRemove: Template?
    let transport: Template?
    let user: Template?
    let group: Template?
    let initializesGroups: Bool
    let transportHome: Template?
    let transportDirectory: Template?
    let fallbackHosts: ByteString?
    let logsAsLocal: Bool
    let isLastHop: Bool
    let disablesLogging: Bool
    let retryUsesLocalPart: Bool
    // Host lookups.
    let ignoredHosts: ListText?
    let passesOnTimeout: Bool
    let secureDomains: ListText?
    let secureWishes: ListText?

    init(_ block: OptionBlock) throws(RoutingConfigurationError) {
        name = block.name
        prefixes = ItemList.split(block.text("local_part_prefix"), separator: UInt8(ascii: ":"))
        prefixIsOptional = block.flag("local_part_prefix_optional") ?? false
        suffixes = ItemList.split(block.text("local_part_suffix"), separator: UInt8(ascii: ":"))
        suffixIsOptional = block.flag("local_part_suffix_optional") ?? false
        purposes = Self.purposes(block)
        failingPurposes = Self.failingPurposes(block)
        domains = block.list("domains")
        localParts = block.list("local_parts")
        checksLocalUser = block.flag("check_local_user") ?? false
        routerHome = block.template("router_home_directory")
        senders = block.list("senders")
        requiredFiles = block.template("require_files")
        condition = block.template("condition")
        variables = block.template("set")?.source
        addressData = block.template("address_data")
        more = block.template("more")
        unseen = block.template("unseen")
        debugPrint = block.template("debug_print")
        passRouter = block.text("pass_router")
        redirectRouter = block.text("redirect_router")
        selfRule = block.text("self") ?? "freeze"
        isCaseful = block.flag("caseful_local_part") ?? false
        cannotRouteMessage = block.template("cannot_route_message")
        errorsTo = block.template("errors_to")
        headersToAdd = block.template("headers_add")
        headersToRemove = block.template("headers_remove")
        transport = block.template("transport")
        user = block.template("user")
        group = block.template("group")
        initializesGroups = block.flag("initgroups") ?? false
        transportHome = block.template("transport_home_directory")
        transportDirectory = block.template("transport_current_directory")
        fallbackHosts = block.text("fallback_hosts")
        logsAsLocal = block.flag("log_as_local") ?? (block.driver == "accept")
        isLastHop = block.flag("dsn_lasthop") ?? false
        disablesLogging = block.flag("disable_logging") ?? false
        retryUsesLocalPart = block.flag("retry_use_local_part") ?? Self.dependsOnLocalPart(block)
        ignoredHosts = block.list("ignore_target_hosts")
        passesOnTimeout = block.flag("pass_on_timeout") ?? false
        secureDomains = block.list("dnssec_require_domains")
        secureWishes = block.list("dnssec_request_domains")
    }

    private static func purposes(_ block: OptionBlock) -> Set<RoutingPurpose> {
        var purposes: Set<RoutingPurpose> = [
            .delivery, .addressTest, .verifySender, .verifyRecipient, .expand,
        ]
        let verify = block.flag("verify") ?? true
        if !(block.flag("verify_sender") ?? verify) { purposes.remove(.verifySender) }
        if !(block.flag("verify_recipient") ?? verify) { purposes.remove(.verifyRecipient) }
        if !(block.flag("address_test") ?? true) { purposes.remove(.addressTest) }
        if !(block.flag("expn") ?? true) { purposes.remove(.expand) }
        if block.flag("verify_only") ?? false { purposes.subtract([.delivery, .addressTest, .expand]) }
        return purposes
    }

    private static func failingPurposes(_ block: OptionBlock) -> Set<RoutingPurpose> {
        let both = block.flag("fail_verify") ?? false
        var purposes: Set<RoutingPurpose> = []
        if block.flag("fail_verify_sender") ?? both { purposes.insert(.verifySender) }
        if block.flag("fail_verify_recipient") ?? both { purposes.insert(.verifyRecipient) }
        return purposes
    }

    /// The default of `retry_use_local_part`: on where an option looks at the local part.
    package static func dependsOnLocalPart(_ block: OptionBlock) -> Bool {
        (block.flag("check_local_user") ?? false)
            || ["local_parts", "condition", "senders", "require_files"].contains {
                block.template($0) != nil
            } || block.text("local_part_prefix") != nil || block.text("local_part_suffix") != nil
    }
}
