import Foundation

/// A gate at which threads of a test's server wait until the test opens it.
package final class Gate: Sendable {
    private let condition = NSCondition()
    // Guarded by `condition`.
    private nonisolated(unsafe) var isOpen = true
    private nonisolated(unsafe) var waiting = 0

    /// Makes an open gate.
    package init() {}

    /// Lets all who wait, and all who come, pass.
    package func open() {
        condition.lock()
        defer { condition.unlock() }
        unsafe isOpen = true
        condition.broadcast()
    }

    /// Makes all who come wait.
    package func close() {
        condition.lock()
        defer { condition.unlock() }
        unsafe isOpen = false
    }

    /// Whether somebody waits.
    package var isWaitedFor: Bool {
        condition.lock()
        defer { condition.unlock() }
        return unsafe waiting > 0
    }

    /// Waits until the gate is open.
    package func pass() {
        condition.lock()
        defer { condition.unlock() }
        unsafe waiting += 1
        while unsafe !isOpen { condition.wait() }
        unsafe waiting -= 1
    }
}
