package import Bytes
import Glibc

/// How a child ended.
package enum ChildEnd: Sendable, Hashable {
    /// It ended by itself, with this status from 0 to 255.
    case exited(Int)
    /// A signal of this number ended it.
    case killed(Int)
    /// It was no child of ours, or somebody else has heard its end.
    case unknown

    /// Reads a status as `waitpid` gives it.
    private init(status: CInt) {
        let signal = status & 0x7F
        self = signal == 0 ? .exited(Int(status >> 8 & 0xFF)) : .killed(Int(signal))
    }

    /// It in words, for a sentence about the program: `ended with status 1`.
    package var words: ByteString {
        switch self {
        case .exited(let status): "ended with status \(status)"
        case .killed(let signal): "was killed by signal \(signal)"
        case .unknown: "ended nobody knows how"
        }
    }

    /// Waits until the child has ended, on the calling thread.
    @discardableResult
    package static func wait(for child: Int32) -> ChildEnd { heard(child, 0) ?? .unknown }

    /// How the child has ended; nil while it runs.
    ///
    /// Never waits.
    package static func ofChild(_ child: Int32) -> ChildEnd? { heard(child, WNOHANG) }

    /// Waits until any child has ended, on the calling thread; nil when there is none.
    package static func waitForAny() -> (child: Int32, end: ChildEnd)? {
        var status: CInt = 0
        let child = waited(-1, &status, 0)
        return child > 0 ? (child, ChildEnd(status: status)) : nil
    }

    private static func heard(_ child: pid_t, _ options: CInt) -> ChildEnd? {
        var status: CInt = 0
        return switch waited(child, &status, options) {
        case child: ChildEnd(status: status)
        case 0: nil
        default: .unknown
        }
    }

    private static func waited(_ child: pid_t, _ status: inout CInt, _ options: CInt) -> pid_t {
        while true {
            let found = unsafe waitpid(child, &status, options)
            if found >= 0 || errno != EINTR { return found }
        }
    }
}
