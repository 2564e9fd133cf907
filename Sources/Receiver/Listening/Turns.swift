import Bytes
import ChildPrograms
import Dispatch
import Glibc
import MailSystem
import Spooler
import Synchronization

/// What an ETRN asks for.
enum TurnRequest: Sendable {
    /// Delivery of the messages with a waiting recipient that contains the text.
    case queue(ByteString)
    /// A run of this command (`smtp_etrn_command`).
    case command([ByteString])
}

/// Carries out what ETRN asks for, beside the sessions.
///
/// A queue is looked through here, and the messages that are found go to the queue runner, which has the rights that
/// deliveries need.
final class Turns: Sendable {
    /// What became of a request.
    enum Outcome {
        case started
        /// The same is at work already (`smtp_etrn_serialize`).
        case busy
        case impossible(ByteString)
    }

    /// How many are at work at one time.
    static let most = 16

    private let spool: Spool
    private let isSerialized: Bool
    private let deliver: @Sendable (DeliveryOrder) -> Void
    /// What other programs on the same hints have at work.
    private let others: SerializedRuns
    /// What has been counted in there.
    private let counted = Mutex<Set<ByteString>>([])
    private let active = Mutex<[ByteString: Int]>([:])
    private let queue = DispatchQueue(label: "etrn", attributes: .concurrent)

    init(
        _ system: MailSystem, isSerialized: Bool, deliver: @escaping @Sendable (DeliveryOrder) -> Void
    ) {
        spool = system.spool
        others = SerializedRuns(system)
        self.isSerialized = isSerialized
        self.deliver = deliver
    }

    /// Starts it; `key` is the command's argument.
    func start(_ request: TurnRequest, for key: ByteString) async -> Outcome {
        let refusal = active.withLock { active -> Outcome? in
            if isSerialized, active[key] != nil { return .busy }
            if active.values.reduce(0, +) >= Self.most {
                return .impossible("\(Self.most) are at work already")
            }
            active[key, default: 0] += 1
            return nil
        }
        if let refusal { return refusal }
        if isSerialized {
            switch await others.begin(etrn: key) {
            case .begun: counted.withLock { _ = $0.insert(key) }
            case .unknown: break
            case .busy:
                leave(key)
                return .busy
            }
        }
        switch request {
        case .queue(let text): queue.async { [self] in search(text, key) }
        case .command(let words):
            let child: pid_t
            do throws(ChildFailure) { child = try ChildStart(words, group: .session).start() } catch {
                await end(key)
                return .impossible("\(words.first ?? "") cannot be started: \(error.text)")
            }
            queue.async { [self] in
                ChildEnd.wait(for: child)
                ended(key)
            }
        }
        return .started
    }

    /// Lets other programs begin what is at work here; for the end of this one.
    func forget() async {
        for key in counted.withLock({ $0 }) { await countOut(key) }
    }

    /// The hints are told without waiting: `forget` looks after what has not been told at the end.
    private func ended(_ key: ByteString) {
        Task { await end(key) }
    }

    private func end(_ key: ByteString) async {
        await countOut(key)
        leave(key)
    }

    private func countOut(_ key: ByteString) async {
        guard counted.withLock({ $0.remove(key) }) != nil else { return }
        await others.end(etrn: key)
    }

    private func leave(_ key: ByteString) {
        active.withLock { active in
            let rest = (active[key] ?? 1) - 1
            active[key] = rest > 0 ? rest : nil
        }
    }

    private func search(_ text: ByteString, _ key: ByteString) {
        for id in waiting(for: text) { deliver(DeliveryOrder(id: id)) }
        ended(key)
    }

    /// The messages with a waiting recipient that contains the text; one that cannot be read is a queue run's matter.
    private func waiting(for text: ByteString) -> [MessageID] {
        var ids: [MessageID] = []
        do throws(SpoolError) {
            var walk = try spool.walk()
            while let entry = try walk.next() {
                guard case .message(let message) = try spool.read(entry.id, at: entry.place) else { continue }
                let wanted = message.header.undelivered.contains {
                    $0.address.contains(text, ignoringCase: true)
                }
                if wanted { ids.append(entry.id) }
            }
        } catch {
            // What was found is delivered; the queue runner's own passes tell of a spool that cannot be read.
            return ids
        }
        return ids
    }
}
