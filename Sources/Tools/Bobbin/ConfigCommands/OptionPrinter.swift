import Bytes
import ChildPrograms
import Configuration
import EximLog
import Expansion
import MailSystem
import Routing
import Spooler

/// Prints options as -bP does (manual, option -bP).
struct OptionPrinter: Sendable {
    let site: Site
    /// Whether the caller may see what `hide` hides.
    let showsHidden: Bool
    /// Whether only values are printed (-n).
    var onlyValues = false

    /// All options of a section or driver instance.
    func lines(of block: OptionBlock) -> ByteString {
        block.knownOptions.filter { !Self.pseudoOptions.contains($0.name) }
            .reduce(into: ByteString()) { $0 += line($1, of: block) }
    }

    /// One option by its name; nil when there is none of that name.
    func line(_ name: ByteString, of block: OptionBlock) -> ByteString? {
        block.knownOptions.first { $0.name == name }.map { line($0, of: block) }
    }

    private var topBitPrints: Bool { site.configuration.main.flag("print_topbitchars") ?? false }

    private func line(_ option: KnownOption, of block: OptionBlock) -> ByteString {
        let setting = block.values[option.name]
        if setting?.isHidden == true, !showsHidden {
            return assignment(option.name, "<value not displayable>")
        }
        if isFlag(option, setting) { return flag(option.name, setting, block) }
        if let setting {
            return assignment(
                option.name, OptionValueText(topBitPrints: topBitPrints).text(setting.value, option))
        }
        if block.kind != .main, option.name == "driver" { return assignment("driver", block.driver) }
        if let own = block.kind == .main ? ownDefault(option.name) : nil {
            return assignment(option.name, own)
        }
        if let implied = ImpliedOptions(block: block).text(option.name) {
            return assignment(option.name, implied)
        }
        let driver = block.kind == .main ? nil : block.driver
        guard let line = OptionDefaults.line(option.name, driver: driver) else { return unset(option) }
        return onlyValues ? "\(line.dropFirst(option.name.count + 3))\n" : "\(line)\n"
    }

    /// A switch that may be expanded is printed as one unless it holds a string.
    private func isFlag(_ option: KnownOption, _ setting: OptionBlock.Setting?) -> Bool {
        guard option.kind == .expandedBoolean else { return option.kind == .boolean }
        if case .template = setting?.value { return false }
        return true
    }

    private func assignment(_ name: ByteString, _ value: ByteString) -> ByteString {
        onlyValues ? "\(value)\n" : "\(name) = \(value)\n"
    }

    private func flag(_ name: ByteString, _ setting: OptionBlock.Setting?, _ block: OptionBlock) -> ByteString
    {
        let driver = block.kind == .main ? nil : block.driver
        var isOn = OptionDefaults.line(name, driver: driver) != nil
        if name == "retry_use_local_part", block.kind == .router {
            isOn = RouterOptions.dependsOnLocalPart(block)
        }
        // `verify` and `fail_verify` set two options each.
        if block.kind == .router, let both = Self.bothSet[name], let value = block.flag(both) { isOn = value }
        if let implied = ImpliedOptions(block: block).flag(name) { isOn = implied }
        if case .flag(let value) = setting?.value { isOn = value }
        return isOn ? "\(name)\n" : "no_\(name)\n"
    }

    /// Numbers, and lists of users and groups, that are not set have no blank behind the sign.
    private func unset(_ option: KnownOption) -> ByteString {
        if option.kind == .fixed || Self.accountLists.contains(option.name) {
            return onlyValues ? "\n" : "\(option.name) =\n"
        }
        return assignment(option.name, "")
    }

    /// Spellings that set two options at once, or are old names of one; Exim does not list them.
    private static let pseudoOptions: Set<ByteString> = [
        "fail_verify", "return_size_limit", "translate_ip_address", "verify",
    ]

    /// The options that one spelling sets together, with that spelling.
    private static let bothSet: [ByteString: ByteString] = [
        "verify_recipient": "verify", "verify_sender": "verify",
        "fail_verify_recipient": "fail_verify", "fail_verify_sender": "fail_verify",
    ]

    private static let accountLists: Set<ByteString> = [
        "admin_groups", "never_users", "owners", "owngroups", "trusted_groups", "trusted_users",
    ]

    /// Main options whose default depends on the machine.
    private func ownDefault(_ name: ByteString) -> ByteString? {
        let main = site.configuration.main
        switch name {
        case "primary_hostname": return HostName.current
        case "qualify_domain": return main.text("primary_hostname") ?? HostName.current
        case "qualify_recipient":
            return main.text("qualify_domain") ?? main.text("primary_hostname") ?? HostName.current
        case "spool_directory": return site.spool.directory
        case "log_file_path": return "\(site.spool.directory)/log/%slog"
        case "exim_path": return "\(SiblingProgram.directory ?? ".")/bobbin"
        case "exim_user": return site.mailUser.map { MailUser.account(of: $0.uid)?.login ?? "\($0.uid)" }
        case "exim_group": return site.mailUser.map { GroupName.of($0.gid) ?? "\($0.gid)" }
        case "process_log_path": return "\(site.spool.directory)/exim-process.info"
        default: return nil
        }
    }
}

/// Values as Exim prints them.
struct OptionValueText {
    /// `print_topbitchars`.
    let topBitPrints: Bool

    /// The text of a value; what does not print is escaped.
    func text(_ value: OptionValue, _ option: KnownOption) -> ByteString {
        switch value {
        case .flag(let flag): flag ? "true" : "false"
        case .number(let number): text(number, option)
        case .seconds(let seconds): EximInterval.format(seconds)
        case .intervals(let list): list.map(EximInterval.format).joined(separator: ":")
        case .text(let text): text.escapingUnprintable(topBitPrints: topBitPrints)
        case .template(let template): template.source.escapingUnprintable(topBitPrints: topBitPrints)
        }
    }

    private func text(_ number: Int64, _ option: KnownOption) -> ByteString {
        switch option.kind {
        case .octal: number == 0 ? "0" : "0\(ByteString(String(number, radix: 8)))"
        case .fixed: thousandths(number)
        default: Self.scaledOptions.contains(option.name) ? scaled(number) : "\(number)"
        }
    }

    /// Options that Exim prints with K and M.
    private static let scaledOptions: Set<ByteString> = [
        "bounce_return_size_limit", "check_log_space", "check_spool_space", "max_output",
        "message_body_visible", "return_size_limit",
    ]

    private func scaled(_ number: Int64) -> ByteString {
        if number != 0, number % (1 << 20) == 0 { return "\(number >> 20)M" }
        if number != 0, number % (1 << 10) == 0 { return "\(number >> 10)K" }
        return "\(number)"
    }

    private func thousandths(_ number: Int64) -> ByteString {
        var decimals: ByteString = "\(number % 1000, zeroPadded: 3)"
        while decimals.count > 1, decimals.last == UInt8(ascii: "0") {
            decimals = ByteString(decimals.dropLast())
        }
        return "\(number / 1000).\(decimals)"
    }
}
