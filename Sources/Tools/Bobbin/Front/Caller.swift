import Bytes
import Glibc
import MailSystem

/// Who called the program: its real user, and the groups of that user.
struct Caller: Sendable, Hashable {
    /// The real user.
    var uid: UInt32
    /// The real group.
    var gid: UInt32
    /// The supplementary groups.
    var groups: [UInt32]
    /// The login name, or the number where there is none.
    var login: ByteString

    /// The caller of this process.
    static func current() -> Caller {
        let uid = getuid()
        var groups = [gid_t](repeating: 0, count: max(0, Int(getgroups(0, nil))))
        let count = unsafe getgroups(Int32(groups.count), &groups)
        return Caller(
            uid: uid, gid: getgid(), groups: Array(groups.prefix(max(0, Int(count)))),
            login: MailUser.account(of: uid)?.login ?? "\(uid)")
    }

    /// Whether the caller is root.
    var isRoot: Bool { uid == 0 }

    /// Whether one of the caller's groups is among those given.
    func isMember(ofAny groups: [UInt32]) -> Bool {
        groups.contains { $0 == gid || self.groups.contains($0) }
    }
}
