package import Bytes
import Glibc
package import Spooler

/// Users and groups of the operating system, as far as a mail system asks for them.
package enum MailUser {
    /// Our process id.
    package static var processID: Int32 { getpid() }

    /// Whether we run as root.
    package static var isRoot: Bool { geteuid() == 0 }

    /// A line of the password file.
    package struct Account: Sendable, Hashable {
        /// The login name.
        package var login: ByteString
        /// The user's number.
        package var uid: UInt32
        /// The primary group's number.
        package var gid: UInt32
        /// The comment field, which holds the full name.
        package var comment: ByteString
        /// The home directory.
        package var home: ByteString
    }

    /// The account of a login name, or of a number written in digits.
    package static func account(named name: ByteString) -> Account? {
        if let number = name.decimalInteger(), let uid = UInt32(exactly: number) { return account(of: uid) }
        var entry = unsafe passwd()
        return unsafe read { buffer, result in
            unsafe getpwnam_r(name.string, &entry, buffer, Self.bufferSize, result)
        }
    }

    /// The account of a user's number.
    package static func account(of uid: UInt32) -> Account? {
        var entry = unsafe passwd()
        return unsafe read { buffer, result in
            unsafe getpwuid_r(uid, &entry, buffer, Self.bufferSize, result)
        }
    }

    /// The account that this process runs for.
    package static var caller: Account? { account(of: getuid()) }

    /// The number of a group, by its name or in digits.
    package static func groupNumber(named name: ByteString) -> UInt32? {
        if let number = name.decimalInteger() { return UInt32(exactly: number) }
        var entry = unsafe Glibc.group()
        var buffer = [CChar](repeating: 0, count: bufferSize)
        var result: UnsafeMutablePointer<Glibc.group>?
        guard unsafe getgrnam_r(name.string, &entry, &buffer, buffer.count, &result) == 0,
            let found = unsafe result
        else { return nil }
        return unsafe found.pointee.gr_gid
    }

    /// Who owns a file or directory; nil when it is not there.
    package static func owner(of path: ByteString) -> FileOwner? {
        var status = stat()
        guard unsafe stat(path.string, &status) == 0 else { return nil }
        return FileOwner(uid: status.st_uid, gid: status.st_gid)
    }

    private static let bufferSize = 1 << 14

    private static func read(
        _ call: (
            UnsafeMutablePointer<CChar>, UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
        ) ->
            CInt
    ) -> Account? {
        var result: UnsafeMutablePointer<passwd>?
        var storage = [CChar](repeating: 0, count: bufferSize)
        return unsafe storage.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress, unsafe call(base, &result) == 0,
                let found = unsafe result
            else { return nil }
            let comment = unsafe ByteString(String(cString: found.pointee.pw_gecos))
            return Account(
                login: unsafe ByteString(String(cString: found.pointee.pw_name)),
                uid: unsafe found.pointee.pw_uid, gid: unsafe found.pointee.pw_gid,
                comment: comment,
                home: unsafe ByteString(String(cString: found.pointee.pw_dir)))
        }
    }
}
