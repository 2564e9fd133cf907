import Bytes
import Configuration
import Glibc
import MailSystem

/// Whether a message's delivery is begun when it has come in, as the command line has it.
enum DeliveryChoice: Sendable {
    /// As the configuration says.
    case standard
    /// `-odq`: a queue run delivers it.
    case queue
    /// `-odb`, `-odf`, `-odi`: begun at once, where `queue_only_override` lets that be said.
    case now
}

/// The options that leave messages to a queue run; each is Exim's option of that name.
struct QueueingRules: Sendable {
    var queueOnly: Bool
    var canOverride: Bool
    var files: [ByteString]
    /// A load average in thousandths.
    var load: Int64?
    var keepsLoad: Bool
    var acceptQueue: Int
    var acceptQueuePerConnection: Int

    /// Why a message is left to a queue run.
    enum Reason: Sendable, Equatable {
        /// It was asked for; nothing is logged.
        case asked
        case byACL
        case connections(Int, most: Int)
        case messages(most: Int)
        /// The load average in thousandths.
        case load(Int64)

        /// What the log says behind `no immediate delivery: `; nil for nothing.
        var text: ByteString? {
            switch self {
            case .asked: nil
            case .byACL: "queued by ACL"
            case .connections(let count, let most): "too many connections (\(count), max \(most))"
            case .messages(let most): "more than \(most) messages received in one connection"
            case .load(let load): "load average \(LoadAverage.text(load))"
            }
        }
    }

    /// What is known of the session that a message came in by.
    struct Circumstances {
        var connections: Int?
        /// Messages of the session, this one included.
        var messages = 1
        /// What an earlier message of the session was queued for.
        var before: Reason?
    }

    init(_ main: OptionBlock) {
        queueOnly = main.flag("queue_only") ?? false
        canOverride = main.flag("queue_only_override") ?? true
        files = QueueOnlyFiles(main).forAllDeliveries
        load = main.number("queue_only_load")
        keepsLoad = main.flag("queue_only_load_latch") ?? true
        acceptQueue = Int(main.number("smtp_accept_queue") ?? 0)
        acceptQueuePerConnection = Int(main.number("smtp_accept_queue_per_connection") ?? 10)
    }

    /// Why a message waits, as far as no ACL says so; nil when it does not.
    func reason(
        _ choice: DeliveryChoice, _ circumstances: Circumstances, load now: () -> Int64 = LoadAverage.now
    ) -> Reason? {
        if choice == .queue { return .asked }
        if choice == .now, canOverride { return nil }
        if queueOnly || files.contains(where: QueueOnlyFiles.exists) { return .asked }
        if acceptQueue > 0, let count = circumstances.connections, count > acceptQueue {
            return .connections(count, most: acceptQueue)
        }
        if acceptQueuePerConnection > 0, circumstances.connections != nil,
            circumstances.messages > acceptQueuePerConnection
        {
            return .messages(most: acceptQueuePerConnection)
        }
        if keepsLoad, case .load? = circumstances.before { return circumstances.before }
        guard let load else { return nil }
        let present = now()
        return present > load ? .load(present) : nil
    }
}

/// The machine's load average over the last minute.
enum LoadAverage {
    /// In thousandths; nothing where it cannot be told.
    static func now() -> Int64 {
        var load = 0.0
        guard unsafe getloadavg(&load, 1) == 1, load.isFinite else { return 0 }
        return Int64(load * 1000)
    }

    /// With two decimals, as the log has it.
    static func text(_ load: Int64) -> ByteString {
        "\(load / 1000).\(Int(load % 1000 / 10), zeroPadded: 2)"
    }
}
