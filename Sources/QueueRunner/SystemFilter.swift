import Bytes
import Configuration
import EximLog
import Expansion
import Filter
import Glibc
import MailSystem
import Routing
import Spooler
import Transports

/// What the configuration says of the system's filter (manual, chapter 47).
struct SystemFilterSettings: Sendable {
    let file: Template?
    let fileTransport: Template?
    let directoryTransport: Template?
    let pipeTransport: Template?
    let replyTransport: Template?
    /// `system_filter_user` and `system_filter_group`: as whom its deliveries are made.
    let user: DeliveryUser?

    init(_ main: OptionBlock) {
        file = main.template("system_filter")
        fileTransport = main.template("system_filter_file_transport")
        directoryTransport = main.template("system_filter_directory_transport")
        pipeTransport = main.template("system_filter_pipe_transport")
        replyTransport = main.template("system_filter_reply_transport")
        let users = SystemUsers()
        let account = main.text("system_filter_user").flatMap { name in
            users.user(named: name) ?? name.decimalInteger().flatMap { users.user(uid: $0) }
        }
        let group = main.text("system_filter_group").flatMap { users.group(named: $0) }
        user = account.map { DeliveryUser(uid: $0.uid, gid: group ?? $0.gid) }
    }
}

extension MessageDelivery {
    /// Runs the system's filter over the message; false when nothing may be done with it now.
    mutating func obeySystemFilter() async -> Bool {
        guard let template = runner.settings.systemFilter.file, failed.isEmpty else { return true }
        let outcome: FilterOutcome
        do throws(FilterError) {
            let path = try await expanded(template, "system_filter").bytes
            let (text, number) = SmallFile.text(of: path)
            guard let text else {
                throw FilterError(
                    number == ENOENT
                        ? "\(path) does not exist"
                        : "failed to open \(path): \(SystemErrorText.of(Int(number)))")
            }
            let file = try FilterFile(text, .system)
            var setting = FilterRun.Setting(.system, qualifyDomain: runner.system.settings.qualifyRecipient)
            let (environment, user) = (runner.router.environment, runner.settings.systemFilter.user)
            let mailUser = runner.transportEnvironment.mailUser
            setting.writeLog = { await environment.writeFilterLog($0, user ?? mailUser) }
            var run = FilterRun(setting, runner.expander, outgoing.facts)
            outcome = try await run.run(file)
        } catch {
            runner.log.panic("Error in system filter: \(error.text)", id: id.bytes)
            return false
        }
        take(outcome)
        await add(outcome)
        return true
    }

    private func expanded(
        _ template: Template, _ option: ByteString
    ) async throws(FilterError) -> TaintedBytes {
        do {
            return try await runner.expander.expand(template, outgoing.facts)
        } catch {
            throw FilterError("failed to expand \"\(template.source)\" (\(option)): \(error.text)")
        }
    }

    /// What it says of the message: its counters, its header lines, and what becomes of the recipients.
    private mutating func take(_ outcome: FilterOutcome) {
        for (index, counter) in outcome.counters.enumerated() {
            outgoing.facts.extra["sn\(index)"] = TaintedBytes("\(counter)")
        }
        if let headers = outcome.headers { setHeaders(headers.map { HeaderLine($0.text, type: $0.type) }) }
        let recipients = tree.nodes.indices.filter { !tree.nodes[$0].isSettled }
        switch outcome.ending {
        case .stopped(.fail, let text):
            let trouble = RedirectText.failure(text)
            runner.log(
                "cancelled by system filter\(trouble.text.isEmpty ? "" : ": \(trouble.text)" as ByteString)",
                id)
            withheld = Set(recipients)
            failed += recipients.map {
                FailedAddress(
                    node: $0, text: trouble.text,
                    userText: trouble.userText?.isEmpty == false ? trouble.userText : "delivery cancelled")
            }
        case .stopped(.freeze, let text):
            // Whoever has thawed it has seen it.
            guard !outgoing.facts.message.isManuallyThawed else { break }
            freezing = " by the system filter\(text.isEmpty ? "" : ": \(text)" as ByteString)"
            withhold(recipients, text)
        case .stopped(.defer, let text):
            runner.log("Delivery deferred by system filter", id)
            notes.add("Delivery deferred by system filter")
            withhold(recipients, text)
        case .finished:
            guard outcome.isSignificant else { break }
            runner.log(
                outcome.deliveries.isEmpty
                    ? "=> discarded (system filter)" : "original recipients ignored (system filter)", id)
            for node in recipients { tree.settle(node) }
        }
    }

    private mutating func withhold(_ recipients: [Int], _ text: ByteString) {
        withheld = Set(recipients)
        deferred += recipients.map { DeferredAddress(node: $0, errno: 0, text: text) }
    }

    // MARK: Its deliveries

    private mutating func add(_ outcome: FilterOutcome) async {
        guard !outcome.deliveries.isEmpty else { return }
        let parent = tree.addSystemFilter()
        for delivery in outcome.deliveries { await add(delivery, under: parent) }
    }

    private mutating func add(_ delivery: FilterDelivery, under parent: Int) async {
        let settings = runner.settings.systemFilter
        var child = tree.nodes[parent].address.child("", by: "system filter")
        child.ignoresErrors = delivery.ignoresErrors
        let target: DeliveryInstruction.Target
        let transport: (Template?, ByteString)
        switch delivery.action {
        case .deliver(let address, let errorsTo):
            (child.address, child.taint) = (address.bytes, address.taint)
            child.errorsTo = errorsTo
            _ = tree.add(child, under: parent)
            return
        case .save(let path, _):
            let isDirectory = path.bytes.last == UInt8(ascii: "/")
            target = .file(path.bytes)
            transport =
                isDirectory
                ? (settings.directoryTransport, "system_filter_directory_transport")
                : (settings.fileTransport, "system_filter_file_transport")
        case .pipe(let command):
            target = .pipe("|\(command)")
            transport = (settings.pipeTransport, "system_filter_pipe_transport")
        case .reply(let reply):
            target = .reply(RedirectText.address(of: reply))
            transport = (settings.replyTransport, "system_filter_reply_transport")
        }
        child.address = target.text ?? ""
        let key: ByteString = "\(child.address):system-filter"
        guard let node = tree.add(child, key: key, under: parent) else { return }
        do throws(FilterError) {
            guard let template = transport.0 else { throw FilterError("\(transport.1) unset") }
            let name = try await expanded(template, transport.1).bytes
            guard runner.transports[name] != nil else {
                throw FilterError("\(transport.1): transport \"\(name)\" not found")
            }
            items[node] = .delivery(child, instruction(name, target, delivery))
        } catch {
            items[node] = .refused(child, target, RoutingTrouble(error.text, errno: -30))
        }
    }

    private func instruction(
        _ transport: ByteString, _ target: DeliveryInstruction.Target, _ delivery: FilterDelivery
    ) -> DeliveryInstruction {
        var instruction = DeliveryInstruction(transport: transport, router: "", facts: AddressFacts())
        instruction.target = target
        instruction.user = runner.settings.systemFilter.user
        instruction.facts.transportName = transport
        var facts = FilterFacts()
        (facts.captures, facts.variables) = (delivery.captures, delivery.variables)
        instruction.filterFacts = facts
        switch delivery.action {
        case .save(let path, let mode):
            (instruction.facts.addressFile, instruction.fileMode) = (path, mode)
        case .pipe(let command): instruction.facts.addressPipe = TaintedBytes(command)
        case .reply(let reply): instruction.reply = reply
        case .deliver: break
        }
        return instruction
    }
}
