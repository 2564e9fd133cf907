package import Bytes

/// What a receiver learnt about one message: one record of a DMARC history file.
///
/// Domains are in small letters. The three fields `reporter`, `received` and `job` identify the record, as in
/// OpenDMARC's database.
package struct HistoryRecord: Sendable, Hashable {
    /// The message's id at its receiver, 1 to 128 octets.
    package var job: ByteString
    /// The receiver's name.
    package var reporter: ByteString
    /// When the message came, in seconds since 1970, not negative.
    package var received: Int64
    /// The address of the client.
    package var address: IPAddress
    /// The domain of From:.
    package var from: ByteString
    /// The domain of the envelope sender; empty for a bounce.
    package var envelopeDomain = ByteString()
    /// The result of SPF; nil where the writer said nothing.
    package var spf: AuthenticationResult?
    /// The DKIM signatures in the order of their verification.
    package var signatures: [HistorySignature] = []
    /// The domain whose DMARC record was used.
    package var policyDomain: ByteString
    /// How DMARC judged.
    package var outcome: PolicyOutcome
    /// What the domain published.
    package var published = PublishedPolicy()
    /// Whether DKIM passed and is aligned.
    package var alignedDKIM: Alignment = .unknown
    /// Whether SPF passed and is aligned.
    package var alignedSPF: Alignment = .unknown
    /// What was done with the message.
    package var action: Disposition
    /// What the ARC chain told; nil where the writer knows no ARC.
    package var arc: ARCHistory?
    /// Lines with keys that nobody knows; they are passed over.
    package var unknownLines = 0

    /// Makes a record of its obligatory parts.
    package init(
        job: ByteString, reporter: ByteString, received: Int64, address: IPAddress, from: ByteString,
        outcome: PolicyOutcome, action: Disposition
    ) {
        self.job = job
        self.reporter = reporter
        self.received = received
        self.address = address
        self.from = from
        policyDomain = from
        self.outcome = outcome
        self.action = action
    }
}

/// One DKIM signature of a history record.
package struct HistorySignature: Sendable, Hashable {
    /// The signing domain (`d=`).
    package var domain: ByteString
    /// The selector (`s=`); nil where the writer did not tell.
    package var selector: ByteString?
    /// The result.
    package var result: AuthenticationResult

    /// Makes a signature.
    package init(domain: ByteString, selector: ByteString?, result: AuthenticationResult) {
        self.domain = domain
        self.selector = selector
        self.result = result
    }
}

/// What a domain published in its DMARC record.
package struct PublishedPolicy: Sendable, Hashable {
    /// The addresses of `rua=`, exactly as published (`mailto:a@x.example!10m`).
    package var reportAddresses: [ByteString] = []
    /// `pct=`, 0 to 100.
    package var percent = 100
    /// `adkim=`; nil when unset.
    package var dkimMode: AlignmentMode?
    /// `aspf=`; nil when unset.
    package var spfMode: AlignmentMode?
    /// `p=`; nil when unset.
    package var policy: RequestedPolicy?
    /// `sp=`; nil when unset.
    package var subdomainPolicy: RequestedPolicy?

    /// Makes a policy with nothing set.
    package init() {}
}

/// What the ARC chain of a message told.
package struct ARCHistory: Sendable, Hashable {
    /// The chain's result.
    package var result: AuthenticationResult
    /// Whether ARC changed the judgement: 0 passed, 1 unused, 2 failed; nil where the writer garbled it.
    package var policy: Int?
    /// The seals, newest first.
    package var seals: [ARCSeal] = []

    /// Makes the data of a chain.
    package init(result: AuthenticationResult, policy: Int?, seals: [ARCSeal] = []) {
        self.result = result
        self.policy = policy
        self.seals = seals
    }
}

/// One ARC seal of a history record.
package struct ARCSeal: Sendable, Hashable {
    /// The instance (`i=`), 1 to 50.
    package var instance: Int
    /// The sealing domain (`d=`).
    package var domain: ByteString
    /// The selector (`s=`).
    package var selector: ByteString
    /// The client's address as the sealer saw it; empty when not known.
    package var address: ByteString

    /// Makes a seal.
    package init(instance: Int, domain: ByteString, selector: ByteString, address: ByteString) {
        self.instance = instance
        self.domain = domain
        self.selector = selector
        self.address = address
    }
}

extension HistoryRecord {
    /// The record's lines in the form that every OpenDMARC importer reads: all keys, `json:` with curly brackets,
    /// `action` last.
    package var text: ByteString {
        var text: ByteString = "job \(job)\nreporter \(reporter)\nreceived \(received)\n"
        text += "ipaddr \(address.text)\nfrom \(from)\nmfrom \(envelopeDomain)\n" as ByteString
        text += "spf \((spf ?? .unknown).rawValue)\n" as ByteString
        for signature in signatures {
            text +=
                "dkim \(signature.domain) \(signature.selector ?? "-") \(signature.result.rawValue)\n"
                as ByteString
        }
        text += "pdomain \(policyDomain)\npolicy \(outcome.rawValue)\n" as ByteString
        text += published.lines
        text += "align_dkim \(alignedDKIM.rawValue)\nalign_spf \(alignedSPF.rawValue)\n" as ByteString
        text += (arc ?? ARCHistory(result: .unknown, policy: 1)).lines
        text += "action \(action.rawValue)\n" as ByteString
        return text
    }
}

extension PublishedPolicy {
    /// The lines from `rua` to `sp`.
    fileprivate var lines: ByteString {
        var text = ByteString()
        for address in reportAddresses.isEmpty ? ["-"] : reportAddresses {
            text += "rua \(address)\n" as ByteString
        }
        text +=
            "pct \(percent)\nadkim \(dkimMode?.rawValue ?? 0)\naspf \(spfMode?.rawValue ?? 0)\n" as ByteString
        text += "p \(policy?.rawValue ?? 0)\nsp \(subdomainPolicy?.rawValue ?? 0)\n" as ByteString
        return text
    }
}

extension ARCHistory {
    /// The lines `arc` and `arc_policy`.
    fileprivate var lines: ByteString {
        let list = seals.map { seal -> ByteString in
            "{ \"i\": \(seal.instance), \"d\":\"\(seal.domain)\", \"s\":\"\(seal.selector)\", \"ip\":\"\(seal.address)\" }"
        }
        return "arc \(result.rawValue)\narc_policy \(policy ?? 1) json:[\(list.joined(separator: ", "))]\n"
    }
}
