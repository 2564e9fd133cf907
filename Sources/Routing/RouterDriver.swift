import Bytes
import Configuration
import Expansion
import MailText

/// A router instance: generic options and its driver's own.
struct Router: Sendable {
    /// What a router does once its preconditions hold.
    enum Driver: Sendable {
        case accept
        case dnslookup(DNSLookupRouter)
        case ipliteral(IPLiteralRouter)
        case manualroute(ManualRouteRouter)
        case queryprogram(QueryProgramRouter)
        case redirect(RedirectRouter)
        /// Known to Exim, not done here: what comes to it is deferred.
        case unavailable(ByteString)
    }

    let options: RouterOptions
    let driver: Driver

    init(_ block: OptionBlock) throws(RoutingConfigurationError) {
        options = try RouterOptions(block)
        switch block.driver {
        case "accept": driver = .accept
        case "dnslookup": driver = .dnslookup(DNSLookupRouter(block))
        case "ipliteral": driver = .ipliteral(IPLiteralRouter())
        case "manualroute": driver = .manualroute(try ManualRouteRouter(block))
        case "queryprogram": driver = .queryprogram(try QueryProgramRouter(block))
        case "redirect": driver = .redirect(try RedirectRouter(block))
        default: driver = .unavailable(block.driver)
        }
    }
}

/// What a driver answers.
enum DriverAnswer {
    /// A transport with these hosts; the transport is the router's unless given.
    case accepted(hosts: [RouteHost], transport: ByteString?)
    /// Other addresses, pipes, files.
    case redirected([RedirectedItem])
    /// The same, and the address goes on to the next router too: a filter without a significant delivery.
    case added([RedirectedItem])
    /// Failed for good or for now, but these are delivered all the same.
    case stopped(RoutingVerdict, besides: [RedirectedItem])
    /// A filter has thrown it away.
    case finished
    /// Thrown away.
    case discarded
    /// Not mine; what to say if nobody else takes it.
    case declined(ByteString?)
    /// Not mine, and the next router shall look whatever `more` says.
    case passed
    /// Failed for good.
    case failed(RoutingTrouble)
    /// The domain is changed and routing starts anew (`self = reroute`, or a domain that was not whole), perhaps in the
    /// message's header lines too.
    case rerouted(domain: ByteString, rewritesHeaders: Bool)

    /// What the router does, for people.
    var words: ByteString {
        switch self {
        case .accepted(let hosts, let transport):
            let to: ByteString = hosts.isEmpty ? "" : " for \(hosts.map(\.name).joined(separator: ", "))"
            return "accepts\(to)\(transport.map { ", transport \($0)" as ByteString } ?? "")"
        case .redirected(let items): return "redirects to \(items.count) item\(items.count == 1 ? "" : "s")"
        case .added(let items):
            return "adds \(items.count) item\(items.count == 1 ? "" : "s"), and passes the address on"
        case .stopped(.failed(let trouble), _): return "fails: \(trouble.text)"
        case .stopped(.deferred(let trouble), _): return "defers: \(trouble.text)"
        case .stopped: return "stops"
        case .finished: return "finishes: its filter is done with the address"
        case .discarded: return "discards"
        case .declined(let text): return "declines\(text.map { ": \($0)" as ByteString } ?? "")"
        case .passed: return "passes on"
        case .failed(let trouble): return "fails: \(trouble.text)"
        case .rerouted(let domain, _): return "routes again with the domain \(domain)"
        }
    }

    /// Whether the router takes the address, and does not refuse it.
    var takesAddress: Bool {
        switch self {
        case .accepted, .redirected, .added, .finished, .discarded, .rerouted: true
        case .declined, .passed, .failed, .stopped: false
        }
    }
}

/// One router at work on one address.
struct RoutingScene: Sendable {
    let options: RouterOptions
    let environment: RoutingEnvironment
    let purpose: RoutingPurpose
    /// All that expansions see.
    var facts: Facts
    var address: RoutingAddress
    /// As it came, with affixes and letters.
    let fullLocalPart: ByteString
    /// Without affixes, letters as they came.
    var casedLocalPart: ByteString
    /// Without affixes and quotes, small letters unless the router is caseful.
    var localPart: ByteString
    let domain: ByteString
    var account: SystemUser?
    var home: TaintedBytes?
    var logLines: [RoutingLogLine] = []
    /// Why the router was passed over.
    var skipReason = ByteString()
    var mistakes: [RedirectionMistakes] = []
    /// Tells of an `errors_to` address whether it can be routed; it is not asked while something is verified.
    var isRouteable: @Sendable (ByteString) async -> Bool = { _ in true }

    init(
        _ router: Router, _ address: RoutingAddress, facts: Facts, purpose: RoutingPurpose,
        environment: RoutingEnvironment
    ) {
        options = router.options
        self.environment = environment
        self.purpose = purpose
        self.address = address
        let parts = AddressParts(address.address)
        fullLocalPart = parts.localPart
        casedLocalPart = parts.localPart
        let meant = parts.localPart.unquotedLocalPart
        localPart = options.isCaseful ? meant : meant.lowercasedASCII()
        domain = parts.domain.lowercasedASCII()
        self.facts = facts
        setAddressFacts()
    }

    var expander: Expander { environment.expander }

    /// Expands an option; forced failure gives nil, other failures defer with `what` before the reason.
    mutating func expand(
        _ template: Template, failing what: @autoclosure () -> ByteString
    ) async throws(RoutingTrouble) -> TaintedBytes? {
        do {
            return try await expander.expand(template, facts)
        } catch {
            if case .forcedFailure = error { return nil }
            throw RoutingTrouble("\(what()): \(error.text)")
        }
    }

    mutating func log(_ text: ByteString, isPanic: Bool = false) {
        logLines.append(RoutingLogLine(text, isPanic: isPanic))
    }

    private mutating func setAddressFacts() {
        var known = facts.address
        known.localPart = TaintedBytes(localPart, address.taint)
        known.domain = TaintedBytes(domain, address.taint)
        known.localPartData = nil
        known.domainData = nil
        known.routerName = options.name
        known.addressData = address.addressData
        known.routerVariables = address.variables
        known.selfHostName = address.selfHostName
        known.home = nil
        let top = AddressParts(address.top)
        known.originalLocalPart = TaintedBytes(
            options.isCaseful ? top.localPart : top.localPart.lowercasedASCII(), .tainted)
        known.originalDomain = TaintedBytes(top.domain.lowercasedASCII(), .tainted)
        if let parent = address.parent.map({ AddressParts($0) }) {
            known.parentLocalPart = TaintedBytes(parent.localPart.lowercasedASCII(), .tainted)
            known.parentDomain = TaintedBytes(parent.domain.lowercasedASCII(), .tainted)
        }
        switch purpose {
        case .verifySender: known.verifyMode = "S"
        case .verifyRecipient: known.verifyMode = "R"
        case .delivery, .addressTest, .expand: break
        }
        facts.address = known
    }
}
