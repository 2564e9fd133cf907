import ACL
import Bytes
import EximLog
import MailSystem
import SMTP
import Spooler

/// Passing a message on while its client waits (`control = cutthrough_delivery`).
extension Reception {
    /// Sends the message to the host that its recipients have been named to; nil when it is to be committed.
    ///
    /// Only what the host has said for certain is passed on to the client; in any doubt the message is ours.
    mutating func passOn(
        _ message: inout ReceivedMessage, _ fixed: CompleteHeader, _ said: ByteString?
    ) async -> ReceptionOutcome? {
        guard let held, let cutthrough = Cutthrough(state), !arrival.usedChunking,
            PretendedRefusal(state) == nil
        else { return nil }
        do { try message.pending.flush() } catch { return nil }
        let id = message.pending.id
        let (header, sender) = headerFile(message, fixed)
        let data = message.pending.spool.path(.data, of: id, in: message.pending.place)
        switch await held.pass(header, bodySize: message.pending.bodySize, in: data) {
        case .notPassed: return nil
        case .doubtful:
            hasBeenTried = true
            return cutthrough.passesDeferral
                ? .relayed(Reply(450, "Onward transmission not accepted")) : nil
        case .answered(let reply, let deliveries):
            if reply.isPositive {
                for delivery in deliveries {
                    log.main(delivery.text(by: system.settings.logSelector), id: id.bytes)
                }
                let size = header.receptionSize(bodySize: message.pending.bodySize)
                let record = arrivalRecord(sender, fixed, size)
                log.main(record.text(by: system.settings.logSelector), id: id.bytes)
                log.main("Completed", id: id.bytes)
                return .passedOn(id, said: said)
            }
            for delivery in deliveries {
                log.rejected(delivery, isTemporary: reply.isTemporary, state, header: fixed.headers)
            }
            hasBeenTried = true
            return reply.isPermanent || cutthrough.passesDeferral ? .relayed(reply) : nil
        }
    }
}
