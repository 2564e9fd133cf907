import ACL
package import Bytes
import Configuration
import DNS
import EximLog
import Expansion
import Glibc
import Lookups
import Routing
import Spooler
import Synchronization

/// Gives expansions their answers: constants, named lists, lookups, the resolver.
struct EnvironmentFilling {
    let configuration: Configuration
    let settings: Settings
    let resolver: any NameResolver
    let log: EximLogWriter
    let variables: ProcessEnvironment
    let aclServices: ACLServices
    let callouts: Callouts

    /// What can be told before anything is expanded.
    static func constants(_ configuration: Configuration, _ variables: ProcessEnvironment) -> Environment {
        var environment = Environment()
        let main = configuration.main
        let host = main.text("primary_hostname") ?? machineName()
        environment.settings.primaryHostName = host
        environment.settings.qualifyDomain = main.text("qualify_domain") ?? host
        environment.settings.qualifyRecipient =
            main.text("qualify_recipient") ?? environment.settings.qualifyDomain
        environment.settings.configFile = configuration.file
        environment.settings.messageBodyVisible = Int(main.number("message_body_visible") ?? 500)
        environment.settings.strictACLVariables = main.flag("strict_acl_vars") ?? false
        environment.settings.messageBodyNewlines = main.flag("message_body_newlines") ?? false
        environment.settings.stripExcessAngleBrackets = main.flag("strip_excess_angle_brackets") ?? false
        environment.settings.allowDomainLiterals = main.flag("allow_domain_literals") ?? false
        environment.settings.headersCharset =
            main.text("headers_charset") ?? environment.settings.headersCharset
        environment.settings.checkRFC2047Length = main.flag("check_rfc2047_length") ?? true
        environment.settings.printTopBitChars = main.flag("print_topbitchars") ?? false
        environment.settings.bounceReturnSizeLimit = Int(main.bounceReturnSizeLimit)
        environment.settings.spfGuess = main.text("spf_guess") ?? environment.settings.spfGuess
        if ProcessZone(main) == .utc {
            environment.zoneOffset = { _ in 0 }
            environment.zoneName = { _ in "GMT" }
        }
        environment.namedLists = configuration.namedLists
        environment.processEnvironment = { variables[$0] }
        return environment
    }

    func environment() -> Environment {
        var environment = Self.constants(configuration, variables)
        environment.settings.spoolDirectory = settings.spool.directory
        environment.settings.localhostNumber = settings.localhostNumber
        environment.settings.showsPortInHostText = settings.logSelector.has(.incomingPort)
        environment.settings.showsInterface = settings.logSelector.has(.incomingInterface)
        if let owner = settings.owner {
            environment.settings.eximUID = Int(owner.uid)
            environment.settings.eximGID = Int(owner.gid)
        } else {
            environment.settings.eximUID = Int(geteuid())
            environment.settings.eximGID = Int(getegid())
        }
        let lookup = HostLookup(resolver)
        let searchLimit = Int(clamping: configuration.main.number("dns_csa_search_limit") ?? 5)
        environment.lookups = LookupDrivers.standard(resolver: resolver, csaSearchLimit: searchLimit)
            .adding(SQLiteSearch(settings.sqlite), as: "sqlite")
            .adding(
                RedisSearch(servers: configuration.main.text("redis_servers") ?? ""), as: "redis"
            )
            .adding(
                PostgresSearch(servers: configuration.main.text("pgsql_servers") ?? ""), as: "pgsql")
        if let checker = aclServices.spf {
            environment.lookups = environment.lookups.adding(SPFLookup(checker), as: "spf")
        }
        let interfaces = LocalInterfaces.remembered()
        let further = ItemList.split(
            configuration.main.text("extra_local_interfaces"), separator: UInt8(ascii: ":")
        )
        .compactMap { IPAddress($0) }
        environment.localInterfaces = { interfaces() + further }
        environment.namesOfAddress = HostNames(configuration.main, lookup).find
        environment.addressesOfHost = { await Self.addresses(of: $0, lookup) }
        environment.mailExchangers = { await Self.exchangers(of: $0, lookup) }
        let assignments = variables.assignments
        environment.runProgram = { await ProgramRunning.run($0, environment: assignments) }
        environment.readSocket = { await SocketReading.ask($0) }
        environment.openSocket = { await SocketReading.open($0) }
        let log = log
        if settings.logSelector.has(.unknownInList) { environment.noteUnknown = { log.main($0) } }
        if settings.logSelector.has(.hostLookupFailed) { environment.noteNameless = { log.main($0, id: $1) } }
        environment.callACL = aclRunner()
        let spool = settings.spool
        environment.queueSize = { (try? spool.count()) ?? 0 }
        return environment
    }

