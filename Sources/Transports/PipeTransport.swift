import Bytes
import Expansion
import Routing

/// The pipe transport: settles everything, has a command run as the user, and judges how it ended (manual, chapter 29).
struct PipeTransport {
    let settings: PipeSettings
    let scene: DeliveryScene

    private var name: ByteString { scene.transport.name }

    /// Delivers one group of addresses; all share the outcome.
    func deliver() async -> (TransportVerdict, [TransportLogLine]) {
        do throws(TransportTrouble) {
            if let tooBig = try await scene.checkSize() { return (.failed(tooBig), []) }
            let doer = LocalDoer(scene: scene)
            let user = try await doer.user(orElse: settings.runsAsCreator ? creator : nil)
            if let (trouble, line) = doer.refusal(of: user) { return (.deferred(trouble), [line]) }
            let command = try commandText()
            var order = PipeOrder(transport: name, words: try await words(command))
            try await setEnvironment(&order)
            order.directory = try await doer.directory()
            order.content = try await content()
            if scene.message.isDryRun { return (.delivered(confirmation: nil), []) }
            let report = await doer.perform(.pipe(order), user)
            guard let ending = report.ending else { return (judge(report.verdict(0)), []) }
            return PipeJudge(settings: settings, scene: scene, command: command).judge(ending)
        } catch {
            return (error.isFinal ? .failed(error) : .deferred(error), [])
        }
    }

    /// A transport filter that took too long is treated as the command is.
    private func judge(_ verdict: TransportVerdict) -> TransportVerdict {
        guard case .deferred(var trouble) = verdict, trouble.isTimeout, !settings.timeoutDefers else {
            return verdict
        }
        trouble.userText = PipeJudge.userText
        return .failed(trouble)
    }

    /// Who submitted the message (`pipe_as_creator`).
    private var creator: DeliveryUser? {
        guard let uid = scene.facts.message.originatorUID.flatMap({ UInt32(exactly: $0) }) else { return nil }
        let gid = scene.facts.message.originatorGID.flatMap { UInt32(exactly: $0) }
        return DeliveryUser(uid: uid, gid: gid)
    }

    // MARK: The command

    /// The command of a redirection; nil for addresses that were routed here.
    private var addressPipe: ByteString? {
        guard case .pipe(let text) = scene.items.first?.instruction.target else { return nil }
        return ByteString(text.dropFirst().trimmedStart())
    }

    private func commandText() throws(TransportTrouble) -> ByteString {
        let text = settings.forcesCommand ? settings.command : addressPipe ?? settings.command
        guard let text, !text.trimmed().isEmpty else {
            throw TransportTrouble("no command specified for \(name) transport", errno: 0)
        }
        return text
    }

    /// Whether variables in the command are replaced: not where a plain list of addresses names it.
    private var isExpanded: Bool {
        addressPipe == nil || settings.forcesCommand || scene.items.first?.instruction.filterFacts != nil
    }

    private func words(_ command: ByteString) async throws(TransportTrouble) -> [ByteString] {
        if settings.usesShell { return ["/bin/sh", "-c", try await shellCommand(command)] }
        var words = CommandWords.split(command)
        if isExpanded {
            var reader = CommandWords(scene: scene, source: command)
            reader.addressPipe = settings.forcesCommand ? addressPipe.map(CommandWords.split) : nil
            do throws(TransportTrouble) {
                words = try await reader.expanded()
            } catch {
                // A user's filter is wrong, not the configuration.
                guard addressPipe != nil, !settings.forcesCommand else { throw error }
                var trouble = error
                (trouble.isPanic, trouble.isFinal) = (false, true)
                throw trouble
            }
        }
        try await checkPermission(words.first ?? "", command)
        return words
    }

    private func shellCommand(_ command: ByteString) async throws(TransportTrouble) -> ByteString {
        guard isExpanded else { return command }
        do {
            var facts = scene.facts
            facts.extra["pipe_addresses"] = TaintedBytes(
                scene.items.map { $0.recipient(includingAffixes: true) }.joined(separator: " "))
            return try await scene.environment.expander.expand(Template(command), facts).bytes
        } catch {
            throw TransportTrouble(
                "Expansion of command \"\(command)\" in \(name) transport failed: \(error.text)", errno: 0
            ).panicking
        }
    }

