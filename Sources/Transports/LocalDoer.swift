import Bytes
import Expansion
import Routing

/// What local transports have in common: as which user they work, and in which process.
struct LocalDoer {
    let scene: DeliveryScene

    /// The trouble, and the line for the panic log, when the user is one that never delivers.
    func refusal(of user: DeliveryUser) -> (TransportTrouble, TransportLogLine)? {
        guard scene.environment.neverUsers.contains(user.uid) else { return nil }
        let text: ByteString =
            "User \(user.uid) set for \(scene.transport.name) transport is on the \(user.uid == 0 ? "fixed_" : "")never_users list"
        return (TransportTrouble(text, errno: -29), TransportLogLine(text, isPanic: true))
    }

    /// Carries out an order, here when we are that user or can be no other, else in a process of the user's.
    func perform(_ order: LocalWork, _ user: DeliveryUser) async -> LocalReport {
        let body = scene.message.body
        let isOurs = System.effectiveUser != 0 || user.uid == 0
        // A umask is a process's own, so a command gets its own process where there is a program for that.
        var needsProcess = false
        if case .pipe = order { needsProcess = scene.environment.deliverLocalProgram != nil }
        if isOurs, !needsProcess {
            return await Offload.run {
                body.withDescriptor { descriptor, _ in LocalDelivery.perform(order, data: descriptor) }
            }
        }
        guard let program = scene.environment.deliverLocalProgram else {
            return LocalReport(
                .deferred(
                    TransportTrouble(
                        "bobbin-deliver-local is not beside this program, so nothing can be delivered as user \(user.uid)",
                        errno: -29)))
        }
        let actual = isOurs ? DeliveryUser(uid: System.effectiveUser, gid: System.effectiveGroup) : user
        return await LocalProcess(program: program, user: actual).deliver(order, body)
    }

    /// A command's words for running it as the transport's user: root runs nothing.
    func command(_ words: [ByteString]) async throws(TransportTrouble) -> [ByteString] {
        let user = try await user()
        if let (trouble, _) = refusal(of: user) { throw trouble }
        guard System.effectiveUser == 0, user.uid != 0 else { return words }
        guard let program = scene.environment.deliverLocalProgram else {
            throw TransportTrouble(
                "bobbin-deliver-local is not beside this program, so nothing can be run as user \(user.uid)",
                errno: -29)
        }
        return [program, "--user", "\(user.uid):\(user.gid ?? 0)", "--"] + words
    }

    /// `current_directory`, expanded, or what the router or the home directory says, or the root directory.
    func directory() async throws(TransportTrouble) -> ByteString {
        if let template = scene.transport.generic.currentDirectory,
            let value = try await scene.expand(template, "current_directory")?.bytes
        {
            return value
        }
        return scene.items.first?.instruction.currentDirectory?.bytes ?? scene.facts.address.home?.bytes
            ?? "/"
    }

    // MARK: The user

    /// The user of transport or router, or `fallback`, or the mail user.
    func user(orElse fallback: DeliveryUser? = nil) async throws(TransportTrouble) -> DeliveryUser {
        let users = SystemUsers()
        let given = scene.items.first?.instruction
        var user = given?.user
        var group = given?.group ?? given?.user?.gid
        if let template = scene.transport.generic.user {
            let account = try await account(template, users)
            user = DeliveryUser(
                uid: account.uid, gid: account.gid,
                initializesGroups: scene.transport.generic.initializesGroups)
            group = given?.group ?? account.gid ?? group
        }
        if let template = scene.transport.generic.group {
            let name = try await scene.expand(template, "group")?.bytes ?? ""
            guard let gid = users.group(named: name) else {
                throw TransportTrouble(
                    "group \"\(name)\" for \(scene.transport.name) transport not found", errno: -30)
            }
            group = gid
        }
        var chosen = user ?? fallback ?? scene.environment.mailUser
        guard let gid = group ?? (user == nil ? chosen.gid : nil) else {
            throw TransportTrouble(
                "User set without group for \(scene.transport.name) transport", errno: -30)
        }
        chosen.gid = gid
        return chosen
    }

    private func account(
        _ template: Template, _ users: SystemUsers
    ) async throws(TransportTrouble) -> (uid: UInt32, gid: UInt32?) {
        let name = try await scene.expand(template, "user")?.bytes ?? ""
        if let user = users.user(named: name) { return (user.uid, user.gid) }
        if let number = name.decimalInteger(), let uid = UInt32(exactly: number) { return (uid, nil) }
        throw TransportTrouble("user \"\(name)\" for \(scene.transport.name) transport not found", errno: -29)
    }
}
