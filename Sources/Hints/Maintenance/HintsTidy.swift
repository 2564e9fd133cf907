package import Bytes

/// What tidying does, said while it happens, in exim_tidydb's words.
package enum HintsTidyEvent: Sendable, Equatable {
    /// A record was deleted.
    case deleted(ByteString, HintsTidyReason)
    /// A wait record was written anew, without the messages that are gone.
    case updated(ByteString)
    /// A continuation of a wait record took the place of the main record.
    case renamed(ByteString)
    /// A record cannot be read and was left alone; the text says why.
    case corrupted(ByteString, ByteString)
    /// So many records were looked at so far.
    case progress(Int)

    /// The line about it, without newline; empty for progress.
    package var text: ByteString {
        switch self {
        case .deleted(let key, .badVersion): " deleted \(key) (bad record version)"
        case .deleted(let key, let reason): "deleted \(key) (\(reason.text))"
        case .updated(let key): "updated \(key)"
        case .renamed(let key): "renamed \(key)"
        case .corrupted(let key, let reason): "**** Data for '\(key)' corrupted\n  \(reason)"
        case .progress: ""
        }
    }
}

/// Why a record is deleted.
package enum HintsTidyReason: String, Sendable, Hashable, CaseIterable {
    /// Written longer ago than asked for.
    case tooOld = "too old"
    /// In the other layout, or too short for any: no Exim that uses the file can read it.
    case badVersion = "bad record version"
    /// No message is left in it.
    case empty = "empty"
    /// About a message that is gone.
    case noMessage = "no message"
    /// A TLS session whose ticket its server no longer takes.
    case expired = "ticket expired"
    /// A rate that has decayed to nothing.
    case decayed = "rate decayed"
    /// A count that a crash left over.
    case stale = "stale count"

    /// The words for it.
    package var text: ByteString { ByteString(rawValue) }
}

/// What was done with a database.
package struct HintsTidyReport: Sendable, Equatable {
    /// How many records were looked at.
    package var scanned = 0
    /// How many were deleted, by reason.
    package var deleted: [HintsTidyReason: Int] = [:]
    /// How many were written anew.
    package var updated = 0
    /// How many continuations became main records.
    package var renamed = 0
    /// How many cannot be read and were left alone.
    package var corrupted = 0
    /// Why the work ended early, or nil; what was done before is committed.
    package var trouble: HintsTrouble?

    /// How many were deleted.
    package var deletedCount: Int { deleted.values.reduce(0, +) }

    mutating func add(_ event: HintsTidyEvent) {
        switch event {
        case .deleted(_, let reason): deleted[reason, default: 0] += 1
        case .updated: updated += 1
        case .renamed: renamed += 1
        case .corrupted: corrupted += 1
        case .progress(let count): scanned = count
        }
    }
}

/// Removes from a hints database what is of no more use, beside an Exim that uses it.
///
/// Records are judged while no lock is held, and some thousands of them are changed in one short exclusive transaction, in
/// which each is compared with what was judged: what others wrote meanwhile stays.
package struct HintsTidy: Sendable {
    /// Whose rules hold.
    package enum Rules: Sendable, Hashable {
        /// Those of exim_tidydb: age, and for wait and retry the messages.
        case exim
        /// The same, and: rates by the period in their key, sessions by their ticket's lifetime, counts left over
        /// after 6 hours, continuation records without messages.
        case full
    }

    /// How to tidy.
    package struct Options: Sendable {
        /// The age in seconds from which a record is too old; exim_tidydb's default is 30 days.
        package var olderThan: Int64 = 2_592_000
        /// Whose rules hold.
        package var rules = Rules.full
        /// How long a TLS ticket is good if its session does not tell, in seconds.
        package var ticketLifetime: Int64 = 7200
        /// Whether nothing is changed.
        package var isDryRun = false

        /// The defaults.
        package init() {}
    }

    private let database: HintsDatabase
    private let name: ByteString
    private let kind: HintsKind
    private let settings: HintsSettings
    private let options: Options

    /// Names a database of the directory.
    package init(_ settings: HintsSettings, name: ByteString, kind: HintsKind, options: Options = Options()) {
        database = HintsDatabase(settings, name: name)
        self.name = name
        self.kind = kind
        self.settings = settings
        self.options = options
    }

    /// Looks at every record, from the highest key down, as exim_tidydb does.
    ///
    /// - Parameters:
    ///   - isQueued: whether a message is still there; asked while no lock is held; in doubt yes.
    ///   - hear: hears each event after its commit.
    /// - Throws: why the file cannot be read at all.
    package func run(
        isQueued: @Sendable (ByteString) async -> Bool, hear: (HintsTidyEvent) -> Void
    ) async throws(HintsTrouble) -> HintsTidyReport {
        let scan = try HintsScan(settings, name: name)
        var judge = TidyJudge(kind: kind, layout: scan.layout, now: settings.clock(), options: options)
        judge.isShared = database.isShared
        var report = HintsTidyReport()
        var pages = scan.pages(descending: true)
        func tell(_ event: HintsTidyEvent) {
            report.add(event)
            hear(event)
        }
        do throws(HintsTrouble) {
            var steps: [TidyStep] = []
            while true {
                let rows = try await pages.next()
                for row in rows {
                    if let step = await judge.step(row, isQueued) {
                        steps.append(try await judge.withContinuations(step, of: row, in: scan, isQueued))
                    }
                }
                if rows.isEmpty || steps.count >= Self.stepsATime {
                    for event in try await take(steps, scan) { tell(event) }
                    steps = []
                }
                if rows.isEmpty { break }
                tell(.progress(report.scanned + rows.count))
            }
        } catch {
            report.trouble = error
        }
        await database.close()
        return report
    }

    /// Gives the space of deleted records back to the file system; the file is locked for as long as that takes.
    package func vacuum() async -> HintsOutcome<Void> {
        let outcome = await database.vacuum()
        await database.close()
        return outcome
    }

    /// Carries the steps out in one transaction; gives what was really done.
    private func take(_ steps: [TidyStep], _ scan: HintsScan) async throws(HintsTrouble) -> [HintsTidyEvent] {
        guard !steps.isEmpty else { return [] }
        let rules = options.rules
        let work = TidyWork(rules: rules)
        if options.isDryRun {
            var events: [HintsTidyEvent] = []
            for step in steps {
                let content = try await step.content(in: scan)
                events += step.preview(work, content)
            }
            return events
        }
        if !steps.contains(where: \.isChange) { return steps.flatMap(\.complaints) }
        for attempt in 1...Self.attempts {
            let outcome = await database.update { transaction in
                var events: [HintsTidyEvent] = []
                for step in steps { events += try step.carryOut(work, transaction) }
                return events
            }
            switch outcome {
            case .done(let events): return events
            case .givenUp(let trouble):
                guard trouble.kind == .busy, attempt < Self.attempts else { throw trouble }
            }
        }
        return []
    }

    /// How many steps share a transaction, which each synchronises: it takes about a tenth of a second, for which a running
    /// Exim waits.
    private static let stepsATime = 5000

    /// How often a transaction is tried when others hold the file for longer than the limit.
    private static let attempts = 3
}
