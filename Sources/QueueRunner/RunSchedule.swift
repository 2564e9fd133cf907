import Bytes
import Configuration
import EximLog
import Expansion
import MailSystem
import Synchronization

/// Queue runs at an interval, in one process that keeps its connections and what it has learned of hosts
/// (manual, option -q with a time).
struct RunSchedule: Sendable {
    /// How often a sleeping schedule looks whether it shall end.
    static let nap = Duration.milliseconds(200)

    let runner: RunnerSystem
    /// The interval in seconds.
    let interval: Int64

    /// Starts a run now and then one each interval, until the program shall stop; returns when the last has ended.
    func run() async {
        let running = RunCount()
        await withDiscardingTaskGroup { group in
            while !runner.stop.isAsked {
                if running.begin(atMost: await runner.queueRunMax()) {
                    group.addTask {
                        await QueueRun(runner).walk()
                        running.end()
                    }
                }
                await sleep()
            }
        }
    }

    private func sleep() async {
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: .seconds(interval))
        while !runner.stop.isAsked, clock.now < end {
            try? await clock.sleep(for: min(Self.nap, end - clock.now))
        }
    }
}

/// How many runs are going on.
private final class RunCount: Sendable {
    private let count = Mutex(0)

    /// Counts one more, unless there are as many as may be; 0 for no limit.
    func begin(atMost limit: Int) -> Bool {
        count.withLock { count in
            guard limit <= 0 || count < limit else { return false }
            count += 1
            return true
        }
    }

    func end() { count.withLock { $0 -= 1 } }
}

extension RunnerSystem {
    /// How many runs of this process may go on at one time (`queue_run_max`, expanded each time; 0: no limit).
    ///
    /// A text that cannot be expanded counts as the default, and the log says why.
    func queueRunMax() async -> Int {
        let standard = 5
        guard let template = system.configuration.main.template("queue_run_max") else { return standard }
        var facts = Facts()
        facts.message.queueName = options.queue
        do {
            let text = try await expander.expand(template, facts)
            guard let number = text.bytes.trimmed().decimalInteger() else {
                log.main("queue_run_max: \"\(text.bytes)\" is no number; \(standard) is taken")
                return standard
            }
            return Int(clamping: number)
        } catch {
            log.main("queue_run_max: \(String(describing: error)); \(standard) is taken")
            return standard
        }
    }
}
