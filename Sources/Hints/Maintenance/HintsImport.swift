package import Bytes

/// What came of an import.
package struct HintsImportReport: Sendable, Equatable {
    /// How many records were written.
    package var written = 0
    /// How many were left as they are, since what is there is as new.
    package var kept = 0
    /// What was not taken.
    package var faults: [ImportFault] = []
    /// Why the work ended early, or nil; what was written before stays.
    package var trouble: HintsTrouble?

    /// Nothing done.
    package init() {}
}

/// Takes records into a hints database: from another one, in either layout, or from exim_dumpdb's text.
///
/// Of two records with one key the newer one stays; messages that wait are added to those that wait already.
package struct HintsImport: Sendable {
    private let database: HintsDatabase
    private let settings: HintsSettings
    private let kind: HintsKind

    /// Names the database that records go to; it is made when missing.
    package init(_ settings: HintsSettings, name: ByteString, kind: HintsKind) {
        database = HintsDatabase(settings, name: name)
        self.settings = settings
        self.kind = kind
    }

    /// Takes the records of another SQLite database, of either layout.
    ///
    /// - Parameter progress: hears how many were read so far.
    /// - Throws: why that file cannot be read.
    package func take(
        from path: ByteString, progress: (Int) -> Void = { _ in }
    ) async throws(HintsTrouble) -> HintsImportReport {
        let scan = try HintsScan(path, busyLimit: settings.busyLimit)
        var report = HintsImportReport()
        var waiting: [ImportedHint] = []
        var pages = scan.pages()
        var count = 0
        while report.trouble == nil {
            let rows = try await pages.next()
            if rows.isEmpty { break }
            count += rows.count
            let hints = decode(rows, scan.layout, &report)
            if kind == .wait { waiting += hints } else { await write(hints, &report) }
            progress(count)
        }
        if !waiting.isEmpty { await write(waiting, &report) }
        await database.close()
        return report
    }

    /// Takes what was read from exim_dumpdb's text.
    package func take(_ text: DumpText) async -> HintsImportReport {
        var report = HintsImportReport()
        report.faults = text.faults
        await write(text.hints, &report)
        await database.close()
        return report
    }

    private func decode(
        _ rows: [HintsRow], _ layout: HintsLayout, _ report: inout HintsImportReport
    ) -> [ImportedHint] {
        rows.compactMap { row in
            do throws(HintsRecordError) {
                let hint = try DecodedHint(kind, key: row.key, row.octets, layout: layout)
                return ImportedHint(key: row.key, hint: hint)
            } catch {
                report.faults.append(ImportFault(row.key, ByteString(error.description)))
                return nil
            }
        }
    }

    private func write(_ hints: [ImportedHint], _ report: inout HintsImportReport) async {
        for group in kind == .wait ? Self.byHost(hints) : Self.batches(hints) {
            guard report.trouble == nil else { return }
            let kind = kind
            let outcome = await database.update { transaction in
                try kind == .wait ? Writing.merge(group, transaction) : Writing.replace(group, transaction)
            }
            switch outcome {
            case .done(let done):
                report.written += done.written
                report.kept += done.kept
                report.faults += done.faults
            case .givenUp(let trouble): report.trouble = trouble
            }
        }
    }

    private static func batches(_ hints: [ImportedHint]) -> [[ImportedHint]] {
        stride(from: 0, to: hints.count, by: HintsDatabase.batch).map {
            Array(hints[$0..<min($0 + HintsDatabase.batch, hints.count)])
        }
    }

    /// A host's main record, then its continuations from the first on.
    private static func byHost(_ hints: [ImportedHint]) -> [[ImportedHint]] {
        let groups = WaitGroups(hints.map(\.key))
        let byHost = Dictionary(grouping: hints) { groups.hosts[$0.key] ?? $0.key }
        return byHost.sorted { $0.key < $1.key }.map { _, hints in
            hints.sorted { (groups.numbers[$0.key] ?? -1) < (groups.numbers[$1.key] ?? -1) }
        }
    }
}

/// The work inside one transaction.
private struct Writing: Sendable {
    var written = 0
    var kept = 0
    var faults: [ImportFault] = []

    /// Writes records that are missing or newer than what is there.
    static func replace(_ hints: [ImportedHint], _ transaction: HintsTransaction) throws -> Writing {
        var done = Writing()
        for hint in hints {
            let present = try transaction.octets(hint.key).flatMap {
                RecordFields($0).signed64(at: transaction.layout.headerLength - 8)
            }
            if let present, HintsLimits.times.contains(present), present >= hint.hint.written {
                done.kept += 1
            } else {
                try transaction.store(hint.hint.encode(layout: transaction.layout), hint.key)
                done.written += 1
            }
        }
        return done
    }

    /// Writes a host's records as they are; if there are some already, adds the messages that are not listed.
    static func merge(_ hints: [ImportedHint], _ transaction: HintsTransaction) throws -> Writing {
        guard let host = hints.first?.key, let present = try transaction.read(WaitRecord.self, host) else {
            var done = Writing()
            for hint in hints {
                try transaction.store(hint.hint.encode(layout: transaction.layout), hint.key)
                done.written += 1
            }
            return done
        }
        var done = Writing()
        for hint in hints {
            guard case .wait(let record) = hint.hint else { continue }
            try done.add(record, to: host, of: present, transaction)
        }
        return done
    }

    private mutating func add(
        _ record: WaitRecord, to host: ByteString, of present: WaitRecord, _ transaction: HintsTransaction
    ) throws {
        let length = record.ids.first?.count ?? 0
        guard present.ids.allSatisfy({ $0.count == length }) else {
            faults.append(ImportFault(host, "its messages there have ids of another length; they stay alone"))
            return
        }
        let list = WaitList(transaction: transaction, host: host, idLength: length)
        for id in record.ids { try list.add(id) }
        written += 1
    }
}
