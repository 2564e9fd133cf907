package import Bytes
package import Configuration
package import Expansion
package import Routing

/// A transport instance: its driver and what it was configured to do.
package struct Transport: Sendable {
    /// What a transport does.
    enum Driver: Sendable {
        case appendfile(AppendfileSettings)
        case autoreply(AutoreplySettings)
        case lmtp(LMTPSettings)
        case pipe(PipeSettings)
        case queuefile(directory: Template)
        case smtp(SMTPSettings)
        /// Known to Exim, not done here: what comes to it is deferred.
        case unavailable(ByteString)
    }

    /// The instance's name.
    package let name: ByteString
    let generic: TransportSettings
    let driver: Driver

    /// Decodes a block.
    package init(_ block: OptionBlock) {
        name = block.name
        generic = TransportSettings(block)
        switch block.driver {
        case "appendfile": driver = .appendfile(AppendfileSettings(block))
        case "autoreply": driver = .autoreply(AutoreplySettings(block))
        case "lmtp": driver = .lmtp(LMTPSettings(block))
        case "pipe": driver = .pipe(PipeSettings(block))
        case "queuefile":
            driver =
                block.template("directory").map { .queuefile(directory: $0) } ?? .unavailable("queuefile")
        case "smtp": driver = .smtp(SMTPSettings(block))
        default: driver = .unavailable(block.driver)
        }
    }

    /// Whether it sends to hosts.
    package var isRemote: Bool { if case .smtp = driver { true } else { false } }
    /// Whether it gives messages to another program's directory (queuefile).
    package var handsOver: Bool { if case .queuefile = driver { true } else { false } }

    /// The most addresses of one call: `max_rcpt` is for transactions, this for calls; 0 is no limit.
    package var batchLimit: Int {
        switch driver {
        case .appendfile(let settings): settings.batchMax
        case .lmtp(let settings): settings.batchMax
        case .pipe(let settings): settings.batchMax
        case .queuefile, .smtp: 0
        case .autoreply, .unavailable: 1
        }
    }

    /// `max_parallel`: how many runs of it there may be at one time, over all processes; 0 is no limit.
    ///
    /// Throws why it cannot be told.
    package func parallelLimit(
        _ facts: Facts, _ expander: Expander
    ) async throws(TransportTrouble) -> Int {
        guard let template = generic.maximumParallel else { return 0 }
        do {
            return try await expander.expandToInteger(template, facts)
        } catch {
            throw TransportTrouble(error.text, errno: -1).panicking
        }
    }

    /// The errno of a command that cannot be expanded.
    var commandErrno: Int32 { if case .pipe = driver { 0 } else { -1 } }

    /// What is wrong with the options together, in Exim's words; nil when nothing is.
    package var problem: ByteString? {
        guard case .pipe(let settings) = driver else { return nil }
        return settings.problem(of: name)
    }

    /// `retry_use_local_part`; smtp keys its records by hosts instead.
    package var retryUsesLocalPart: Bool { generic.retryUsesLocalPart ?? !isRemote }

    /// `rcpt_include_affixes`.
    package var includesAffixes: Bool { generic.includesAffixes }

    /// Whether addresses of different domains may go in one call (`multi_domain`, for smtp alone a question).
    package var multiDomain: Template? {
        if case .smtp(let settings) = driver { settings.multiDomain } else { nil }
    }

    /// Whether addresses of different domains go apart, since their hosts may be verified by DANE (manual, option
    /// `multi_domain`).
    package func separatesDomains(for hosts: [RouteHost]) -> Bool {
        guard case .smtp(let settings) = driver, hosts.contains(where: \.isSecure) else { return false }
        return settings.tls.dane.mayApply
    }

    /// Whether the options name `$local_part` or `$domain`, so that addresses that differ in it go apart.
    package var dependsOnLocalPart: Bool { mentions("local_part") }

    /// See `dependsOnLocalPart`.
    package var dependsOnDomain: Bool { mentions("domain") }

    /// `batch_id`: addresses for which it comes to different texts go apart.
    package var batchID: Template? {
        switch driver {
        case .appendfile(let settings): settings.batchID
        case .lmtp(let settings): settings.batchID
        case .pipe(let settings): settings.batchID
        case .autoreply, .queuefile, .smtp, .unavailable: nil
        }
    }

    private func mentions(_ variable: ByteString) -> Bool {
        switch driver {
        case .appendfile(let settings): settings.mentions(variable)
        case .lmtp(let settings): settings.mentions(variable)
        case .pipe(let settings): settings.mentions(variable)
        case .autoreply, .queuefile, .smtp, .unavailable: false
        }
    }

    /// The driver's name when it is one that this program has not.
    package var unavailableDriver: ByteString? {
        if case .unavailable(let driver) = driver { driver } else { nil }
    }
}

/// The generic options of transports (manual, chapter 24).
struct TransportSettings: Sendable {
    let headersToAdd: Template?
    let headersToRemove: Template?
    let addsReturnPath: Bool
    let addsEnvelopeTo: Bool
    let addsDeliveryDate: Bool
    let returnPath: Template?
    let sizeLimit: Template?
    let maximumParallel: Template?
    let user: Template?
    let group: Template?
    let initializesGroups: Bool
    let homeDirectory: Template?
    let currentDirectory: Template?
    let bodyOnly: Bool
    let headersOnly: Bool
    let includesAffixes: Bool
    let retryUsesLocalPart: Bool?
    let disablesLogging: Bool
    let filter: Template?
    let filterTimeout: Int64
    let headerRules: [RewriteRule]
    let shadow: ByteString?
    let shadowCondition: Template?
    let eventAction: Template?

    init(_ block: OptionBlock) {
        headersToAdd = block.template("headers_add")
        headersToRemove = block.template("headers_remove")
        addsReturnPath = block.flag("return_path_add") ?? false
        addsEnvelopeTo = block.flag("envelope_to_add") ?? false
        addsDeliveryDate = block.flag("delivery_date_add") ?? false
        returnPath = block.template("return_path")
        sizeLimit = block.template("message_size_limit")
        maximumParallel = block.template("max_parallel")
        user = block.template("user")
        group = block.template("group")
        initializesGroups = block.flag("initgroups") ?? false
        homeDirectory = block.template("home_directory")
        currentDirectory = block.template("current_directory")
        bodyOnly = block.flag("body_only") ?? false
        headersOnly = block.flag("headers_only") ?? false
        includesAffixes = block.flag("rcpt_include_affixes") ?? false
        retryUsesLocalPart = block.flag("retry_use_local_part")
        disablesLogging = block.flag("disable_logging") ?? false
        filter = block.template("transport_filter")
        filterTimeout = block.seconds("transport_filter_timeout") ?? 300
        headerRules = block.headerRules
        shadow = block.text("shadow_transport")
        shadowCondition = block.template("shadow_condition")
        eventAction = block.template("event_action")
    }
}

/// Which variables an option's text names.
enum MentionedVariables {
    /// Whether one of the texts names the variable.
    static func contain(_ variable: ByteString, in texts: [ByteString?]) -> Bool {
        texts.contains { text in
            guard let text else { return false }
            return text.contains("$\(variable)" as ByteString) || text.contains("${\(variable)" as ByteString)
        }
    }
}
