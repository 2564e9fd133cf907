import Bytes
import Configuration
import Expansion
import MailSystem

/// Values that other options of the same instance bring, as `-bP` shows them.
struct ImpliedOptions {
    let block: OptionBlock

    /// What an option that is not set comes to; nil where nothing else decides.
    func text(_ name: ByteString) -> ByteString? {
        if name == "group", let user = block.template("user")?.literal,
            let account = MailUser.account(named: user)
        {
            return GroupName.of(account.gid)
        }
        guard block.kind == .transport, ["appendfile", "pipe"].contains(block.driver),
            let place = Self.mailbox.firstIndex(of: name)
        else { return nil }
        if block.flag("use_bsmtp") == true { return [".", "..", "", ""][place] }
        return block.values["directory"] == nil ? nil : ""
    }

    /// Whether a switch that is not set is on; nil where nothing else decides.
    func flag(_ name: ByteString) -> Bool? {
        guard block.kind == .router, block.driver == "redirect" else { return nil }
        let checksUser = block.flag("check_local_user") == true
        switch name {
        case "check_owner": return checksUser || block.values["owners"] != nil
        case "check_group":
            // The group matters where it may write.
            let mask = block.number("modemask") ?? Self.usualMask
            return (checksUser && mask & Self.groupWrites == 0) || block.values["owngroups"] != nil
        default: return nil
        }
    }

    private static let mailbox: [ByteString] = [
        "check_string", "escape_string", "message_prefix", "message_suffix",
    ]
    private static let usualMask: Int64 = 0o22
    private static let groupWrites: Int64 = 0o20
}
