package import Bytes
import Expansion
import Lookups
import MailText
package import PolicyChecks

/// Asks the owners of authors' domains (DMARC), and keeps the history of what they said.
package protocol AuthorPolicyService: Sendable {
    /// Checks a message.
    func check(_ question: DMARCQuestion) async -> DMARCVerdict

    /// Adds a message to the history (`dmarc_history_file`), where there is one; gives why it cannot be added.
    func record(_ entry: DMARCEntry) async -> ByteString?
}

/// What the history tells of a message.
package struct DMARCEntry: Sendable {
    /// A DKIM signature.
    package struct Signature: Sendable, Hashable {
        /// `d=`.
        package var domain: ByteString
        /// `s=`.
        package var selector: ByteString
        /// `$dkim_verify_status`.
        package var status: ByteString
    }

    /// The message's id.
    package var id: ByteString
    /// When it came, in seconds since 1970.
    package var received: Int64
    /// The client.
    package var client: IPAddress
    /// The domain of the envelope sender; empty for a bounce.
    package var envelopeDomain: ByteString
    /// `$spf_result`; nil where no `spf` condition was tested.
    package var spf: ByteString?
    /// The signatures in the order of their checks.
    package var signatures: [Signature]
    /// The result.
    package var verdict: DMARCVerdict
}

extension StatementRun {
    /// `dmarc_status`: what the author's domain wants done, found out once for a message, is sought in a list of words.
    func authorPolicy(_ argument: ByteString, _ state: inout ACLState) async -> ClauseResult {
        if state.has("dmarc_disable_verify") { return words(argument, contain: "off") }
        if state.facts.message.dmarc == nil, let service = evaluator.services.authorPolicy,
            let client = state.facts.connection.remoteAddress,
            state.facts.connection.authenticatorName == nil
        {
            let verdict = await service.check(question(state.facts))
            if let problem = verdict.problem { note("DMARC: \(verdict.result.word): \(problem)") }
            state.facts.message.dmarc = DMARCFacts(verdict)
            await record(verdict, client, service, &state)
        }
        return words(argument, contain: state.facts.message.dmarc?.status ?? "none")
    }

    private func words(_ list: ByteString, contain result: ByteString) -> ClauseResult {
        NegatableWords.contain(list) { $0 == result } ? .holds : .fails
    }

    private func question(_ facts: Facts) -> DMARCQuestion {
        let signatures = facts.message.dkim?.signatures ?? []
        // What has expired, or leaves a part of the body open, may have been sent by anybody since.
        let passed = signatures.filter { $0.status == "pass" && !$0.isWeak }
        let spf = facts.message.spf.flatMap { $0.result == "pass" && !$0.isGuessed ? $0.domain : nil }
        var question = DMARCQuestion(
            fromDomains: Self.authors(facts.message.headers), spfDomain: spf,
            signingDomains: passed.compactMap { $0.values["dkim_domain"] })
        question.undecidedSPF = facts.message.spf.flatMap { $0.result == "temperror" ? $0.domain : nil }
        question.undecidedSigners = signatures.filter(\.isUndecided).compactMap { $0.values["dkim_domain"] }
        return question
    }

    /// The domains of all addresses in all From: lines, however a reader of mail may take them; an empty one for each address
    /// without domain, for what is no address, and for a line that has none.
    private static func authors(_ headers: [HeaderText]) -> [ByteString] {
        let rules = AddressRules(
            allowsDomainLiterals: true, stripsExcessAngleBrackets: true, stripsTrailingDot: true,
            allowsUTF8Domains: true)
        return headers.filter { $0.type == UInt8(ascii: "F") }.flatMap { header -> [ByteString] in
            let line = HeaderAddresses(header, rules)
            // Resent-From: is of the same type.
            guard line.name.trimmedEnd().elementsEqual("from".utf8, by: { $0.lowercasedASCII == $1 }) else {
                return []
            }
            guard !line.items.isEmpty else { return [""] }
            return line.items.map { item in
                guard case .success(let parsed) = item.outcome else { return "" }
                return parsed.address.domain ?? ""
            }
        }
    }

    private func record(
        _ verdict: DMARCVerdict, _ client: IPAddress, _ service: any AuthorPolicyService,
        _ state: inout ACLState
    ) async {
        let facts = state.facts.message
        guard verdict.record != nil, let id = facts.id else { return }
        let sender = facts.sender?.cutAtLast(UInt8(ascii: "@"))?.after
        let signatures = (facts.dkim?.signatures ?? []).compactMap { signature -> DMARCEntry.Signature? in
            guard let domain = signature.values["dkim_domain"] else { return nil }
            let selector = signature.values["dkim_selector"] ?? ""
            return DMARCEntry.Signature(domain: domain, selector: selector, status: signature.status)
        }
        let entry = DMARCEntry(
            id: id, received: facts.receivedTime?.seconds ?? 0, client: client,
            envelopeDomain: sender.map { ByteString($0) } ?? "", spf: facts.spf?.result,
            signatures: signatures,
            verdict: verdict)
        if let problem = await service.record(entry) {
            evaluator.log(
                .init(text: "DMARC history not written: \(problem)", targets: [.main, .panic]), &state)
        }
    }
}

/// The lists of `spf` and `dmarc_status`: words from left to right; `!` before a word turns it round.
enum NegatableWords {
    /// Whether one of the words means what is sought.
    static func contain(_ list: ByteString, _ means: (ByteString) -> Bool) -> Bool {
        ListItems(list).contains { item in
            let isNegated = item.first == UInt8(ascii: "!")
            return means(isNegated ? ByteString(item.dropFirst()) : item) != isNegated
        }
    }
}

extension DMARCFacts {
    fileprivate init(_ verdict: DMARCVerdict) {
        self.init(
            status: verdict.result.word, statusText: verdict.result.text, usedDomain: verdict.usedDomain,
            fromDomain: verdict.fromDomain, announced: Self.announced(verdict.result))
        domainPolicy = verdict.policy?.word ?? ""
        isAlignedSPF = verdict.isAlignedSPF
        isAlignedDKIM = verdict.isAlignedDKIM
    }

    private static func announced(_ result: DMARCResult) -> ByteString {
        switch result {
        case .accept: "pass"
        case .reject, .quarantine: "fail"
        // The check failed, or there was nothing to check: no more can be said of either.
        case .none, .norecord: "none"
        case .nofrom, .temperror: "temperror"
        }
    }
}
