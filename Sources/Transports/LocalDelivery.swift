import Glibc

/// What a process of another user is asked to do.
package enum LocalWork: Sendable, Hashable {
    /// Write to a mailbox or directory.
    case file(LocalOrder)
    /// Speak LMTP to a local socket or a command.
    case lmtp(LMTPOrder)
    /// Give the message to a command.
    case pipe(PipeOrder)
    /// See to the files of an automatic reply.
    case reply(ReplyOrder)
    /// Add a line to a file.
    case append(AppendOrder)
}

/// What came of it: a verdict for each address, or one for all.
package struct LocalReport: Sendable, Hashable {
    /// The verdicts; never empty.
    package internal(set) var verdicts: [TransportVerdict]
    /// How a command ended, where there is no verdict yet: that depends on the transport's options.
    package internal(set) var ending: PipeEnding?
    /// What was found before an automatic reply is sent.
    package internal(set) var findings: ReplyFindings?
    /// What a delivery to a mailbox found.
    package internal(set) var mailbox: MailboxFindings?

    /// One verdict for all addresses.
    package init(_ verdict: TransportVerdict) { verdicts = [verdict] }

    /// How a command ended.
    package init(_ ending: PipeEnding) {
        self.init(.delivered(confirmation: nil))
        self.ending = ending
    }

    /// What was found.
    package init(_ findings: ReplyFindings) {
        self.init(.delivered(confirmation: nil))
        self.findings = findings
    }

    /// What came of a delivery to a mailbox.
    package init(mailbox outcome: LocalOutcome) {
        switch outcome {
        case .delivered: self.init(.delivered(confirmation: nil))
        case .deferred(let trouble): self.init(.deferred(trouble))
        case .found(let findings):
            self.init(.delivered(confirmation: nil))
            mailbox = findings
        }
    }

    /// A verdict for each address; nil when there is none.
    package init?(_ verdicts: [TransportVerdict]) {
        guard !verdicts.isEmpty else { return nil }
        self.verdicts = verdicts
    }

    /// The verdict for an address, by its place.
    package func verdict(_ index: Int) -> TransportVerdict {
        verdicts.indices.contains(index) ? verdicts[index] : verdicts[0]
    }
}

/// Carries out a local order, in whatever process it is.
package enum LocalDelivery {
    /// Sets what holds for a whole process, in one that does nothing else: `umask` and `permit_coredump` of a pipe.
    package static func prepareProcess(for work: LocalWork) {
        guard case .pipe(let order) = work else { return }
        umask(order.umask)
        if !order.permitsCoredump {
            var none = rlimit(rlim_cur: 0, rlim_max: 0)
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        }
    }

    /// Does what is asked; `data` is the open data file.
    ///
    /// Blocks.
    package static func perform(_ work: LocalWork, data: CInt) -> LocalReport {
        switch work {
        case .file(let order): LocalReport(mailbox: perform(order, data: data))
        case .lmtp(let order): LMTPDelivery(order: order, data: data).deliver()
        case .pipe(let order): PipeDelivery(order: order, data: data).deliver()
        case .reply(let order): ReplyFiles(order: order).perform()
        case .append(let order): order.perform()
        }
    }

    /// Writes the message; `data` is the open data file, and `patience` how locks are waited for.
    ///
    /// Blocks.
    package static func perform(
        _ order: LocalOrder, data: CInt, _ patience: LockPatience = LockPatience()
    ) -> LocalOutcome {
        switch order.kind {
        case .mailbox: MailboxFile(order: order, data: data, patience: patience).deliver()
        case .maildir, .directory: DirectoryDelivery(order: order, data: data).perform()
        }
    }
}
