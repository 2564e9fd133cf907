import Dispatch

/// Runs work that blocks, away from the threads that tasks run on.
package enum Offload {
    /// Runs the body on a thread of its own and gives its result.
    package static func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            // A queue of its own has a thread at once; a global one waits for a second when its threads all block, which a
            // few mailboxes that are locked, or LMTP servers that do not answer, would bring about.
            DispatchQueue(label: "offload", qos: .utility).async { continuation.resume(returning: body()) }
        }
    }
}
