import Bytes
import Configuration
import DNS
import Expansion
import OpenSSL
import Routing
import SMTP

/// Where a TLS session is to begin, for options that depend on it.
struct TLSPlace: Sendable {
    var host: RouteHost
    var port: Int
    /// They know the host as `$host` and `$host_address`.
    var facts: Facts
    var routing: RoutingEnvironment
    /// `openssl_options`.
    var options: TLSOptions
    var isCallout = false
}

/// Why a host is not even connected to: DANE is wanted, and the DNS does not have what it needs.
struct DANERefusal: Sendable, Hashable {
    /// In Exim's words.
    var text: ByteString
    /// Whether another time would not help (`hosts_require_dane`, and nothing that could be verified with).
    var isPermanent: Bool
    /// `$event_data` of `dane:fail`.
    var result: DANEResult
}

/// Why DANE keeps us from a host: result types of TLS reports (RFC 8460, section 4.3).
enum DANEResult: ByteString, Sendable, Hashable {
    case required = "dane-required"
    case invalidAnswer = "dnssec-invalid"
    case validationFailure = "validation-failure"
    case noSTARTTLS = "starttls-not-supported"

    /// What a TLS trouble with a server comes to that the DNS says to speak TLS.
    static func of(_ text: ByteString) -> DANEResult {
        text == TLSTexts.missing(isOffered: false) ? .noSTARTTLS : .validationFailure
    }

    /// The line for the log about a session that has not come about.
    static func failureText(of host: ByteString, _ reason: ByteString) -> ByteString {
        let prefix = TLSOffer.prefix
        let bare = reason.starts(with: prefix) ? ByteString(reason.dropFirst(prefix.count)) : reason
        return "DANE attempt failed; TLS connection to \(host): \(bare)"
    }
}

/// What DANE makes of a host, before a connection is made.
enum DANEFinding: Sendable {
    /// It does not bear on this host; a line for the log may say why.
    case none(ByteString?)
    case demanded(TLSADemand)
    /// There is TLS, as the server says by its records, but none of them is of use (RFC 7672, section 2.2): nothing goes in
    /// clear text, and the ordinary options verify. With the name that has the records.
    case encrypted(ByteString)
    /// With a line for the log that says more.
    case refused(DANERefusal, ByteString?)
}

/// The options of the smtp transport that DANE has (manual, section 43.18).
struct DANEOptions: Sendable {
    private let tried: ListText?
    private let required: ListText?
    /// `dane_require_tls_ciphers`.
    let ciphers: Template?

    init(_ block: OptionBlock) {
        tried = block.list("hosts_try_dane")
        required = block.list("hosts_require_dane")
        ciphers = block.template("dane_require_tls_ciphers")
    }

    /// Whether some host may be verified by DANE.
    var mayApply: Bool { required != nil || tried.map { !$0.template.source.trimmed().isEmpty } ?? true }

    /// Looks for TLSA records, where the options want it and the host's addresses were validated.
    func finding(for place: TLSPlace, _ lists: HostLists) async -> DANEFinding {
        let isRequired = await lists.mayHave(required)
        guard place.host.isSecure else {
            return isRequired ? await unvalidated(place) : .none(nil)
        }
        if !isRequired {
            guard await lists.mayHave(tried, otherwise: true) else { return .none(nil) }
        }
        let host = place.host
        let names = host.names.isEmpty ? [host.name] : host.names
        switch await HostLookup(place.routing.resolver).associations(of: names, port: place.port) {
        case .found(let base, let records):
            let demand = Self.demand(place.host, base: base, among: names, records)
            return isRequired || demand.usages != 0 ? .demanded(demand) : .encrypted(base)
        case .none(let isInsecure):
            let note: ByteString? =
                isInsecure ? "DANE error: TLSA lookup for \(host.name) not DNSSEC" : nil
            guard isRequired else { return .none(note) }
            return .refused(
                DANERefusal(text: "DANE error: tlsa lookup FAIL", isPermanent: true, result: .required), note)
        case .deferred(let reason):
            return .refused(
                DANERefusal(
                    text: "DANE error: tlsa lookup DEFER", isPermanent: false,
                    result: isRequired ? .required : .invalidAnswer), "DANE: \(reason)")
        }
    }

    /// A host of `hosts_require_dane` whose addresses were not validated; mail waits where that may be otherwise soon.
    private func unvalidated(_ place: TLSPlace) async -> DANEFinding {
        let (host, resolver) = (place.host, place.routing.resolver)
        var answers = [await resolver.lookup(host.names.last ?? host.name, .a)]
        if let domain = host.mailDomain { answers.append(await resolver.lookup(domain, .mx)) }
        // What is validated by now was not when the host was found.
        let mayChange =
            answers.contains(where: \.mayBeOtherwise)
            || host.wasToBeSecure && answers.allSatisfy(\.secure)
        return .refused(
            DANERefusal(
                text: "DANE error: \(place.host.name) lookup not DNSSEC", isPermanent: !mayChange,
                result: .required), nil)
    }

    private static func demand(
        _ host: RouteHost, base: ByteString, among names: [ByteString], _ records: [TLSARecord]
    ) -> TLSADemand {
        // The same records are the same demand, in whatever order they come.
        let sorted = records.sorted {
            let (one, other) = (
                ($0.usage, $0.selector, $0.matching), ($1.usage, $1.selector, $1.matching)
            )
            return one == other
                ? $0.association.lexicographicallyPrecedes($1.association) : one < other
        }
        var demand = TLSADemand(
            base: base,
            records: sorted.map {
                TLSAssociation(
                    usage: $0.usage, selector: $0.selector, matching: $0.matching, data: $0.association)
            })
        // RFC 7672, section 3.2.3: MX records lead there, which were validated; so their domain's own name will do.
        demand.otherNames = (names + (host.mailDomain.map { [$0] } ?? [])).filter {
            !$0.equalsIgnoringCase(base)
        }
        return demand
    }
}

extension DNSAnswer {
    /// Whether the trouble may be over in a minute.
    fileprivate var mayBeOtherwise: Bool {
        if case .tryAgain = outcome { return true }
        return isUnvalidated
    }
}
