import Bytes
import EximLog
import Expansion
import Spooler

/// Whether a frozen message is worked on (delivery.md 2.2).
struct FrozenRules {
    /// What is to be done.
    enum Judgement: Equatable {
        /// Leave it alone.
        case leave
        /// Work on it.
        case work
        /// All recipients fail: it has been frozen for too long.
        case cancel
    }

    let runner: RunnerSystem
    let id: MessageID

    /// Judges, logs, and thaws the header where that is due.
    func judge(_ header: inout HeaderFile) -> Judgement {
        guard header.isFrozen else { return .work }
        let now = runner.expander.environment.now().seconds
        let age = now - header.receivedTime
        let settings = runner.settings
        if settings.timeoutFrozenAfter > 0, age >= settings.timeoutFrozenAfter {
            log(.cancelledByTimeout)
            return .cancel
        }
        let cause: ByteString
        if header.sender.isEmpty, age >= settings.ignoreBounceErrorsAfter {
            cause = "errmsg timer"
        } else if !header.sender.isEmpty, settings.autoThaw > 0, let since = header.frozenSince,
            now >= since + settings.autoThaw
        {
            cause = "auto-thaw"
        } else if runner.options.thaws {
            cause = "forced delivery"
        } else {
            log(.skippedFrozen)
            return .leave
        }
        log(.unfrozen(by: cause))
        _ = header.thaw()
        return .work
    }

    private func log(_ event: MessageEvent) { runner.log(event.text(by: runner.selector), id) }
}
