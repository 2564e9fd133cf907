import Bytes
package import SMTP

extension CalloutTalk {
    /// What became of a message that was sent behind MAIL and RCPT.
    package enum Taking: Sendable, Hashable {
        /// The host has not got it, for certain.
        case notTaken
        /// The host has said so.
        case answered(Reply)
        /// It was sent, and no answer was heard: the host may have it or not.
        case doubtful
    }

    /// How long each step may take, in seconds.
    struct MessageTimes {
        var data: Int64
        var final: Int64
    }

    /// Sends a message.
    ///
    /// Until its last octet the host cannot have it; from then on only its answer tells.
    mutating func send(_ message: WireMessage, _ times: MessageTimes) async -> Taking {
        // A host that has spoken unasked, or has hung up, answers nothing that is asked now.
        guard !reader.hasPending, socket.readNow() == nil else { return .notTaken }
        do throws(CalloutTrouble) {
            guard try await say("DATA").isIntermediate else { return .notTaken }
        } catch { return .notTaken }
        var stream = DataStream(message)
        var output: [UInt8] = []
        let begun = ContinuousClock.now
        do throws(TransportTrouble) {
            while try stream.next(into: &output) {
                // The client waits too: who is slow is served by an ordinary delivery.
                guard begun.duration(to: .now) < .seconds(times.data) else { return .notTaken }
                guard await write(output[...], times.data) else {
                    return stream.isOver ? .doubtful : .notTaken
                }
            }
        } catch { return .notTaken }
        do throws(CalloutTrouble) {
            let reply = try await reply(to: "end of data", within: times.final)
            return (1...3).contains(reply.code / 100) && !reply.isPositive ? .doubtful : .answered(reply)
        } catch { return .doubtful }
    }

    private mutating func write(_ octets: ArraySlice<UInt8>, _ seconds: Int64) async -> Bool {
        var heard: [UInt8] = []
        do throws(SystemFailure) {
            try await socket.write(octets, timeout: seconds) { heard += $0 }
            reader.feed(heard)
            return true
        } catch { return false }
    }
}
