import Bytes
package import Configuration
import Expansion

/// Users and groups that options name by words: a name that this machine does not know is a mistake of the file.
///
/// A list that lets somebody do something, or forbids it, must not be shorter than it looks. What is to be expanded is
/// known only when it is.
package enum AccountCheck {
    /// Throws, in Exim's words, for the first name that nobody has.
    package static func check(_ configuration: Configuration) throws(ConfigurationError) {
        for option in ["exim_user", "never_users", "trusted_users"] as [ByteString] {
            try check(configuration.main, option, .user)
        }
        for option in ["exim_group", "admin_groups", "trusted_groups"] as [ByteString] {
            try check(configuration.main, option, .group)
        }
        let transports = configuration.transportOrder.compactMap { configuration.transports[$0] }
        for block in configuration.routers + transports {
            try check(block, "user", .user)
            try check(block, "group", .group)
        }
    }

    private enum Kind {
        case user, group

        func has(_ name: ByteString) -> Bool {
            switch self {
            case .user: name.decimalInteger() != nil || MailUser.account(named: name) != nil
            case .group: MailUser.groupNumber(named: name) != nil
            }
        }
    }

    private static func check(
        _ block: OptionBlock, _ option: ByteString, _ kind: Kind
    ) throws(ConfigurationError) {
        guard let setting = block.values[option] else { return }
        let text: ByteString?
        switch setting.value {
        case .text(let plain): text = plain
        case .template(let template): text = template.literal
        default: text = nil
        }
        guard let text else { return }
        // A single name is a list of one.
        for name in ItemList.split(text, separator: UInt8(ascii: ":")) where !name.isEmpty {
            guard !kind.has(name) else { continue }
            throw ConfigurationError(
                "\(kind == .user ? "user" : "group") \(name) was not found", at: setting.place)
        }
    }
}
