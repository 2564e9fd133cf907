import Dispatch

/// Runs work that blocks, away from the threads that tasks run on.
enum Offload {
    /// Runs the body on a thread of its own and gives its result.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            DispatchQueue.global(qos: .utility).async { continuation.resume(returning: body()) }
        }
    }
}
