import Foundation

/// Runs what waits for other processes, away from the threads that tests share.
package enum OwnThread {
    /// Runs the body on a thread of its own.
    package static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws
        -> Value
    {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
        }
    }
}
