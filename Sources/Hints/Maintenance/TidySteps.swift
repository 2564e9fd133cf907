import Bytes

/// What is to be done with one record, decided while no lock was held.
struct TidyStep: Sendable {
    enum Deed: Sendable {
        /// Delete it, if it still holds these octets.
        case delete(judged: ByteString, HintsTidyReason)
        /// Take these messages off it, and off its continuations when it becomes empty.
        case dropMessages(Set<ByteString>)
        /// Only say that it cannot be read.
        case complain(ByteString)
    }

    let key: ByteString
    let layout: HintsLayout
    var deed: Deed
    /// How many continuations the record says it has.
    var continuations: Int32 = 0

    var isChange: Bool {
        if case .complain = deed { false } else { true }
    }

    var complaints: [HintsTidyEvent] {
        if case .complain(let reason) = deed { [.corrupted(key, reason)] } else { [] }
    }

    /// The edits and events, given what the database holds now.
    func plan<Failure: Error>(
        _ work: TidyWork, _ octets: (ByteString) throws(Failure) -> ByteString?
    ) throws(Failure) -> TidyPlan {
        switch deed {
        case .complain: return TidyPlan(edits: [], events: complaints)
        case .delete(let judged, let reason):
            guard try octets(key) == judged else { return TidyPlan() }
            return TidyPlan(edits: [.delete(key)], events: [.deleted(key, reason)])
        case .dropMessages(let gone):
            func record(_ key: ByteString) throws(Failure) -> WaitRecord? {
                try octets(key).flatMap { WaitRecord.readable($0, layout) }
            }
            return try work.dropping(gone, from: key, record)
        }
    }

    /// Does the deed; gives what was really done.
    func carryOut(_ work: TidyWork, _ transaction: HintsTransaction) throws -> [HintsTidyEvent] {
        if case .delete(let judged, let reason) = deed {
            return try transaction.delete(key, ifStill: judged) ? [.deleted(key, reason)] : []
        }
        let plan = try plan(work) { try transaction.octets($0) }
        for edit in plan.edits { try edit.apply(transaction) }
        return plan.events
    }

    /// The octets of the record and of its continuations.
    func content(in scan: HintsScan) async throws(HintsTrouble) -> [ByteString: ByteString] {
        var content: [ByteString: ByteString] = [:]
        content[key] = try await scan.octets(key)
        for number in 0..<continuations {
            let key = WaitList.continuation(of: key, number)
            content[key] = try await scan.octets(key)
        }
        return content
    }

    /// The events that the step would have.
    func preview(_ work: TidyWork, _ content: [ByteString: ByteString]) -> [HintsTidyEvent] {
        plan(work) { content[$0] }.events
    }
}

/// Edits, and what is to be said about them.
struct TidyPlan: Sendable {
    enum Edit: Sendable {
        case write(WaitRecord, ByteString)
        case delete(ByteString)

        func apply(_ transaction: HintsTransaction) throws {
            switch self {
            case .write(let record, let key): try transaction.write(record, key)
            case .delete(let key): try transaction.delete(key)
            }
        }
    }

    var edits: [Edit] = []
    var events: [HintsTidyEvent] = []

    mutating func delete(_ key: ByteString, _ event: HintsTidyEvent) {
        edits.append(.delete(key))
        events.append(event)
    }
}

/// Takes messages that are gone off wait records.
struct TidyWork: Sendable {
    let rules: HintsTidy.Rules

    /// The plan for one record: an empty main record is filled from its continuations, highest first.
    func dropping<Failure: Error>(
        _ gone: Set<ByteString>, from key: ByteString, _ read: (ByteString) throws(Failure) -> WaitRecord?
    ) throws(Failure) -> TidyPlan {
        var plan = TidyPlan()
        guard var record = try read(key) else { return plan }
        var changed = record.drop(gone)
        // Exim's tool takes every key with a colon for a continuation, and leaves that in place though empty.
        let mayEmpty = rules == .full || !key.contains(UInt8(ascii: ":"))
        if mayEmpty {
            while record.ids.isEmpty, record.sequence > 0 {
                let next = WaitList.continuation(of: key, record.sequence - 1)
                guard var more = try read(next) else {
                    record.sequence -= 1
                    continue
                }
                more.drop(gone)
                more.sequence = record.sequence - 1
                record = more
                changed = true
                plan.delete(next, .renamed(next))
            }
            if record.ids.isEmpty {
                plan.delete(key, .deleted(key, .empty))
                return plan
            }
        }
        if changed {
            plan.edits.append(.write(record, key))
            plan.events.append(.updated(key))
        }
        return plan
    }
}

extension WaitRecord {
    /// The record, or nil when it cannot be read.
    static func readable(_ octets: ByteString, _ layout: HintsLayout) -> WaitRecord? {
        do throws(HintsRecordError) { return try WaitRecord(decoding: octets, layout: layout) } catch {
            return nil
        }
    }

    /// Takes ids off; tells whether there were some.
    @discardableResult
    mutating func drop(_ gone: Set<ByteString>) -> Bool {
        let before = ids.count
        ids.removeAll { gone.contains($0) }
        return ids.count != before
    }
}
