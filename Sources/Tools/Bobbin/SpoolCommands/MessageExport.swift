import Bytes
import Spooler

/// Hands messages over to a directory, each under its lock.
struct MessageExport: Sendable {
    let spool: Spool
    let directory: ByteString
    let style: HandOverStyle

    /// Exports one message and tells of it; whether it went well.
    func run(_ id: MessageID, json: Bool, _ console: Console) -> Bool {
        let (outcome, detail) = outcome(id)
        if json {
            var object = JSONObject()
            object.add("id", id.bytes)
            object.add("outcome", outcome)
            if let detail { object.add("error", detail) }
            console.write("\(object.text)\n")
        } else if let detail {
            console.say("bobbin: \(detail)\n")
        } else {
            console.write("\(id.bytes) \(outcome)\n")
        }
        return outcome == "exported"
    }

    private func outcome(_ id: MessageID) -> (ByteString, detail: ByteString?) {
        do throws(SpoolError) {
            switch try spool.open(id) {
            case .opened(let message):
                try message.handOver(to: directory, header: message.header, as: style)
                return ("exported", nil)
            case .held: return ("locked", "\(id.bytes): somebody is working on the message; try again later")
            case .gone: return ("gone", "\(id.bytes): no such message on the queue")
            case .noHeader: return ("no_header", "\(id.bytes): there is -D without -H")
            case .noData: return ("no_data", "\(id.bytes): the body is missing")
            case .malformed(let message): return ("malformed", ByteString(message.error.description))
            }
        } catch {
            return ("failed", ByteString(error.description))
        }
    }
}