    /// `allow_commands` and `restrict_to_path`.
    private func checkPermission(_ file: ByteString, _ command: ByteString) async throws(TransportTrouble) {
        let isListed = try await items(settings.allowedCommands).contains(file)
        guard !isListed, settings.restrictsToPath || settings.allowedCommands != nil else { return }
        var refusal = TransportTrouble("\"\(file)\" command not permitted by \(name) transport", errno: 0)
        refusal.isFinal = true
        guard settings.restrictsToPath else { throw refusal }
        guard file.contains(UInt8(ascii: "/")) else { return }
        refusal.text =
            "\"/\" found in \"\(command)\" (command for \(name) transport) - failed for security reasons"
        throw refusal
    }

    private func items(_ template: Template?) async throws(TransportTrouble) -> [ByteString] {
        guard let template else { return [] }
        do {
            let list = try await scene.environment.expander.expand(template, scene.facts).bytes
            return ItemList.split(list, separator: UInt8(ascii: ":"))
        } catch {
            throw TransportTrouble(
                "failed to expand string \"\(template.source)\" for \(name) transport: \(error.text)",
                errno: 0)
        }
    }

    // MARK: The command's surroundings

    private func setEnvironment(_ order: inout PipeOrder) async throws(TransportTrouble) {
        order.path = try await scene.expand(settings.path, "path")?.bytes ?? ""
        order.environment = try await variables(order.path) + items(settings.environment)
        order.umask = settings.umask
        order.timeout = Int(settings.timeout)
        order.maximumOutput = settings.maximumOutput
        order.permitsCoredump = settings.permitsCoredump
    }

    /// The manual's section 29.4.
    private func variables(_ path: ByteString) -> [ByteString] {
        let address = scene.facts.address
        let localPart = address.localPart?.bytes ?? ""
        let prefix = address.localPartPrefix?.bytes ?? ""
        let suffix = address.localPartSuffix?.bytes ?? ""
        let domain = address.domain?.bytes ?? ""
        var variables: [(ByteString, ByteString)] = [
            ("LOCAL_PART", localPart), ("LOGNAME", localPart), ("USER", localPart),
            ("LOCAL_PART_PREFIX", prefix), ("LOCAL_PART_SUFFIX", suffix), ("DOMAIN", domain),
            ("HOME", address.home?.bytes ?? ""), ("MESSAGE_ID", scene.message.id), ("PATH", path),
            ("RECIPIENT", "\(prefix)\(localPart)\(suffix)@\(domain)"),
            ("QUALIFY_DOMAIN", scene.environment.expander.environment.settings.qualifyDomain),
            ("SENDER", scene.message.sender), ("SHELL", "/bin/sh"),
        ]
        if let host = scene.items.first?.instruction.hosts.first { variables.append(("HOST", host.name)) }
        if let zone = scene.environment.timezone { variables.append(("TZ", zone)) }
        return variables.map { "\($0)=\($1)" }
    }

    private func content() async throws(TransportTrouble) -> MessageContent {
        let isBatched = settings.usesBSMTP
        var content = try await scene.content(
            prefix: settings.messagePrefix ?? (isBatched ? nil : DeliveryScene.mailboxLine),
            suffix: settings.messageSuffix ?? (isBatched ? nil : "\n"))
        content.usesCRLF = settings.usesCRLF
        guard isBatched else {
            content.checkString = settings.checkString ?? ""
            content.escapeString = settings.escapeString ?? ""
            return content
        }
        content.addEnvelope(scene)
        return content
    }
}

extension MessageContent {
    /// Makes it a transaction of batched SMTP (manual, section 49.10).
    mutating func addEnvelope(_ scene: DeliveryScene) {
        let end: ByteString = usesCRLF ? "\r\n" : "\n"
        let affixes = scene.transport.generic.includesAffixes
        prefix += "MAIL FROM:<\(scene.returnPath)>\(end)" as ByteString
        for item in scene.items {
            prefix += "RCPT TO:<\(item.recipient(includingAffixes: affixes))>\(end)" as ByteString
        }
        prefix += "DATA\(end)" as ByteString
        suffix += ".\(end)" as ByteString
        (checkString, escapeString) = (".", "..")
        endsLastLine = true
    }
}
