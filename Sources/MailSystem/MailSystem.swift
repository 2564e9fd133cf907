// MailSystem: the composition root.
//
// Purpose: finds and reads the configuration, and puts together what every program of a mail system needs:
// settings, expander, spool, logs, resolver, hints. Programs get one value; nothing is global.
// May import: everything below the programs.
// Read in this order: ConfigurationSource.swift, MailUser.swift, Settings.swift, EnvironmentFilling.swift,
// ConfiguredResolver.swift, ProcessIDFile.swift, ProcessEnvironment.swift, ProcessZone.swift, ProgramRunning.swift, SocketReading.swift,
// UDPSending.swift, SPFLookup.swift, SignatureRules.swift, AuthorPolicies.swift, RoutingFilling.swift, RoutingVerifier.swift, Callouts.swift, CalloutInquiry.swift, CalloutWords.swift,
// CalloutCache.swift, HeldCallout.swift, HeldCallout+passing.swift, SignalListener.swift, StoredFacts.swift, OutgoingMessage+stored.swift,
// DeliveryNames.swift, StartError.swift.

package import ACL
package import Bytes
package import Configuration
package import DNS
package import EximLog
package import Expansion
package import Hints
import PolicyChecks
package import Routing
package import Spooler
package import Transports

/// A session that is held to see what would happen (`-bh`, `bobbin check-host`): nothing is accepted, logged or sent.
package struct Rehearsal: Sendable {
    /// Who is told what ACLs do.
    package var observer: any ACLObserver
    /// Whether callouts are made.
    package var makesCallouts: Bool

    /// Makes the value.
    package init(observer: any ACLObserver, makesCallouts: Bool) {
        self.observer = observer
        self.makesCallouts = makesCallouts
    }
}

