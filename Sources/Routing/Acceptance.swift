import Bytes
import Expansion
import MailText

extension RoutingScene {
    /// What a transport needs to know, expanded in Exim's order: errors_to, headers_add, headers_remove, transport.
    mutating func instruction(
        hosts: [RouteHost], transport: ByteString?, users: SystemUsers
    ) async throws(RoutingTrouble) -> DeliveryInstruction {
        try await setErrorsTo()
        try await setHeaders()
        let name = try await transportName(transport)
        return try await instruction(hosts: hosts, named: name, users: users)
    }

    /// The same when the transport is settled, as for pipes and files.
    mutating func instruction(
        hosts: [RouteHost], named transport: ByteString, users: SystemUsers
    ) async throws(RoutingTrouble) -> DeliveryInstruction {
        var instruction = DeliveryInstruction(
            transport: transport, router: options.name, facts: facts.address)
        instruction.hosts = hosts
        instruction.fullLocalPart = fullLocalPart
        instruction.casedLocalPart = casedLocalPart
        instruction.fallbackHosts = ItemList.split(options.fallbackHosts, separator: UInt8(ascii: ":"))
        instruction.logsAsLocal = options.logsAsLocal
        instruction.isLastHop = options.isLastHop
        instruction.disablesLogging = options.disablesLogging
        try await setUser(&instruction, users)
        try await setDirectories(&instruction)
        return instruction
    }

    /// `errors_to`: forced failure and addresses that are none leave it as it was.
    mutating func setErrorsTo() async throws(RoutingTrouble) {
        guard let template = options.errorsTo else { return }
        let name = options.name
        guard
            let value = try await expand(
                template, failing: "\(name) router failed to expand \"\(template.source)\"")
        else { return }
        let text = ByteString(value.bytes.trimmed())
        if text.isEmpty {
            address.errorsTo = ByteString()
        } else if let parsed = try? AddressParser.parseOne(text).address {
            let given = parsed.qualified(with: environment.qualifyRecipient).text
            // What cannot be routed is not used: whoever heard of errors before goes on to.
            if await isRouteable(given) { address.errorsTo = given }
        } else {
            log("\(name) router: errors_to \"\(text)\" is no address: not used")
        }
    }

    /// `headers_add` and `headers_remove`: each item is expanded by itself, forced failure drops it.
    mutating func setHeaders() async throws(RoutingTrouble) {
        let name = options.name
        for item in ItemList.split(options.headersToAdd?.source, separator: .newline) {
            let line = try await expand(
                Template(item), failing: "\(name) router failed to expand add_headers item \"\(item)\"")
            guard var text = line?.bytes, !text.trimmed().isEmpty else { continue }
            if text.last != .newline { text.append(.newline) }
            address.headersToAdd.append(text)
        }
        for item in ItemList.split(options.headersToRemove?.source, separator: UInt8(ascii: ":")) {
            let removed = try await expand(
                Template(item), failing: "\(name) router failed to expand remove_headers item \"\(item)\"")
            guard let text = removed?.bytes else { continue }
            address.headersToRemove += ItemList.split(text, separator: UInt8(ascii: ":"))
        }
    }

    private mutating func transportName(_ given: ByteString?) async throws(RoutingTrouble) -> ByteString {
        if let given { return given }
        let name = options.name
        guard let template = options.transport else {
            throw RoutingTrouble("a transport is required for the \(name) router")
        }
        return try await transportName(template, "transport")
    }

    /// Expands a transport option to the name of a transport that there is.
    mutating func transportName(_ template: Template, _ option: ByteString) async throws(RoutingTrouble)
        -> ByteString
    {
        let name = options.name
        guard
            let value = try await expand(
                template, failing: "failed to expand \(option) \"\(template.source)\" in \(name) router")
        else {
            throw RoutingTrouble(
                "failed to expand \(option) \"\(template.source)\" in \(name) router: forced failure")
        }
        if value.taint.isTainted {
            log(
                "attempt to use tainted value '\(value.bytes)' from '\(template.source)' for transport",
                isPanic: true)
            throw RoutingTrouble("internal configuration error")
        }
        guard environment.transportIsRemote[value.bytes] != nil else {
            throw RoutingTrouble("transport \"\(value.bytes)\" not found in \(name) router")
        }
        return value.bytes
    }

    // MARK: Who delivers, and where

    mutating func setUser(
        _ instruction: inout DeliveryInstruction, _ users: SystemUsers
    ) async throws(RoutingTrouble) {
        if let account {
            instruction.user = DeliveryUser(
                uid: account.uid, gid: account.gid, initializesGroups: options.initializesGroups)
        }
        if let template = options.user {
            let (uid, gid) = try await userIdentity(template, users)
            instruction.user = DeliveryUser(uid: uid, gid: gid, initializesGroups: options.initializesGroups)
        }
        if let template = options.group {
            let name = options.name
            let value = try await expand(
                template, failing: "failed to expand \"\(template.source)\" for group in \(name) router")
            guard let text = value?.bytes, let gid = users.group(named: text) else {
                throw RoutingTrouble(
                    "Failed to find group \"\(value?.bytes ?? "")\" from expanded string \"\(template.source)\" for the \(name) router"
                )
            }
            instruction.group = gid
            if instruction.user != nil { instruction.user?.gid = gid }
        }
    }

    private mutating func userIdentity(
        _ template: Template, _ users: SystemUsers
    ) async throws(RoutingTrouble) -> (UInt32, UInt32?) {
        let name = options.name
        let value = try await expand(
            template,
            failing: "Failed to expand user string \"\(template.source)\" for the \(name) router")
        let text = value?.bytes ?? ByteString()
        if let user = users.user(named: text) { return (user.uid, user.gid) }
        if let number = text.decimalInteger(), let uid = UInt32(exactly: number) { return (uid, nil) }
        let problem: ByteString =
            "Failed to find user \"\(text)\" from expanded string \"\(template.source)\" for the \(name) router"
        log(problem, isPanic: true)
        throw RoutingTrouble(problem)
    }

    private mutating func setDirectories(_ instruction: inout DeliveryInstruction)
        async throws(RoutingTrouble)
    {
        let name = options.name
        if let template = options.transportHome {
            instruction.homeDirectory = try await expand(
                template,
                failing:
                    "failed to expand \"\(template.source)\" for transport_home_directory in \(name) router")
        } else {
            instruction.homeDirectory = home ?? facts.address.home
        }
        if let template = options.transportDirectory {
            instruction.currentDirectory = try await expand(
                template,
                failing:
                    "failed to expand \"\(template.source)\" for transport_current_directory in \(name) router"
            )
        }
    }
}
