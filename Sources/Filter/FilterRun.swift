package import Bytes
package import Expansion
import MailText

/// Runs a filter over a message.
package struct FilterRun {
    /// What a filter may do, and what it is told.
    package struct Setting: Sendable {
        /// What it may do.
        package var rights: FilterRights
        /// The domain of addresses that have none.
        package var qualifyDomain: ByteString
        /// Where `errors_to` may point to in a user's filter: the address whose filter it is.
        package var ownAddress: ByteString = ""
        /// Writes to a log file at once, and tells what went wrong; nil keeps what is logged in the outcome.
        package var writeLog: (@Sendable (FilterLogLine) async -> ByteString?)?
        /// Told of what a test prints; nil when the filter is not just tested.
        package var report: (@Sendable (ByteString) -> Void)?
        /// Told of what conditions came to, when a test is to tell that.
        package var explain: (@Sendable (ByteString) -> Void)?

        /// The setting of a user's filter.
        package init(_ rights: FilterRights, qualifyDomain: ByteString) {
            self.rights = rights
            self.qualifyDomain = qualifyDomain
        }
    }

    /// Why commands are obeyed no further.
    enum Step { case next, end }

    let setting: Setting
    var expander: Expander
    var facts: Facts
    var outcome = FilterOutcome()
    var logFile: (path: TaintedBytes, mode: UInt32)?
    var thisAddress: TaintedBytes = ""

    /// Makes a run; `facts` tells of message and address.
    package init(_ setting: Setting, _ expander: Expander, _ facts: Facts) {
        self.setting = setting
        self.expander = expander
        self.facts = facts
        self.facts.captures = []
        for index in 0..<10 where self.facts.extra["sn\(index)"] == nil {
            self.facts.extra["sn\(index)"] = "0"
        }
        if !setting.rights.isSystem { self.facts.extra["recipients"] = "" }
        showCounters()
    }

    /// Obeys the commands; throws with Exim's text.
    package mutating func run(_ file: FilterFile) async throws(FilterError) -> FilterOutcome {
        _ = try await obey(file.commands)
        return outcome
    }

    /// A value as a test tells it.
    func shown(_ value: ByteString) -> ByteString { expander.environment.shown(value) }

    mutating func obey(_ commands: [FilterCommand]) async throws(FilterError) -> Step {
        for command in commands {
            if case .end = try await obey(command) { return .end }
        }
        return .next
    }

    var isTest: Bool { setting.report != nil }

    func report(_ line: @autoclosure () -> ByteString) { setting.report?(line()) }

    mutating func showCounters() {
        for (index, value) in outcome.counters.enumerated() {
            facts.extra["n\(index)"] = TaintedBytes("\(value)")
        }
        facts.extra["thisaddress"] = thisAddress
    }

    // MARK: Values

    /// Expands a value; `place` says where it stands, for the error.
    func expand(_ text: ByteString, _ place: ByteString) async throws(FilterError) -> TaintedBytes {
        do {
            return try await expander.expand(Template(text), facts)
        } catch {
            var failure = FilterError("failed to expand \"\(text)\" in \(place): \(error.text)")
            if case .deferred = error { failure.isTemporary = true }
            throw failure
        }
    }
}