    /// Runs the ACLs that expansions name; what they write goes to the main log.
    ///
    /// The routers that `verify =` wants are made when it comes to that, with the expander that asks.
    private func aclRunner() -> @Sendable (ACLCall) async -> ACLCallResult {
        let (configuration, settings, resolver, log) = (configuration, settings, resolver, log)
        let (services, callouts) = (aclServices, callouts)
        return { call in
            let filling = RoutingFilling(
                configuration: configuration, settings: settings, expander: call.expander, resolver: resolver)
            let verifier = RoutingVerifier(
                callouts: callouts, rewriter: { filling.rewriter() },
                router: { () throws(StartError) -> AddressRouter in try filling.router(filling.rewriter()) })
            let evaluator = ACLEvaluator(
                configuration, expander: call.expander, verifier: verifier, services: services)
            let id = call.facts.message.id
            let (result, lines) = await evaluator.answer(call)
            for line in lines where line.item.map(log.selector.has) ?? true {
                log.main(line.text.shown(by: log.selector, tabPrints: true), id: id)
            }
            return result
        }
    }

    private static func addresses(of name: ByteString, _ lookup: HostLookup) async -> AddressLookup {
        switch await lookup.addresses(of: name) {
        case .addresses(let addresses, _, _): .found(addresses)
        case .none: .notFound
        case .deferred(let reason): .deferred(reason)
        }
    }

    private static func exchangers(of domain: ByteString, _ lookup: HostLookup) async -> MailExchangerLookup {
        var random = SystemRandomNumberGenerator()
        switch await lookup.mailHosts(of: domain, random: &random) {
        case .hosts(let found):
            return .found(
                found.hosts.map { host in
                    let preference = host.preference.map { Int($0) } ?? -1
                    return MailExchanger(preference: preference, name: host.name, addresses: host.addresses)
                })
        case .deferred(let reason): return .deferred(reason)
        default: return .notFound
        }
    }

    /// The machine's full name: `uname`, made whole by the resolver's canonical name when it has no dot.
    private static func machineName() -> ByteString {
        let node = MachineName.node
        if node.contains(UInt8(ascii: ".")) { return node }
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_CANONNAME
        var result: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(node.string, nil, &hints, &result) == 0, let first = unsafe result
        else { return node }
        defer { unsafe freeaddrinfo(first) }
        guard let canonical = unsafe first.pointee.ai_canonname else { return node }
        return unsafe ByteString(String(cString: canonical))
    }
}

/// What the machine is called.
enum MachineName {
    /// The name that `uname` gives.
    static var node: ByteString {
        var name = utsname()
        guard unsafe uname(&name) == 0 else { return "localhost" }
        return unsafe withUnsafeBytes(of: name.nodename) { unsafe ByteString($0.prefix { $0 != 0 }) }
    }
}

/// Our own addresses.
package enum LocalInterfaces {
    /// How long the addresses are remembered, in seconds: every routing asks for them.
    static let memory = 5

    /// A function that gives the addresses and asks the system for them now and then.
    static func remembered() -> @Sendable () -> [IPAddress] {
        let known = Mutex<(addresses: [IPAddress], until: ContinuousClock.Instant)?>(nil)
        return {
            known.withLock { known in
                let now = ContinuousClock.now
                if let known, now < known.until { return known.addresses }
                let addresses = addresses()
                known = (addresses, now + .seconds(memory))
                return addresses
            }
        }
    }

    /// The addresses of all interfaces, each once.
    package static func addresses() -> [IPAddress] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&list) == 0 else { return [] }
        defer { unsafe freeifaddrs(list) }
        var found: [IPAddress] = []
        var entry = unsafe list
        while let current = unsafe entry {
            if let socket = unsafe current.pointee.ifa_addr, let address = unsafe ip(socket),
                !found.contains(address)
            {
                found.append(address)
            }
            unsafe entry = current.pointee.ifa_next
        }
        return found
    }

    static func ip(_ socket: UnsafeMutablePointer<sockaddr>?) -> IPAddress? {
        guard let socket = unsafe socket else { return nil }
        switch unsafe CInt(socket.pointee.sa_family) {
        case AF_INET:
            return unsafe socket.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                unsafe withUnsafeBytes(of: pointer.pointee.sin_addr) { unsafe IPAddress(octets: Array($0)) }
            }
        case AF_INET6:
            return unsafe socket.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                unsafe withUnsafeBytes(of: pointer.pointee.sin6_addr) { unsafe IPAddress(octets: Array($0)) }
            }
        default: return nil
        }
    }
}
