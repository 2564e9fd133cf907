import Bytes
import Lookups
import PolicyChecks

/// `${lookup{ADDRESS}spf{IP}}`: the result of SPF for a sender and a client (manual, section 58.4).
struct SPFLookup: LookupDriver {
    private let checker: SPFChecker

    init(_ checker: SPFChecker) { self.checker = checker }

    var style: LookupStyle { .singleKey }

    /// The word; not found for a client's address that is none, as in Exim.
    func find(_ request: LookupRequest) async -> LookupOutcome {
        guard let client = IPAddress(request.file) else { return .notFound }
        return .found(await checker.check(SPFQuestion(client: client, sender: request.key)).result.word)
    }
}
