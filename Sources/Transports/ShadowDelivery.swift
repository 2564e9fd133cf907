package import Bytes
import Expansion

/// What a delivery log line tells of a shadow transport: `ST=name`, and the error in parentheses.
package struct ShadowReport: Sendable, Hashable {
    /// The shadow transport.
    package var transport: ByteString
    /// Why it did not succeed; nil when it did.
    package var error: ByteString?
}

/// Gives what was delivered to another local transport too (`shadow_transport`); what becomes of that changes nothing.
struct ShadowDelivery {
    let transport: Transport
    let message: OutgoingMessage
    let environment: TransportEnvironment

    /// What is told of it.
    struct Result {
        var report: ShadowReport?
        var lines: [TransportLogLine] = []
        var submitted: [ByteString] = []
    }

    /// Runs the shadow of `transport` for the addresses that it has served.
    func deliver(to items: [DeliveryItem], _ facts: Facts) async -> Result {
        guard let name = transport.generic.shadow else { return Result() }
        guard let shadow = environment.transport(name), !shadow.isRemote, !shadow.handsOver else {
            return Result(lines: [TransportLogLine("shadow transport \"\(name)\" not found ", isPanic: true)])
        }
        if let template = transport.generic.shadowCondition {
            do {
                let value = try await environment.expander.expand(template, facts).bytes
                if ["", "0", "no", "false"].contains(value) { return Result() }
            } catch {
                if case .forcedFailure = error { return Result() }
                let line: ByteString =
                    "failed to expand condition \"\(template.source)\" for \(transport.name) transport: \(error.text)"
                return Result(lines: [TransportLogLine(line, isPanic: true)])
            }
        }
        var (outcomes, lines) = await shadow.runAlone(message, items, environment)
        lines += await Transport.warn(&outcomes)
        var result = Result(lines: lines.filter(\.isPanic))
        result.report = ShadowReport(transport: name, error: outcomes.lazy.compactMap(\.failureText).first)
        result.submitted = outcomes.flatMap(\.submitted)
        return result
    }
}

extension TransportOutcome {
    /// Why an address was not served, as the log tells it.
    fileprivate var failureText: ByteString? {
        switch verdict {
        case .delivered: nil
        case .deferred(let trouble), .failed(let trouble):
            trouble.errno > 0
                ? "\(SystemFailure(number: trouble.errno).text): \(trouble.text)" : trouble.text
        }
    }
}
