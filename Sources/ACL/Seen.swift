import Bytes
import Configuration
import Expansion
import Hints

/// The argument of `seen` (manual, section 44.38): `[-]interval / options`.
struct Sighting: Sendable, Hashable {
    /// When a record is written besides.
    enum Writing: Sendable, Hashable { case standard, never, always }

    /// Whether the record must be old (`-`), not young.
    var isBefore: Bool
    var interval: Int64
    var key: ByteString?
    var writing = Writing.standard
    /// After how long a record that is old enough is written anew.
    var refresh: Int64 = 10 * 86_400

    /// Reads the argument; the error is Exim's text.
    init(_ argument: ByteString) throws(ArgumentTrouble) {
        var words = argument.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { ByteString($0.trimmed()) }[...]
        let first = words.popFirst() ?? ""
        isBefore = first.first == UInt8(ascii: "-")
        guard let interval = EximInterval.parse(isBefore ? ByteString(first.dropFirst()) : first) else {
            throw ArgumentTrouble("failed to parse '\(first)'")
        }
        self.interval = interval
        for word in words {
            if word.starts(with: ByteString("key=")) {
                key = ByteString(word.dropFirst(4))
            } else if word == "readonly" {
                writing = .never
            } else if word == "write" {
                writing = .always
            } else if word.starts(with: ByteString("refresh=")),
                let time = EximInterval.parse(ByteString(word.dropFirst(8)))
            {
                refresh = time
            } else {
                throw ArgumentTrouble("unrecognised option '\(word)' in '\(argument)'")
            }
        }
    }

    /// Whether it was seen as wanted; writes what is to be written.
    func look(for key: ByteString, in transaction: HintsTransaction) throws -> Bool {
        let old = try transaction.read(SeenRecord.self, key)
        let age = old.map { transaction.now - $0.header.written }
        let isSeen = age.map { isBefore ? $0 >= interval : $0 < interval } ?? false
        if writes(age, isSeen) { try transaction.write(SeenRecord(), key) }
        return isSeen
    }

    private func writes(_ age: Int64?, _ isSeen: Bool) -> Bool {
        switch writing {
        case .never: return false
        case .always: return true
        case .standard: break
        }
        guard let age, isBefore else { return true }
        return isSeen && age > refresh
    }
}

extension StatementRun {
    /// `seen`: whether a key was met before.
    func seen(_ argument: ByteString, _ state: inout ACLState) async -> ClauseResult {
        let sighting: Sighting
        do throws(ArgumentTrouble) {
            sighting = try Sighting(argument)
        } catch {
            return .broken(error.text)
        }
        let key = sighting.key ?? state.facts.connection.remoteAddress?.text ?? ""
        guard let hints = evaluator.services.hints,
            let isSeen = await hints.sightings.update({ try sighting.look(for: key, in: $0) }).value
        else { return .deferred("database for 'seen' not available") }
        return isSeen ? .holds : .fails
    }
}
