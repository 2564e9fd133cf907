import Bytes
import EximLog
import Expansion
import MailText
import Routing
import SMTP
import Spooler
import Transports

extension MessageDelivery {
    /// Tells the sender that the message waits, when another threshold of `delay_warning` has passed (delivery.md 2.8).
    mutating func warn() async {
        // The last to be deferred is the first that is told of, and the one whose NOTIFY counts, as in Exim.
        let deferred = Array(deferred.reversed())
        guard !runner.options.isFirstStage, let first = deferred.first, freezing == nil,
            !original.sender.isEmpty,
            deferred.contains(where: { $0.errno > -53 })
        else { return }
        let notify = tree.notify(of: first.node)
        guard notify.isEmpty || notify.contains(.delay) else { return }
        let age = runner.expander.environment.now().seconds - original.receivedTime
        let (count, threshold) = Self.passed(runner.settings.delayWarning, age: age)
        guard count > original.warningCount, await isWanted() else { return }
        var recipients: [ByteString] = []
        for address in deferred {
            let to = tree.nodes[address.node].address.errorsTo ?? original.sender
            if !to.isEmpty, !recipients.contains(to) { recipients.append(to) }
        }
        var warning = DelayWarning(
            frame: await frame(to: recipients.joined(separator: ", ")),
            delayed: deferred.map { notified($0.node, $0.instruction, $0.host, $0.userText) }, id: id.bytes,
            threshold: Int(threshold), age: Int(age))
        var facts = outgoing.facts
        facts.message.warningDelay = warning.delay
        facts.message.warningRecipients = warning.frame.to
        if let own = await ReportTemplate(runner, id).items(runner.settings.warningFile, "warning", facts) {
            (warning.ownHeader, warning.ownIntroduction, warning.ownEnding) = (own[0], own[1], own[2])
        }
        switch await submit(warning.composed(), withBody: false) {
        case .accepted(let id):
            if let id { submitted.append(id) }
            tree.edit { $0.warningCount = count }
        case .refused(let reason, _): runner.log.main("delay warning not submitted: \(reason)", id: id.bytes)
        }
    }

    /// How many thresholds have passed, and the last of them; after the list its last difference repeats.
    static func passed(_ thresholds: [Int64], age: Int64) -> (count: Int64, last: Int64) {
        guard let final = thresholds.last, final > 0 else { return (0, 0) }
        let listed = thresholds.prefix { $0 <= age }
        guard listed.count == thresholds.count else { return (Int64(listed.count), listed.last ?? 0) }
        let step = thresholds.count > 1 ? final - thresholds[thresholds.count - 2] : final
        guard step > 0 else { return (Int64(thresholds.count), final) }
        let more = (age - final) / step
        return (Int64(thresholds.count) + more, final + more * step)
    }

    private func isWanted() async -> Bool {
        do {
            return try await runner.expander.isTrueLoosely(
                condition: runner.settings.delayWarningCondition, outgoing.facts)
        } catch {
            runner.log.panic("delay_warning_condition: \(error.text)", id: id.bytes)
            return false
        }
    }
}
