package import Bytes
import Glibc

/// An entry of the machine's user table.
package struct UserEntry: Sendable, Hashable {
    /// The login name.
    package var name: ByteString
    /// The numeric user id.
    package var userID: Int
    /// The numeric primary group id.
    package var groupID: Int
    /// The comment field.
    package var comment: ByteString
    /// The home directory.
    package var home: ByteString
    /// The login shell.
    package var shell: ByteString

    /// The entry of that name; nil when there is none.
    ///
    /// - Throws: the reason when the table cannot be asked.
    package static func named(_ name: ByteString) throws(LookupTrouble) -> UserEntry? {
        // A zero would end the name early for the system, which would then find another user.
        if name.contains(0) { return nil }
        var status: CInt = 0
        let entry = unsafe name.withCPath { path in
            unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: longestEntry) { room in
                guard let start = room.baseAddress else { return UserEntry?.none }
                var record = unsafe passwd()
                var found: UnsafeMutablePointer<passwd>?
                status = unsafe getpwnam_r(path, &record, start, room.count, &found)
                return unsafe found == nil ? UserEntry?.none : unsafe UserEntry(name, record)
            }
        }
        guard status == 0 || status == ENOENT || status == ESRCH else {
            throw LookupTrouble("getpwnam failed for \"\(name)\": \(FileCache.reason(status))")
        }
        return entry
    }

    private init(_ name: ByteString, _ record: passwd) {
        self.name = name
        userID = Int(unsafe record.pw_uid)
        groupID = Int(unsafe record.pw_gid)
        comment = unsafe Self.text(record.pw_gecos)
        home = unsafe Self.text(record.pw_dir)
        shell = unsafe Self.text(record.pw_shell)
    }

    /// The most octets that one entry's strings may take.
    package static let longestEntry = 65_536

    private static func text(_ pointer: UnsafeMutablePointer<CChar>?) -> ByteString {
        guard let pointer = unsafe pointer else { return ByteString() }
        return ByteString(unsafe String(cString: pointer))
    }
}

/// `passwd`: a line of the machine's user table, the password hidden (manual, section 9.4).
struct PasswordSearch: LookupDriver {
    var style: LookupStyle { .query }

    func find(_ request: LookupRequest) async -> LookupOutcome {
        do {
            guard let user = try UserEntry.named(request.key) else { return .notFound }
            return .found("*:\(user.userID):\(user.groupID):\(user.comment):\(user.home):\(user.shell)")
        } catch {
            return .deferred(error.text)
        }
    }
}
