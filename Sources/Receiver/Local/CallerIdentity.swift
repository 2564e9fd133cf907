import Glibc
import MailSystem
import Spooler

/// Who hands in mail: the user of this process, or of the one at the other end of the local socket.
struct CallerIdentity: Sendable, Equatable {
    var uid: UInt32
    var gid: UInt32
    /// Supplementary groups.
    var groups: [UInt32]

    private static let mostGroups = 65_536

    /// The user who runs this process.
    static var own: CallerIdentity {
        var groups = [gid_t](repeating: 0, count: mostGroups)
        let count = unsafe getgroups(CInt(groups.count), &groups)
        return CallerIdentity(uid: getuid(), gid: getgid(), groups: Array(groups.prefix(max(0, Int(count)))))
    }

    /// The mail system itself.
    static func mailUser(_ system: MailSystem) -> CallerIdentity {
        guard let owner = system.settings.owner else { return own }
        return CallerIdentity(uid: owner.uid, gid: owner.gid, groups: [])
    }

    /// The kernel's `struct ucred`, which glibc shows to GNU programs only.
    private struct Credentials {
        var pid: Int32 = 0
        var uid: UInt32 = 0
        var gid: UInt32 = 0
    }

    /// SO_PEERCRED, and SO_PEERGROUPS of Linux 4.13.
    private static let peerCredentials: CInt = 17
    private static let peerGroups: CInt = 59

    /// Who connected a Unix socket, by the kernel's word; nil when it gives none.
    static func peer(of socket: CInt) -> CallerIdentity? {
        var credentials = Credentials()
        var size = socklen_t(MemoryLayout<Credentials>.size)
        guard unsafe getsockopt(socket, SOL_SOCKET, peerCredentials, &credentials, &size) == 0 else {
            return nil
        }
        return CallerIdentity(uid: credentials.uid, gid: credentials.gid, groups: groups(of: socket))
    }

    private static func groups(of socket: CInt) -> [UInt32] {
        var groups = [gid_t](repeating: 0, count: mostGroups)
        var size = socklen_t(groups.count * MemoryLayout<gid_t>.size)
        guard unsafe getsockopt(socket, SOL_SOCKET, peerGroups, &groups, &size) == 0 else { return [] }
        return Array(groups.prefix(Int(size) / MemoryLayout<gid_t>.size))
    }
}
