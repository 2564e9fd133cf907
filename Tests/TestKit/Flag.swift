import Synchronization

/// A switch that threads of a test's server look at.
package final class Flag: Sendable {
    private let state: Atomic<Bool>

    /// Makes a switch.
    package init(_ isSet: Bool) { state = Atomic(isSet) }

    /// Whether it is on.
    package var isSet: Bool { state.load(ordering: .sequentiallyConsistent) }

    /// Turns it off.
    package func clear() { state.store(false, ordering: .sequentiallyConsistent) }
}
