package import Bytes

/// Sends the reports that are due: each day, domain and address once.
package struct Reporting: Sendable {
    /// How reports are made.
    package struct Options: Sendable {
        /// Who reports.
        package var organization: ReportingOrganization
        /// Which names people register under: decides which addresses are external; without it, all but equal names.
        package var suffixes: PublicSuffixList?
        /// The most octets of a mail; addresses may want less.
        package var largestMail = 15 << 20
        /// Does everything but hand over and note.
        package var isDryRun = false

        /// Makes options with the usual limits.
        package init(organization: ReportingOrganization) { self.organization = organization }
    }

    /// What the caller does for us.
    package struct Doors: Sendable {
        /// Asks the DNS for the TXT records of a name.
        package var ask: @Sendable (ByteString) async -> ExternalDestination.Answer
        /// Hands a mail to the mail system.
        package var submit: @Sendable (ReportMail) async -> Submission

        /// Makes the doors.
        package init(
            ask: @escaping @Sendable (ByteString) async -> ExternalDestination.Answer,
            submit: @escaping @Sendable (ReportMail) async -> Submission
        ) {
            self.ask = ask
            self.submit = submit
        }
    }

    /// What the mail system said to a mail.
    package enum Submission: Sendable, Hashable {
        /// It has it.
        case accepted
        /// Not now.
        case deferred(ByteString)
        /// Never.
        case refused(ByteString)
    }

    private let store: DMARCStore
    private let options: Options
    private let doors: Doors
    private let now: @Sendable () -> Int64

    /// A reporter.
    package init(
        _ store: DMARCStore, options: Options, doors: Doors, now: @escaping @Sendable () -> Int64
    ) {
        self.store = store
        self.options = options
        self.doors = doors
        self.now = now
    }

    /// Sends one report to all addresses that it has still to go to.
    package func send(_ report: AggregateReport) async throws(DMARCError) -> [ReportOutcome] {
        guard HostText.isHostName(report.domain) else {
            return [outcome(report, "", .refused, "the domain's name cannot stand in a file name")]
        }
        var file: ByteString?
        var outcomes: [ReportOutcome] = []
        var seen: Set<ByteString> = []
        for uri in report.published.reportAddresses.prefix(ReportAddress.mostAddresses)
        where seen.insert(uri).inserted {
            guard try claim(report, uri) else {
                outcomes.append(outcome(report, uri, nil, "done before"))
                continue
            }
            let result = try await send(report, to: uri, &file)
            if !options.isDryRun { try store.note(result, now: now()) }
            outcomes.append(result)
        }
        return outcomes
    }

    private func claim(_ report: AggregateReport, _ uri: ByteString) throws(DMARCError) -> Bool {
        if options.isDryRun { return try !store.isDone(report, uri) }
        return try store.claim(report, uri, now: now())
    }

    private func send(
        _ report: AggregateReport, to uri: ByteString, _ file: inout ByteString?
    ) async throws(DMARCError) -> ReportOutcome {
        let address: ReportAddress
        do throws(ReportAddress.Refusal) {
            address = try ReportAddress(uri)
        } catch {
            return outcome(report, uri, .refused, error.reason)
        }
        switch await verdict(on: address, of: report.domain) {
        case .refused(let reason): return outcome(report, uri, .refused, reason)
        case .deferred(let reason): return outcome(report, uri, .deferred, reason)
        case .allowed(let other):
            if file == nil { file = try report.gzip(of: options.organization, from: store) }
            let packed = file ?? ByteString()
            let route = ReportMail.Route(
                organization: options.organization, recipient: (other ?? address).mailbox, now: now())
            let limit = min(address.limit ?? .max, other?.limit ?? .max, options.largestMail)
            return await submit(ReportMail(report, file: packed, route: route), report, uri, limit: limit)
        }
    }

    private func submit(
        _ mail: ReportMail, _ report: AggregateReport, _ uri: ByteString, limit: Int
    ) async -> ReportOutcome {
        guard mail.message.count <= limit else {
            return outcome(report, uri, .tooLarge, "\(mail.message.count) octets: more than \(limit)")
        }
        if options.isDryRun { return outcome(report, uri, .sent, "\(mail.message.count) octets") }
        switch await doors.submit(mail) {
        case .accepted: return outcome(report, uri, .sent, "\(mail.message.count) octets")
        case .deferred(let reason): return outcome(report, uri, .deferred, reason)
        case .refused(let reason): return outcome(report, uri, .refused, reason)
        }
    }

    private func verdict(
        on address: ReportAddress, of domain: ByteString
    ) async -> ExternalDestination.Verdict {
        if ExternalDestination.isInternal(address, of: domain, options.suffixes) {
            return .allowed(instead: nil)
        }
        let answer = await doors.ask(ExternalDestination.question(for: address, of: domain))
        return ExternalDestination.verdict(answer, for: address, of: domain)
    }

    private func outcome(
        _ report: AggregateReport, _ uri: ByteString, _ state: DeliveryState?, _ detail: ByteString
    ) -> ReportOutcome {
        ReportOutcome(report: report, uri: uri, state: state, detail: detail)
    }
}
