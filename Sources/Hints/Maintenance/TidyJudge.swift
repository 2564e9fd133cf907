import Bytes
import Glibc

/// Decides what is to become of a record; knows no database.
struct TidyJudge: Sendable {
    let kind: HintsKind
    let layout: HintsLayout
    let now: Int64
    let options: HintsTidy.Options
    /// Whether the messages that records are about may be on other machines; then they count as there.
    var isShared = false

    typealias IsQueued = @Sendable (ByteString) async -> Bool

    /// The step for a record; nil when it stays as it is.
    func step(_ row: HintsRow, _ isQueued: IsQueued) async -> TidyStep? {
        guard row.isFindable else {
            return TidyStep(
                key: row.key, layout: layout,
                deed: .complain("no Exim finds this record, since its key does not end in a NUL"))
        }
        if let guess = HintsLayout(guessedFrom: row.octets), guess != layout {
            return delete(row, .badVersion)
        }
        let header: HintsHeader
        do throws(HintsRecordError) {
            header = try RecordReader(row.octets, layout: layout, needed: 0).header
        } catch {
            return delete(row, .badVersion)
        }
        if header.written < now - options.olderThan { return delete(row, .tooOld) }
        do throws(HintsRecordError) {
            return try await step(row, written: header.written, isQueued)
        } catch {
            return TidyStep(key: row.key, layout: layout, deed: .complain(ByteString(error.description)))
        }
    }

    private func step(
        _ row: HintsRow, written: Int64, _ isQueued: IsQueued
    ) async throws(HintsRecordError) -> TidyStep? {
        switch kind {
        case .wait: return try await wait(row, written: written, isQueued)
        case .retry:
            guard !isShared, let id = MessageKey.id(in: row.key), await !isQueued(id) else { return nil }
            return delete(row, .noMessage)
        case .callout, .seen: return nil
        case .ratelimit, .tls, .misc: return options.rules == .full ? try expiry(row) : nil
        }
    }

    private func delete(_ row: HintsRow, _ reason: HintsTidyReason) -> TidyStep {
        TidyStep(key: row.key, layout: layout, deed: .delete(judged: row.octets, reason))
    }

    // MARK: Messages that wait

    private static let year: Int64 = 31_536_000

    private func wait(
        _ row: HintsRow, written: Int64, _ isQueued: IsQueued
    ) async throws(HintsRecordError) -> TidyStep? {
        if written > now { throw .outOfRange(field: "time stamp: in the future") }
        let record = try WaitRecord(decoding: row.octets, layout: layout)
        if written < now - Self.year { return delete(row, .tooOld) }
        let gone = await gone(of: record, isQueued)
        if gone.isEmpty, !record.ids.isEmpty { return nil }
        let empties = gone.count == Set(record.ids).count
        return TidyStep(
            key: row.key, layout: layout, deed: .dropMessages(gone),
            continuations: empties ? record.sequence : 0)
    }

    private func gone(of record: WaitRecord, _ isQueued: IsQueued) async -> Set<ByteString> {
        var gone: Set<ByteString> = []
        for id in record.ids.reversed() where await !isQueued(id) { gone.insert(id) }
        return gone
    }

    /// Adds the messages of the continuations that the step will pull in.
    func withContinuations(
        _ step: TidyStep, of row: HintsRow, in scan: HintsScan, _ isQueued: IsQueued
    ) async throws(HintsTrouble) -> TidyStep {
        guard case .dropMessages(var gone) = step.deed, step.continuations > 0 else { return step }
        for number in (0..<step.continuations).reversed() {
            let key = WaitList.continuation(of: row.key, number)
            guard let octets = try await scan.octets(key), let record = WaitRecord.readable(octets, layout)
            else { continue }
            gone.formUnion(await self.gone(of: record, isQueued))
        }
        var step = step
        step.deed = .dropMessages(gone)
        return step
    }

    // MARK: Records that have an end of their own

    private func expiry(_ row: HintsRow) throws(HintsRecordError) -> TidyStep? {
        let hint = try DecodedHint(kind, key: row.key, row.octets, layout: layout)
        guard hint.isOver(key: row.key, now: now, ticketLifetime: options.ticketLifetime) else { return nil }
        switch hint {
        case .tls: return delete(row, .expired)
        case .rateLimit: return delete(row, .decayed)
        case .serialize: return delete(row, .stale)
        default: return nil
        }
    }
}

/// Keys of retry records that are about one message.
enum MessageKey {
    /// The message's id after the last colon, in the form of Exim 4.97 (6-11-4) or the one before (6-6-2).
    static func id(in key: ByteString) -> ByteString? {
        guard let last = key.cutAtLast(UInt8(ascii: ":"))?.after else { return nil }
        let id = ByteString(last)
        return isID(id) ? id : nil
    }

    /// Whether the octets have the form of a message id.
    static func isID(_ id: ByteString) -> Bool {
        let hyphens: [Int]
        switch id.count {
        case 23: hyphens = [6, 18]
        case 16: hyphens = [6, 13]
        default: return false
        }
        return id.enumerated().allSatisfy { place, octet in
            hyphens.contains(place) ? octet == UInt8(ascii: "-") : octet.isASCIIAlphanumeric
        }
    }
}

/// When a measured rate has come to nothing.
enum RateDecay {
    /// What is left of a rate counts as nothing below this.
    static let negligible = 0.01

    /// Whether a period has passed since the record was written, and the rate, which falls by e in each period,
    /// is negligible; the period is the key's first part.
    static func isOver(_ record: RateLimitRecord, key: ByteString, now: Int64) -> Bool {
        guard let text = key.cut(at: UInt8(ascii: "/"))?.before, let period = RetryStep.seconds(text),
            period > 0, now > record.header.written
        else { return false }
        let age = now - record.header.written
        if age <= period { return false }
        if let filter = record.filter, now - filter.epoch <= period { return false }
        return record.rate * exp(-Double(age) / Double(period)) < negligible
    }
}
