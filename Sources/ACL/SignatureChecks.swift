import Bytes
import Configuration
import EximLog
import Expansion
package import PolicyChecks

/// DKIM signatures of a message that has come (manual, section 58.3).
extension ACLEvaluator {
    /// For how many signers the ACL is run; a message whose signatures are all looked at has fewer of its own.
    private static let mostSigners = 100

    /// Checks signatures, and runs `acl_smtp_dkim` for each signer that `dkim_verify_signers` names; gives the first verdict
    /// that is not `accept`.
    ///
    /// What it came to is told in the log and left in the facts; without an ACL that is all.
    package func runDKIM(_ evidence: DKIMEvidence?, _ state: inout ACLState) async -> ACLVerdict {
        let verdicts = await check(evidence, &state)
        guard let option = settings.signatureACL else {
            for verdict in verdicts { log(verdict, verdict.result.logged, &state) }
            return ACLVerdict(.accept)
        }
        if state.facts.message.dkim == nil {
            state.facts.message.dkim = DKIMFacts(signatures: [], signers: "")
        }
        let signers: [ByteString]
        do throws(ExpansionError) {
            let list = try await expander.expand(settings.signers, state.facts).bytes
            signers = ItemList.split(list, separator: UInt8(ascii: ":"))
        } catch {
            if case .forcedFailure = error { return ACLVerdict(.accept) }
            let text: ByteString = "expansion of dkim_verify_signers option failed: \(error.text)"
            log(.init(text: text, targets: [.main, .panic]), &state)
            return .failing(text)
        }
        var statuses: [ByteString] = []
        var seen: Set<ByteString> = []
        for signer in signers where seen.count < Self.mostSigners && seen.insert(signer).inserted {
            for index in Self.indices(of: signer, verdicts) {
                let verdict = await run(option, for: signer, index, verdicts, &state)
                statuses.append(state.facts.message.dkim?.status ?? "")
                guard verdict.decision == .accept else { return verdict }
            }
        }
        state.facts.message.dkim?.status = ByteString(statuses.joined(separator: ":"))
        return ACLVerdict(.accept)
    }

    private func check(_ evidence: DKIMEvidence?, _ state: inout ACLState) async -> [DKIMVerdict] {
        guard let evidence, let verifier = services.dkim else { return [] }
        if let refusal = evidence.refusal {
            let text: ByteString =
                "DKIM: Error during validation, disabling signature verification: \(refusal.word)"
            log(.init(text: "DKIM: validation error: \(refusal.word)", targets: .main), &state)
            log(.init(text: text, targets: .main), &state)
            return []
        }
        let verdicts = await verifier.check(evidence)
        for verdict in verdicts {
            let signature = verdict.signature
            if verdict.result.isKeyImportFailure {
                let name: ByteString = "d=\(signature.domain ?? "") s=\(signature.selector ?? "")"
                log(.init(text: "DKIM: \(name) [failed key import]", targets: .main), &state)
            }
            if let problem = verdict.problem {
                log(.init(text: "DKIM: validation error: \(problem)", targets: .main), &state)
            }
        }
        if !verdicts.isEmpty {
            state.facts.message.dkim = DKIMFacts(verdicts, at: expander.environment.now().seconds)
        }
        return verdicts
    }

    /// The signatures of a signer: an address is compared with identities, another name with domains; a nil where there is none.
    private static func indices(of signer: ByteString, _ verdicts: [DKIMVerdict]) -> [Int?] {
        let isIdentity = signer.contains(UInt8(ascii: "@"))
        let found = verdicts.indices.filter { index in
            let signature = verdicts[index].signature
            return (isIdentity ? signature.identity : signature.domain)?.equalsIgnoringCase(signer) ?? false
        }
        return found.isEmpty ? [nil] : found
    }

    private func run(
        _ option: Template, for signer: ByteString, _ index: Int?, _ verdicts: [DKIMVerdict],
        _ state: inout ACLState
    ) async -> ACLVerdict {
        let result = index.map { verdicts[$0].result } ?? .none
        state.facts.message.dkim?.begin(signer, index, status: result.status, reason: result.reason)
        let verdict = await run(option, at: .dkim, &state)
        state.facts.message.dkim?.end()
        if let index, let facts = state.facts.message.dkim {
            let said: ByteString = facts.isOverridden ? "\(facts.status) - \(facts.reason)" : result.logged
            log(verdicts[index], said, &state)
        }
        return verdict
    }

