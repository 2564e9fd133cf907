import Bytes
import Spooler

/// Puts messages of a directory on the queue.
struct MessageRequeue: Sendable {
    let spool: Spool
    let directory: ByteString
    let identity: RequeueIdentity
    let removesSource: Bool

    /// Queues one message and tells of it; whether it went well.
    func run(_ id: MessageID, json: Bool, _ console: Console) -> Bool {
        let result = result(id)
        if json {
            var object = JSONObject()
            object.add("id", id.bytes)
            object.add("outcome", result.outcome)
            object.add("queued_as", result.queued?.bytes)
            if let detail = result.detail { object.add("error", detail) }
            console.write("\(object.text)\n")
        } else if let queued = result.queued {
            console.write("\(id.bytes) queued as \(queued.bytes)\n")
        } else {
            console.say("bobbin: \(result.detail ?? result.outcome)\n")
        }
        return result.queued != nil
    }

    private struct Outcome {
        var outcome: ByteString
        var queued: MessageID?
        var detail: ByteString?
    }

    private func result(_ id: MessageID) -> Outcome {
        do throws(SpoolError) {
            let outcome = try spool.requeue(
                from: directory, id, as: identity, removingSource: removesSource)
            return Self.words(outcome, id)
        } catch {
            return Outcome(outcome: "failed", detail: ByteString(error.description))
        }
    }

    private static func words(_ outcome: RequeueOutcome, _ id: MessageID) -> Outcome {
        switch outcome {
        case .queued(let queued): Outcome(outcome: "queued", queued: queued)
        case .noHeader: Outcome(outcome: "no_header", detail: "\(id.bytes): the directory has no -H of it")
        case .incomplete:
            Outcome(
                outcome: "incomplete", detail: "\(id.bytes): -H is there, -D is not: wait, or look for it")
        case .alreadyQueued:
            Outcome(
                outcome: "already_queued",
                detail: "\(id.bytes): the spool has that id already; --fresh gives another")
        case .malformed(let error): Outcome(outcome: "malformed", detail: ByteString(error.description))
        }
    }
}
