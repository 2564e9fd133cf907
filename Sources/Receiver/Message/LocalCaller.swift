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
    /// `fullName` is that of `-F`, `login` that of `-oMt`-like options; nil asks the system.
    static func current(_ system: MailSystem, _ settings: ReceptionSettings, fullName: ByteString?) async
        -> LocalCaller
    {
        let account = MailUser.caller
        let login = account?.login ?? "uid\(getuid())"
        let name = fullName ?? account.map { UserName.fromGecos($0.fullName, login: $0.login) } ?? ""
        let trusted = await isTrusted(login, system, settings)
        let submitter = Submitter(
            login: login, fullName: name, qualifyDomain: system.settings.qualifyDomain, isTrusted: trusted,
            namesEveryone: fullName != nil)
        var caller = LocalCaller(
            login: login, fullName: name, uid: Int64(getuid()), gid: Int64(getgid()), isTrusted: trusted,
            submitter: submitter)
        caller.fixups.checksFrom = settings.checksLocalFrom
        caller.fixups.removesDeliveryLines =
            settings.removesReturnPath || settings.removesDeliveryDate || settings.removesEnvelopeTo
        return caller
    }

    private static func isTrusted(
        _ login: ByteString, _ system: MailSystem, _ settings: ReceptionSettings
    ) async -> Bool {
        let uid = getuid()
        if uid == 0 || system.settings.owner.map({ $0.uid == uid }) ?? (uid == geteuid()) { return true }
        if await lists(settings.trustedUsers, system, { $0 == login || $0.decimalInteger() == Int64(uid) }) {
            return true
        }
        return await lists(settings.trustedGroups, system) { MailUser.groupNumber(named: $0) == getgid() }
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