/// One mail system: a configuration, and the parts that work by it.
///
/// A class, since every session, delivery and log call keeps it.
package final class MailSystem: Sendable {
    /// What the files say.
    package let configuration: Configuration
    /// The main options that every program needs, expanded and typed.
    package let settings: Settings
    /// Expands strings and matches lists.
    package let expander: Expander
    /// The spool's default queue.
    package let spool: Spool
    /// Makes message ids.
    package let ids: MessageIDGenerator
    /// The main, reject and panic logs.
    package let log: EximLogWriter
    /// Asks the DNS.
    package let resolver: any NameResolver
    /// Where and how the hints databases are kept.
    package let hints: HintsSettings
    /// The rules of the `rewrite` section.
    package let rewriter: Rewriter
    /// The routers, in order.
    package let router: AddressRouter
    /// Asks hosts of addresses that are verified.
    let callouts: Callouts
    /// What TLS sessions with servers share.
    package let clientTLS: ClientTLS
    /// What ACLs use: hints, and whoever watches them.
    package let aclServices: ACLServices

    private init(
        configuration: Configuration, settings: Settings, expander: Expander, spool: Spool,
        ids: MessageIDGenerator, log: EximLogWriter, resolver: any NameResolver, hints: HintsSettings,
        rewriter: Rewriter, router: AddressRouter, callouts: Callouts, clientTLS: ClientTLS,
        aclServices: ACLServices
    ) {
        self.configuration = configuration
        self.settings = settings
        self.expander = expander
        self.spool = spool
        self.ids = ids
        self.log = log
        self.resolver = resolver
        self.hints = hints
        self.rewriter = rewriter
        self.router = router
        self.callouts = callouts
        self.aclServices = aclServices
        self.clientTLS = clientTLS
    }

    /// Reads the configuration and puts the parts together.
    ///
    /// Throws `StartError` with a text that names the file and line, or the setting, and what to do. Options that
    /// could change where mail goes and are not honoured yet stop the start; the others are logged once.
    package static func start(
        _ source: ConfigurationSource, rehearsal: Rehearsal? = nil
    ) async throws(StartError) -> MailSystem {
        try await start(try source.read(), rehearsal: rehearsal)
    }

    /// Puts the parts together for a configuration that has been read.
    package static func start(
        _ configuration: Configuration, rehearsal: Rehearsal? = nil
    ) async throws(StartError) -> MailSystem {
        try refuseDecisive(configuration)
        ProcessZone(configuration.main).apply()
        let variables = await ProcessEnvironment(configuration.main)
        let bare = Expander(EnvironmentFilling.constants(configuration, variables))
        let settings = try await Settings(configuration, bare)
        try settings.makeSpoolDirectory()
        let log = try settings.makeLog(configuration.main, showsOnly: rehearsal != nil)
        var asking = settings.resolver
        asking.noteUnvalidated = { log.main($0) }
        let resolver: ConfiguredResolver
        do {
            resolver = ConfiguredResolver(try Resolver(asking), bare, configuration.main) {
                log.main($0)
            }
        } catch { throw StartError("\(error)") }
        let hints = settings.hints(notices: log)
        var services = ACLServices(hints: ACLHints(hints))
        services.send = UDPSending.send
        services.scanners = ScannerReaching.reach
        services.spf = SPFChecker(resolver.withoutRulesForHosts)
        services.dkim = DKIMVerifier(resolver.withoutRulesForHosts, try DKIMRules(configuration.main))
        services.authorPolicy = AuthorPolicies(
            configuration.main, resolver: resolver.withoutRulesForHosts, reporter: settings.primaryHostName,
            keepsHistory: rehearsal == nil)
        services.observer = rehearsal?.observer
        services.makesCallouts = rehearsal?.makesCallouts ?? true
        let clientTLS = try ClientTLS(configuration)
        var callouts = Callouts(
            configuration, services, CalloutLoops(), clientTLS,
            qualifyDomain: EnvironmentFilling.constants(configuration, variables).settings.qualifyDomain)
        callouts.tell = { $0.isPanic ? log.panic($0.text) : log.main($0.text) }
        let environment = EnvironmentFilling(
            configuration: configuration, settings: settings, resolver: resolver, log: log,
            variables: variables, aclServices: services, callouts: callouts
        ).environment()
        let ids = MessageIDGenerator(
            format: settings.messageIDFormat, localhostNumber: settings.localhostNumber,
            processID: MailUser.processID, clock: SpoolTime.now)
        let expander = Expander(environment)
        let routing = RoutingFilling(
            configuration: configuration, settings: settings, expander: expander, resolver: resolver)
        let rewriter = routing.rewriter()
        return MailSystem(
            configuration: configuration, settings: settings, expander: expander, spool: settings.spool,
            ids: ids, log: log, resolver: resolver, hints: hints, rewriter: rewriter,
            router: try routing.router(rewriter), callouts: callouts, clientTLS: clientTLS,
            aclServices: services)
    }

    /// Where an ordinary user's program finds the receiver.
    package struct SubmissionPlaces: Sendable {
        /// The spool directory.
        package var spool: ByteString
        /// The receiver's local socket; nil when there shall be none.
        package var socket: ByteString?
    }

    /// Reads as much of the configuration as a caller needs who may not write to the spool.
    package static func submissionPlaces(
        _ source: ConfigurationSource
    ) async throws(StartError) -> SubmissionPlaces {
        let configuration = try source.read()
        let variables = await ProcessEnvironment(configuration.main)
        let reader = OptionExpansion(
            main: configuration.main,
            expander: Expander(EnvironmentFilling.constants(configuration, variables)))
        let spool = try await reader.text("spool_directory") ?? "/var/spool/bobbin"
        return SubmissionPlaces(spool: spool, socket: try await Settings.socket(reader, spool))
    }

    /// Runs ACLs, with the verifier that the program gives.
    package func aclEvaluator(_ verifier: any AddressVerifier) -> ACLEvaluator {
        ACLEvaluator(configuration, expander: expander, verifier: verifier, services: aclServices)
    }

    /// `event_action` of the main section, for events about a message; nil when it is not set.
    package func eventAction(about id: ByteString?) -> EventAction? {
        configuration.main.template("event_action").map { [log] template in
            EventAction(template, of: "main", expander) { log.panic($0, id: id) }
        }
    }

    /// Writes a line for each old spelling, and one that tells which options have no effect yet; programs that stay call it once.
    package func logNotices() {
        for notice in configuration.notices {
            guard let advice = notice.advice else { continue }
            log.main("\(notice.place.description): \(notice.option) is deprecated: \(advice)")
        }
        let options = configuration.notices.filter(\.isLack).map {
            "\($0.option) (\($0.place.description))" as ByteString
        }
        guard !options.isEmpty else { return }
        let list = options.joined(separator: ", ")
        log.main("options that have no effect yet: \(list); \"bobbin config check\" explains")
    }

    private static func refuseDecisive(_ configuration: Configuration) throws(StartError) {
        let decisive = configuration.notices.filter(\.isDecisive)
        guard let first = decisive.first else { return }
        let others = decisive.dropFirst().map { "\($0.place): \($0.option)" }
        throw StartError(
            """
            \(first.place): "\(first.option)" could change where mail goes or who gets in, and is not supported yet; \
            take it out to start\(others.isEmpty ? "" : " (also \(others.joined(separator: ", ")))")
            """)
    }
}
