import Bytes
import Glibc
import MailSystem
import Spooler

/// Gives up root's rights.
enum Privileges {
    /// Becomes the mail user for good, when we are root and there is one; throws when that is refused.
    static func drop(to owner: FileOwner?) throws(StartError) {
        guard MailUser.isRoot, let owner, owner.uid != 0 else { return }
        let login = MailUser.account(of: owner.uid)?.login.string ?? "nobody"
        guard unsafe initgroups(login, owner.gid) == 0, setgid(owner.gid) == 0, setuid(owner.uid) == 0,
            setuid(0) != 0
        else { throw StartError("cannot become the mail user (uid \(owner.uid), gid \(owner.gid))") }
    }
}