    private func log(_ verdict: DKIMVerdict, _ ending: ByteString, _ state: inout ACLState) {
        log(.init(text: "\(verdict.logged) [\(ending)]", targets: .main, item: .dkimVerbose), &state)
    }
}

extension StatementRun {
    /// `dkim_signers` and `dkim_status`: whom the ACL is run for, and what was found; behind that ACL any of what was found.
    func signature(_ clause: AccessControlList.Clause, _ state: inout ACLState) async -> ClauseResult {
        let values: [ByteString]
        if clause.name == "dkim_signers" {
            values = [state.facts.message.dkim?.currentSigner ?? ""]
        } else {
            let status = state.facts.message.dkim?.status ?? ""
            values =
                moment == .dkim ? [status] : ItemList.split(status, separator: UInt8(ascii: ":"))
        }
        for value in values {
            let match = await evaluator.expander.matchLocalPart(value, in: clause.list, &state.facts)
            guard case .notMatched = match else { return result(match) }
        }
        return .fails
    }

    /// `set dkim_verify_status` and `set dkim_verify_reason`; false for another variable.
    func setSignatureVerdict(
        _ variable: ByteString, _ value: TaintedBytes, _ state: inout ACLState
    ) -> Bool {
        switch variable {
        case "dkim_verify_status": state.facts.message.dkim?.status = value.bytes
        case "dkim_verify_reason": state.facts.message.dkim?.reason = value.bytes
        default: return false
        }
        state.facts.message.dkim?.isOverridden = true
        return true
    }
}

extension DKIMFacts {
    /// What expansions see of signatures.
    fileprivate init(_ verdicts: [DKIMVerdict], at now: Int64) {
        let signers = verdicts.flatMap { verdict in
            verdict.signature.signers
        }
        self.init(
            signatures: verdicts.map { Signature($0, at: now) },
            signers: ByteString(signers.joined(separator: ":")))
    }

    /// Begins a run of the ACL.
    fileprivate mutating func begin(
        _ signer: ByteString, _ index: Int?, status: ByteString, reason: ByteString
    ) {
        (currentSigner, current) = (signer, index)
        (self.status, self.reason) = (status, reason)
        isOverridden = false
    }

    /// Ends it: what it has set stays with the signature.
    fileprivate mutating func end() {
        guard isOverridden, let current else { return }
        signatures[current].status = status
        signatures[current].reason = reason
        signatures[current].isOverridden = true
    }
}

extension DKIMFacts.Signature {
    fileprivate init(_ verdict: DKIMVerdict, at now: Int64) {
        let signature = verdict.signature
        self.init(status: verdict.result.status, reason: verdict.result.reason)
        announced = verdict.result.announced(keyBits: verdict.keyBits)
        (isUndecided, isWeak) = (verdict.isUndecided, verdict.isWeak(at: now))
        values = [
            "dkim_algo": signature.algorithm.word, "dkim_canon_body": signature.bodyForm.word,
            "dkim_canon_headers": signature.headerForm.word,
            "dkim_headernames": ByteString(signature.headerNames.joined(separator: ":")),
        ]
        values["dkim_domain"] = signature.domain
        values["dkim_identity"] = signature.identity
        values["dkim_selector"] = signature.selector
        values["dkim_copiedheaders"] = signature.copiedHeaders
        values["dkim_bodylength"] = signature.bodyLength.map { "\($0)" }
        values["dkim_created"] = signature.created.map { "\($0)" }
        values["dkim_expires"] = signature.expires.map { "\($0)" }
        if verdict.keyBits > 0 { values["dkim_key_length"] = "\(verdict.keyBits)" }
        guard let record = verdict.record else { return }
        values["dkim_key_testing"] = record.isTesting ? "1" : "0"
        values["dkim_key_nosubdomains"] = record.forbidsSubdomains ? "1" : "0"
        values["dkim_key_srvtype"] = record.service
        values["dkim_key_granularity"] = record.granularity
        values["dkim_key_notes"] = record.notes
    }
}
