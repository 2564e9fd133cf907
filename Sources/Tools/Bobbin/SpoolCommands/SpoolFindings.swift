import Bytes
import Spooler

/// What a check finds, for people and for programs.
enum SpoolFindings {
    /// Everything that a check finds, by id.
    static func all(in spool: Spool, olderThan age: Int64) throws(ToolFailure) -> [SpoolFinding] {
        var findings: [SpoolFinding] = []
        do throws(SpoolError) {
            try spool.check(olderThan: age, now: Clock.now()) { findings.append($0) }
        } catch {
            throw ToolFailure(error)
        }
        return findings.sorted { ($0.id, $0.path) < ($1.id, $1.path) }
    }

    /// Puts one right.
    static func repair(_ finding: SpoolFinding, in spool: Spool) throws(ToolFailure) -> RepairOutcome {
        do throws(SpoolError) {
            return try spool.repair(finding)
        } catch {
            throw ToolFailure(error)
        }
    }
}

extension SpoolFinding {
    /// One line for people, or one JSON object; with what came of a repair.
    func line(asJSON json: Bool, _ outcome: RepairOutcome? = nil) -> ByteString {
        guard json else {
            return "\(path): \(kind.words)\(outcome.map { ": \($0.words)" as ByteString } ?? "")\n"
        }
        var object = JSONObject()
        object.add("id", id.bytes)
        object.add("kind", kind.keyword)
        object.add("path", path)
        object.add("detail", kind.words)
        object.add("repairable", isRepairable)
        if let outcome { object.add("outcome", outcome.keyword) }
        return "\(object.text)\n"
    }
}

extension SpoolFinding.Kind {
    /// The word for programs.
    var keyword: ByteString {
        switch self {
        case .loneData: "lone_data"
        case .loneHeader: "lone_header"
        case .loneJournal: "lone_journal"
        case .leftoverTemporary: "leftover_temporary"
        case .loneMessageLog: "lone_message_log"
        case .malformed: "malformed"
        case .badDataFile: "bad_data_file"
        case .treeOutOfOrder: "tree_out_of_order"
        }
    }

    /// What it means, and what to do.
    var words: ByteString {
        switch self {
        case .loneData(let age):
            "a body without -H, untouched for \(age) s: a reception that was never acknowledged; it can go"
        case .loneHeader: "-H without -D: the body is lost; restore -D, or remove the message"
        case .loneJournal: "a journal without -H: left over at the end of a delivery; it can go"
        case .leftoverTemporary: "a temporary -H: left over by a crash; it can go"
        case .loneMessageLog: "a message log without a message; it can go"
        case .malformed(let error): "\(String(describing: error)); correct the file, or move it away"
        case .badDataFile:
            "-D does not begin with its own name: correct the first line, or the body loses its first octets"
        case .treeOutOfOrder:
            "the non-recipients tree is out of order: Exim would deliver again to some; it can be sorted"
        }
    }
}

extension RepairOutcome {
    /// The word for programs.
    var keyword: ByteString {
        switch self {
        case .repaired: "repaired"
        case .vanished: "vanished"
        case .held: "held"
        case .leftToPeople: "left"
        }
    }

    /// The same for people.
    var words: ByteString {
        switch self {
        case .repaired: "put right"
        case .vanished: "no longer so"
        case .held: "somebody is working on the message; try again later"
        case .leftToPeople: "left for you to decide"
        }
    }
}
