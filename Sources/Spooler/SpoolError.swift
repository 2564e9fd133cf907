public import Bytes
internal import Glibc

/// Why something could not be done to the spool: what was tried, on which path, and what the system said.
public struct SpoolError: Error, Equatable, Sendable {
    /// What was tried: a system call's name, or a few words.
    public var operation: String
    /// On which file or directory.
    public var path: ByteString
    /// What came of it.
    public var cause: Cause

    /// What came of it.
    public enum Cause: Equatable, Sendable {
        /// The system refused.
        case system(errno: Int32)
        /// A header file cannot be read, or what should be written cannot be.
        case format(SpoolFormatError)
        /// It is not done, for the reason given.
        case refused(String)
        /// A step was stopped from outside (`Spool.beforeStep`), as if the process had died: nothing is
        /// cleaned up.
        case stopped
    }

    /// Makes an error.
    public init(_ operation: String, _ path: ByteString, _ cause: Cause) {
        self.operation = operation
        self.path = path
        self.cause = cause
    }

    /// Makes an error of the system's last one.
    static func last(_ operation: String, _ path: ByteString) -> SpoolError {
        SpoolError(operation, path, .system(errno: errno))
    }

    /// The system's error number, where there is one.
    public var errorNumber: Int32? {
        guard case .system(let number) = cause else { return nil }
        return number
    }

    var isNotFound: Bool { errorNumber == ENOENT }
    var isExisting: Bool { errorNumber == EEXIST }
    var isOutOfDescriptors: Bool { errorNumber == EMFILE || errorNumber == ENFILE }
}

extension SpoolError: CustomStringConvertible {
    /// One sentence with the cause, and what can be done about it.
    public var description: String {
        switch cause {
        case .system(let number):
            "\(operation) \(path): \(System.text(of: number))\(Self.advice(for: number))"
        case .format(let error): "\(operation) \(path): \(error); the file is left as it is"
        case .refused(let why): "\(operation) \(path): \(why)"
        case .stopped: "\(operation) \(path): stopped"
        }
    }

    private static func advice(for number: Int32) -> String {
        switch number {
        case EACCES, EPERM:
            "; spool files must belong to the mail user, and this program must run as that user or as root"
        case ENOSPC, EDQUOT: "; make room on the file system of the spool"
        case EROFS: "; the file system of the spool is mounted read-only"
        case EEXIST: "; something of that name is there already and is not overwritten"
        case ELOOP: "; symbolic links are not followed in the spool"
        case EMFILE, ENFILE: "; raise the limit of open files"
        default: ""
        }
    }
}
