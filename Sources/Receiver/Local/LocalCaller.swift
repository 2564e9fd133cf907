import Bytes
import Expansion
import Glibc
import MailSystem
import MailText
import Spooler

/// Line 2 of `-H`: for whom a process receives.
enum ProcessOrigin {
    typealias Value = (login: ByteString, uid: Int64, gid: Int64)

    /// The mail system itself, as a daemon writes it: the mail user, or the user who runs us.
    static func own(login: ByteString, owner: FileOwner?) -> Value {
        guard let owner else { return (login, Int64(geteuid()), Int64(getegid())) }
        return (login, Int64(owner.uid), Int64(owner.gid))
    }
}

/// The user who runs a program of ours to hand in mail, and what he may do.
struct LocalCaller: Sendable {
    let login: ByteString
    let fullName: ByteString
    let uid: Int64
    let gid: Int64
    /// Root, the mail user, or one of `trusted_users` or `trusted_groups`: may set the sender.
    let isTrusted: Bool
    let submitter: Submitter
    var fixups = FixupOptions()

    var origin: ProcessOrigin.Value { (login, uid, gid) }

    /// Finds out who calls.
    ///
    /// `fullName` is that of `-F`; nil asks the system.
    init(
        _ identity: CallerIdentity, _ system: MailSystem, _ settings: ReceptionSettings,
        fullName: ByteString?
    ) async {
        let name: ByteString
        if let account = MailUser.account(of: identity.uid) {
            login = account.login
            name = await settings.gecos.fullName(account, system)
        } else {
            (login, name) = await settings.gecos.stranger(identity.uid, system)
        }
        self.fullName = fullName ?? name
        (uid, gid) = (Int64(identity.uid), Int64(identity.gid))
        isTrusted = await Self.isTrusted(identity, login, system, settings)
        submitter = Submitter(
            login: login, fullName: self.fullName, qualifyDomain: system.settings.qualifyDomain,
            isTrusted: isTrusted, namesEveryone: fullName != nil)
        fixups = settings.fixups
    }

    /// Whether he may say that an envelope sender is his: trusted callers any, others one of `untrusted_set_sender`;
    /// with `-f` everybody may say that there is none.
    func maySet(_ sender: ByteString, _ context: SessionContext, mayBeNone: Bool) async -> Bool {
        if isTrusted || (sender.isEmpty && mayBeNone) { return true }
        guard let list = context.settings.untrustedSetSender else { return false }
        var facts = Facts()
        facts.connection.ident = login
        return await context.system.expander.matchAddress(sender, in: list, &facts).isMatch
    }

    private static func isTrusted(
        _ identity: CallerIdentity, _ login: ByteString, _ system: MailSystem, _ settings: ReceptionSettings
    ) async -> Bool {
        let uid = identity.uid
        if uid == 0 || system.settings.owner.map({ $0.uid == uid }) ?? (uid == geteuid()) { return true }
        if await lists(settings.trustedUsers, system, { $0 == login || $0.decimalInteger() == Int64(uid) }) {
            return true
        }
        return await lists(settings.trustedGroups, system) { name in
            guard let number = MailUser.groupNumber(named: name) else { return false }
            return number == identity.gid || identity.groups.contains(number)
        }
    }

    private static func lists(
        _ template: Template?, _ system: MailSystem, _ matches: (ByteString) -> Bool
    ) async -> Bool {
        guard let template else { return false }
        do {
            return try await system.expander.items(ofList: template, Facts()).contains { matches($0.bytes) }
        } catch {
            return false
        }
    }
}
