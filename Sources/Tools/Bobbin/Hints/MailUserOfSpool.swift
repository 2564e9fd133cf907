import Bytes
import MailSystem
import Spooler

/// Who the mail system runs as, where only a spool is known.
enum MailUserOfSpool {
    /// The owner of the spool directory, if we may give files away; Exim cannot write files that root owns.
    static func owner(_ spool: ByteString) -> FileOwner? {
        MailUser.isRoot ? MailUser.owner(of: spool) : nil
    }
}
