import Bytes
import CUnbound
import Dispatch
import Glibc
import Synchronization

/// What libunbound said, copied out of its memory.
struct UnboundResult: Sendable {
    var rdata: [ByteString]
    var canonicalName: ByteString
    var responseCode: Int
    var secure: Bool
    /// Why validation failed; nil unless it did.
    var bogus: ByteString?
    var timeToLive: Int

    var isTrouble: Bool { bogus != nil || (responseCode != 0 && responseCode != 3) }
}

/// How a question to libunbound ended.
enum UnboundReply: Sendable {
    case result(UnboundResult)
    case timedOut
    case cancelled
    case error(ByteString)
}

/// Wraps one libunbound context.
///
/// `@unchecked Sendable`: libunbound locks its context itself (its functions may be called from any thread);
/// the pointer is set once, and freed only on `queue` after the last use there.
final class Unbound: @unchecked Sendable {
    private let context: OpaquePointer
    private let queue = DispatchQueue(label: "dns.unbound")
    private let source: any DispatchSourceRead

    init(_ settings: ResolverSettings) throws(ResolverError) {
        guard let made = unsafe ub_ctx_create() else {
            throw ResolverError(setting: "context", reason: "out of memory")
        }
        do throws(ResolverError) {
            try unsafe configure(made, settings)
        } catch {
            unsafe ub_ctx_delete(made)
            throw error
        }
        unsafe context = made
        source = DispatchSource.makeReadSource(fileDescriptor: unsafe ub_fd(made), queue: queue)
        let address = UInt(bitPattern: unsafe made)
        source.setEventHandler {
            guard let context = unsafe OpaquePointer(bitPattern: address) else { return }
            _ = unsafe ub_process(context)
        }
        source.setCancelHandler {
            guard let context = unsafe OpaquePointer(bitPattern: address) else { return }
            unsafe ub_ctx_delete(context)
        }
        source.activate()
    }

    /// Ends the context; no question may be open, which holds because each one keeps its resolver alive.
    func close() { source.cancel() }

    /// Asks one question and waits for its end.
    func ask(_ name: ByteString, type: RecordType, timeLimit: Duration) async -> UnboundReply {
        let question = Question(owner: self)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                start(question, name: name, type: type, continuation)
                let (seconds, attoseconds) = timeLimit.components
                let milliseconds = seconds.clampedProduct(1000) + attoseconds / 1_000_000_000_000_000
                queue.asyncAfter(deadline: .now() + .milliseconds(Int(clamping: milliseconds))) { [weak question] in
                    question?.abandon(.timedOut)
                }
            }
        } onCancel: {
            question.abandon(.cancelled)
        }
    }

    private func start(
        _ question: Question, name: ByteString, type: RecordType,
        _ continuation: CheckedContinuation<UnboundReply, Never>
    ) {
        guard question.begin(continuation) else { return continuation.resume(returning: .cancelled) }
        let retained = unsafe Unmanaged.passRetained(question)
        var number: CInt = 0
        let refusal = unsafe ub_resolve_async(
            context, name.string, CInt(type.rawValue), 1, retained.toOpaque(), questionAnswered, &number)
        if refusal == 0 {
            question.started(number)
        } else {
            unsafe retained.release()
            question.end(.error(unboundMessage(refusal)))
        }
    }

    /// Takes a question back; false when its answer is on the way already.
    fileprivate func cancel(_ number: CInt) -> Bool { unsafe ub_cancel(context, number) == 0 }
}

extension Int64 {
    fileprivate func clampedProduct(_ factor: Int64) -> Int64 {
        let (product, over) = multipliedReportingOverflow(by: factor)
        return over ? .max / 2 : product
    }
}

/// One open question; ends exactly once, by answer, time limit or cancellation.
private final class Question: Sendable {
    private struct State {
        var continuation: CheckedContinuation<UnboundReply, Never>?
        var ended = false
    }

    private let owner: Unbound
    private let state = Mutex(State())

    init(owner: Unbound) { self.owner = owner }

    /// Takes what will be resumed; false when the question ended before it began.
    func begin(_ continuation: CheckedContinuation<UnboundReply, Never>) -> Bool {
        state.withLock {
            if $0.ended { return false }
            $0.continuation = continuation
            return true
        }
    }

    func started(_ number: CInt) {}

    func end(_ reply: UnboundReply) {
        let waiting = state.withLock { state in
            defer {
                state.continuation = nil
                state.ended = true
            }
            return state.continuation
        }
        waiting?.resume(returning: reply)
    }

    /// Ends the wait; libunbound goes on, its answer then only fills the cache.
    func abandon(_ reply: UnboundReply) { end(reply) }
}

/// What libunbound calls on the queue, once for each question; frees the result and the retained question.
private func questionAnswered(
    _ retained: UnsafeMutableRawPointer?, _ error: CInt, _ result: UnsafeMutablePointer<ub_result>?
) {
    guard let retained = unsafe retained else { return }
    let question = unsafe Unmanaged<Question>.fromOpaque(retained).takeRetainedValue()
    guard error == 0, let result = unsafe result else {
        return question.end(.error(unboundMessage(error)))
    }
    question.end(.result(unsafe copied(result)))
    unsafe ub_resolve_free(result)
}

private func unboundMessage(_ code: CInt) -> ByteString {
    unsafe text(ub_strerror(code)) ?? "error \(code)"
}

private func text(_ pointer: UnsafePointer<CChar>?) -> ByteString? {
    unsafe pointer.map { unsafe ByteString(String(cString: $0)) }
}
