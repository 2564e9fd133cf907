import Bytes
import Configuration
import EximLog
import Expansion
import MailSystem
import MailText

/// The line `From sender date` that some programs put before a message (`uucp_from_pattern` and its relatives).
struct FromLine: Sendable {
    /// Nil where the pattern cannot be used.
    let pattern: PCRE2Pattern?
    /// `uucp_from_sender`: the sender, from what the pattern has found.
    let sender: Template
    /// `ignore_fromline_local`: whether the line is passed over in local SMTP sessions.
    let isIgnoredLocally: Bool

    /// What Exim's manual shows.
    static let standard: ByteString =
        #"^From\s+(\S+)\s+(?:[a-zA-Z]{3},?\s+)?(?:[a-zA-Z]{3}\s+\d?\d|\d?\d\s+[a-zA-Z]{3}\s+\d\d(?:\d\d)?)\s+\d\d?:\d\d?"#

    /// Reads the options; `tell` hears of a pattern that is none.
    init(_ main: OptionBlock, tell: (ByteString) -> Void) {
        pattern = PCRE2Pattern.option(
            "uucp_from_pattern", main.text("uucp_from_pattern") ?? Self.standard, tell)
        sender = main.template("uucp_from_sender") ?? "$1"
        isIgnoredLocally = main.flag("ignore_fromline_local") ?? false
    }
}

/// What a user's name is made of (`gecos_pattern` and `gecos_name`, `unknown_login` and `unknown_username`).
struct GecosRules: Sendable {
    private let pattern: PCRE2Pattern?
    private let name: Template?
    private let unknownLogin: Template?
    private let unknownName: ByteString

    /// Reads the options; `tell` hears of a pattern that is none.
    init(_ main: OptionBlock, tell: (ByteString) -> Void) {
        pattern = main.text("gecos_pattern").flatMap { PCRE2Pattern.option("gecos_pattern", $0, tell) }
        name = main.template("gecos_name")
        unknownLogin = main.template("unknown_login")
        unknownName = main.text("unknown_username") ?? ""
    }

    /// The full name of a user with an account.
    func fullName(_ account: MailUser.Account, _ system: MailSystem) async -> ByteString {
        let text = UserName.named(account.comment, login: account.login)
        guard let pattern, let name, let captures = pattern.captures(of: text) else { return text }
        var facts = Facts()
        facts.captures = captures
        do {
            return try await system.expander.expand(name, facts).bytes
        } catch {
            system.log.panic("failed to expand gecos_name: \(error.text)")
            return text
        }
    }

    /// Login and full name of a user whom the system does not know.
    func stranger(_ uid: UInt32, _ system: MailSystem) async -> (login: ByteString, fullName: ByteString) {
        let standard: ByteString = "uid\(uid)"
        guard let unknownLogin else { return (standard, "") }
        var facts = Facts()
        facts.message.callerUID = Int(uid)
        do {
            let login = try await system.expander.expand(unknownLogin, facts).bytes
            return (login.isEmpty ? standard : login, unknownName)
        } catch {
            system.log.panic("failed to expand unknown_login: \(error.text)")
            return (standard, unknownName)
        }
    }
}

extension PCRE2Pattern {
    /// The pattern of an option; nil where it is none, which is told.
    fileprivate static func option(
        _ name: ByteString, _ text: ByteString, _ tell: (ByteString) -> Void
    ) -> PCRE2Pattern? {
        do throws(PatternError) {
            return try compile(text)
        } catch {
            tell("\(name) is no regular expression: \"\(text)\"")
            return nil
        }
    }

    /// `$0`, `$1` and so on; nil where it does not match.
    func captures(of text: ByteString) -> [TaintedBytes]? {
        guard let found = try? firstMatch(in: text) else { return nil }
        return found.captures.map { TaintedBytes($0.map { ByteString(text[$0]) } ?? "", .tainted) }
    }
}
