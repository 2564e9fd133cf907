package import Bytes
package import DNS
package import OpenSSL

/// Which signatures are checked (manual, section 58.3).
package struct DKIMRules: Sendable, Hashable {
    /// `dkim_verify_hashes`: others are passed over; the order is that of the checks.
    package var hashes: [DKIMAlgorithm.Hash] = [.sha256, .sha512]
    /// `dkim_verify_keytypes`, likewise.
    package var types: [KeyType] = [.ed25519, .rsa]
    /// `dkim_verify_min_keysizes`, in bits.
    package var smallestKeys: [KeyType: Int] = [.rsa: 1024, .ed25519: 250]
    /// `dkim_verify_minimal`: whether checking ends with the first good one.
    package var endsWithFirst = false

    /// Exim's defaults.
    package init() {}

    /// The signatures that count, in the order of their checks: by key type, then by hash, then from the top.
    func sorted(_ signatures: [DKIMSignature]) -> [DKIMSignature] {
        types.flatMap { type in
            hashes.flatMap { hash in
                signatures.filter { $0.algorithm.type == type && $0.algorithm.hash == hash }
            }
        }
    }
}

/// Checks signatures by the keys that their domains publish.
package struct DKIMVerifier: Sendable {
    private let resolver: any NameResolver
    private let rules: DKIMRules
    private let timeLimit: Duration

    /// How long keys are asked for, for a whole message.
    package static let usualTimeLimit = Duration.seconds(60)

    /// Makes a verifier; what is left of a message's signatures when the time is over has no key.
    package init(
        _ resolver: any NameResolver, _ rules: DKIMRules = DKIMRules(),
        timeLimit: Duration = DKIMVerifier.usualTimeLimit
    ) {
        self.resolver = resolver
        self.rules = rules
        self.timeLimit = timeLimit
    }

    /// Checks a message's signatures: a verdict for each that counts, in the order of the checks.
    package func check(_ evidence: DKIMEvidence) async -> [DKIMVerdict] {
        var verdicts: [DKIMVerdict] = []
        var isOver = false
        let end = ContinuousClock.now + timeLimit
        for signature in rules.sorted(evidence.signatures) {
            let verdict = isOver ? DKIMVerdict(signature) : await check(signature, evidence, until: end)
            isOver = isOver || (rules.endsWithFirst && verdict.result == .pass)
            verdicts.append(verdict)
        }
        return verdicts
    }

    private func check(
        _ signature: DKIMSignature, _ evidence: DKIMEvidence, until end: ContinuousClock.Instant
    ) async -> DKIMVerdict {
        switch signature.fault {
        case .tags: return DKIMVerdict(signature, .tags)
        case .version: return DKIMVerdict(signature, .version)
        case nil: break
        }
        guard evidence.bodyHashes[signature.request] == signature.bodyHash else {
            return DKIMVerdict(signature, .bodyHashMismatch)
        }
        var verdict = DKIMVerdict(signature)
        verdict.isBodyCut = evidence.cutBodies.contains(signature.request)
        switch await record(of: signature, until: end) {
        case .success(let record):
            verdict.record = record
            judge(&verdict, record, evidence.headers)
        case .failure(let missing):
            verdict.result = missing.result
            verdict.isUndecided = missing.isUndecided
        }
        return verdict
    }

    private struct Missing: Error {
        let result: DKIMResult
        var isUndecided = false
    }

    private func record(
        of signature: DKIMSignature, until end: ContinuousClock.Instant
    ) async -> Result<DKIMKeyRecord, Missing> {
        let undecided = Missing(result: .keyUnavailable, isUndecided: true)
        guard ContinuousClock.now < end else { return .failure(undecided) }
        let name: ByteString = "\(signature.selector ?? "")._domainkey.\(signature.domain ?? "")"
        let answer = await resolver.lookup(name, .txt)
        switch answer.outcome {
        case .tryAgain, .failed: return .failure(undecided)
        case .records, .noData, .noSuchDomain: break
        }
        let texts = answer.records.compactMap { record -> ByteString? in
            if case .text(let strings) = record.data {
                ByteString(strings.joined(separator: ""))
            } else {
                nil
            }
        }
        guard let text = DKIMKeyRecord.text(of: texts) else {
            return .failure(Missing(result: .keyUnavailable))
        }
        guard text.count < DKIMKeyRecord.longest else { return .failure(Missing(result: .keyOverlong)) }
        guard let record = DKIMKeyRecord(text) else { return .failure(Missing(result: .recordSyntax)) }
        return .success(record)
    }

    private func judge(_ verdict: inout DKIMVerdict, _ record: DKIMKeyRecord, _ headers: [ByteString]) {
        let signature = verdict.signature
        let algorithm = signature.algorithm
        verdict.result = .keySyntax
        do throws(OpenSSLError) {
            let key =
                algorithm.type == .rsa
                ? try PublicKey(rsa: record.key) : try PublicKey(ed25519: record.key)
            verdict.keyBits = key.bits
            guard record.allows(algorithm.hash) else {
                verdict.result = .hashNotAllowed
                return
            }
            guard !(record.forbidsSubdomains && signature.isOfSubdomain) else {
                verdict.result = .identityNotAllowed
                return
            }
            verdict.result = .signatureIncorrect
            let octets = try algorithm.signed(signature.signedOctets(headers))
            try key.check(signature.signature, of: octets, algorithm.hash.digest)
            verdict.result = key.bits < rules.smallestKeys[algorithm.type] ?? 0 ? .keyTooShort : .pass
        } catch {
            // Libcrypto's words for what no key can be read of differ from release to release.
            verdict.problem = verdict.result == .keySyntax ? "the public key cannot be read" : error.reason
        }
    }
}
