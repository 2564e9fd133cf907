import Bytes
import Expansion
import Hints
import MailText
import Routing
import SMTP

/// The smtp transport at work for some addresses of one message (manual, chapter 30; delivery.md 4).
struct SMTPTransport {
    let settings: SMTPSettings
    let scene: DeliveryScene
    /// Called after each transaction that served somebody, before anything else happens: the place to journal.
    let served: @Sendable ([Int]) async -> Void
    /// The schedule that a retry record would be judged by, for the ultimate timeout.
    let cutoff: @Sendable (RetryKey, RetryRecord) async -> Int64?

    private var outcomes: [TransportOutcome?]
    private var lines: [TransportLogLine] = []
    private var tried = 0
    private var skipped = false
    private var standings: [HostStanding] = []
    private var waits = true
    private var hostRetries: [RetryItem] = []

    init(
        _ settings: SMTPSettings, _ scene: DeliveryScene,
        served: @escaping @Sendable ([Int]) async -> Void,
        cutoff: @escaping @Sendable (RetryKey, RetryRecord) async -> Int64?
    ) {
        self.settings = settings
        self.scene = scene
        self.served = served
        self.cutoff = cutoff
        outcomes = Array(repeating: nil, count: scene.items.count)
    }

    private var environment: TransportEnvironment { scene.environment }
    private var pending: [Int] { outcomes.indices.filter { outcomes[$0].map(Self.isOpen) ?? true } }

    /// A deferral at one host may be mended by the next.
    private static func isOpen(_ outcome: TransportOutcome) -> Bool {
        if case .deferred = outcome.verdict { true } else { false }
    }

    /// Delivers; an outcome for each address, in order.
    mutating func deliver() async -> ([TransportOutcome], [TransportLogLine]) {
        do throws(TransportTrouble) {
            if let problem = try await refusal() { return (all(.failed(problem)), []) }
            let hosts = try await hosts()
            let message = WireMessage(
                head: try await scene.header() + [UInt8.newline], body: scene.message.body,
                sendsBody: !scene.transport.generic.headersOnly)
            for (index, host) in hosts.enumerated() {
                guard !pending.isEmpty else { break }
                try await attempt(host, isLast: index == hosts.count - 1, message)
            }
            return (finished(hosts), lines)
        } catch {
            // Trouble of our own: what has an outcome keeps it.
            let outcomes = outcomes.map { $0 ?? TransportOutcome(.deferred(error)) }
            return (outcomes, lines)
        }
    }

    private func all(_ verdict: TransportVerdict) -> [TransportOutcome] {
        scene.items.map { _ in TransportOutcome(verdict) }
    }

    private func refusal() async throws(TransportTrouble) -> TransportTrouble? {
        if let tooBig = try await scene.checkSize() { return tooBig }
        if settings.lineLimit > 0, scene.message.longestLine > settings.lineLimit {
            let text: ByteString =
                "message has lines too long for transport (received \(scene.message.longestLine), limit \(settings.lineLimit))"
            return TransportTrouble(text, errno: 0, userText: text)
        }
        return nil
    }

    // MARK: Hosts

    private mutating func hosts() async throws(TransportTrouble) -> [RouteHost] {
        let routed = scene.items.first?.instruction.hosts ?? []
        if !routed.isEmpty, !settings.hostsOverride { return routed }
        guard let template = settings.hosts else {
            if !routed.isEmpty { return routed }
            throw TransportTrouble(
                "\(scene.transport.name) transport called with no hosts set", errno: -1)
        }
        guard let text = try await scene.expand(template, "hosts") else {
            throw TransportTrouble(
                "failed to expand list of hosts \"\(template.source)\" in \(scene.transport.name) transport",
                errno: -27)
        }
        var items = ItemList.split(text.bytes, separator: UInt8(ascii: ":"))
        if settings.hostsRandomize {
            items = items.split(separator: "+" as ByteString).flatMap { $0.shuffled() }
        } else {
            items.removeAll { $0 == "+" }
        }
        return try await found(items.map { HostItem($0) })
    }

    private mutating func found(_ items: [HostItem]) async throws(TransportTrouble) -> [RouteHost] {
        var finding = HostFinding()
        if settings.byName { finding.source = .name }
        let finder = HostFinder(environment.routing, finding)
        var hosts: [RouteHost] = []
        var missing: [(name: ByteString, isDeferred: Bool)] = []
        for item in items {
            switch await finder.hosts(of: item) {
            case .found(let some):
                try checkLocal(some)
                hosts += some
            case .notFound: missing.append((item.name, false))
            case .deferred, .insecure: missing.append((item.name, true))
            }
        }
        guard hosts.isEmpty, let first = missing.first else { return hosts }
        if missing.count == 1 {
            throw TransportTrouble("failed to lookup IP address for \(first.name)", errno: -32)
        }
        let tail: ByteString =
            missing.allSatisfy(\.isDeferred)
            ? " temporarily" : missing.contains(where: \.isDeferred) ? "" : " permanently"
        throw TransportTrouble("all host address lookups\(forDomain) failed\(tail)", errno: -54)
    }

    private func checkLocal(_ hosts: [RouteHost]) throws(TransportTrouble) {
        guard !settings.allowsLocalhost else { return }
        let interfaces = environment.expander.environment.localInterfaces()
        for host in hosts {
            guard let address = host.address, interfaces.contains(address) || address == .v4(0x7F00_0001)
            else { continue }
            var trouble = TransportTrouble(
                "\(scene.transport.name) transport found host \(host.name) to be local", errno: -50)
            trouble.freezes = true
            throw trouble
        }
    }

    private var forDomain: ByteString {
        guard let parts = scene.items.first?.address.address.cutAtLast(UInt8(ascii: "@")) else { return "" }
        return " for '\(ByteString(parts.after).lowercasedASCII())'"
    }

    // MARK: One host

    private mutating func attempt(
        _ host: RouteHost, isLast: Bool, _ message: WireMessage
    ) async throws(TransportTrouble) {
        guard let address = host.address else { return }
        var used = UsedHost(host: host, port: try await port(of: host))
        let interface = try await interface(for: address)
        let key = try await retryKey(used, interface)
        guard await isUsable(key) else { return }
        if settings.maximumTries > 0, tried >= settings.maximumTries || tried >= settings.hardLimit {
            skipped = skipped || tried < settings.hardLimit
            return
        }
        let helo = try await scene.expand(settings.helo, "helo_data")?.bytes ?? environment.primaryHostName
        if scene.message.isDryRun { return pretend(used) }
        let connection = ConnectionKey(
            transport: scene.transport.name, hostName: host.name, address: address, port: used.port,
            interface: interface, helo: helo)
        await environment.connections.enter(address, used.port)
        // Another message may have found out meanwhile that the host does not answer.
        if await isUsable(key) {
            tried += 1
            await converse(connection, host, &used, key, isLast: isLast, message)
        }
        await environment.connections.leave(address, used.port)
    }

    private mutating func pretend(_ used: UsedHost) {
        for index in pending {
            var outcome = TransportOutcome(.delivered(confirmation: "delivery bypassed by -N option"))
            outcome.host = used
            outcomes[index] = outcome
        }
    }

    private func port(of host: RouteHost) async throws(TransportTrouble) -> Int {
        if let port = host.port { return port }
        guard let template = settings.port, let text = try await scene.expand(template, "port")?.bytes,
            !text.isEmpty
        else { return settings.defaultPort }
        if let number = text.decimalInteger(), (1...65_535).contains(number) { return Int(number) }
        switch text {
        case "smtp": return 25
        case "submission": return 587
        case "smtps", "submissions": return 465
        case "lmtp": return 24
        default:
            throw TransportTrouble("invalid port in \(scene.transport.name) transport: \(text)", errno: -1)
        }
    }

    private func interface(for address: IPAddress) async throws(TransportTrouble) -> IPAddress? {
        guard let template = settings.interface,
            let text = try await scene.expand(template, "interface")?.bytes
        else { return nil }
        for item in ItemList.split(text, separator: UInt8(ascii: ":")) {
            guard let interface = IPAddress(item) else {
                throw TransportTrouble(
                    "\"\(item)\" is not a valid IP address for the \"interface\" option in \(scene.transport.name) transport",
                    errno: -1)
            }
            if interface.isV6 == address.isV6 { return interface }
        }
        return nil
    }

    private func retryKey(_ used: UsedHost, _ interface: IPAddress?) async throws(TransportTrouble)
        -> RetryKey
    {
        var includesAddress = true
        if let template = settings.retryIncludesAddress,
            let text = try await scene.expand(template, "retry_include_ip_address")?.bytes
        {
            includesAddress = !["no", "false"].contains(text.lowercasedASCII())
        }
        let host = RetryHost(
            name: used.host.name, address: includesAddress ? used.host.address : nil, port: used.port,
            interface: interface?.text)
        return .host(host, spelling: environment.hostSpelling)
    }

    private mutating func isUsable(_ key: RetryKey) async -> Bool {
        if environment.isForced { return true }
        let now = environment.now().seconds
        for candidate in [key, key.message(scene.message.id)] {
            let standing = await environment.hosts.standing(candidate, now: now)
            switch standing {
            case .usable: continue
            case .notDue(let record):
                let age = now - scene.message.receivedTime
                if let cutoff = await cutoff(candidate, record), age > cutoff { continue }
                skipped = true
            case .expired(let record):
                if !settings.delaysAfterCutoff, record.lastTry < scene.message.receivedTime { continue }
            }
            standings.append(standing)
            return false
        }
        return true
    }

    // MARK: One connection

    private func options(for host: RouteHost, helo: ByteString) async -> ClientOptions {
        var options = ClientOptions(helo: helo)
        options.isLMTP = settings.protocolName == "lmtp"
        options.usesTLS = false
        options.usesPRDR = false
        options.sizeAddition = settings.sizeAddition
        options.maximumRecipients = settings.maximumRecipients
        options.usesESMTP = !(await isListed(host, settings.avoidsESMTP, otherwise: false))
        options.usesPipelining = !(await isListed(host, settings.avoidsPipelining, otherwise: false))
        options.usesChunking = await isListed(host, settings.triesChunking, otherwise: true)
        return options
    }

    private func isListed(_ host: RouteHost, _ list: ListText?, otherwise: Bool) async -> Bool {
        guard let list else { return otherwise }
        var facts = scene.facts
        let identity = HostIdentity(name: host.name, address: host.address)
        return await environment.expander.matchHost(identity, in: list, &facts).isMatch
    }

    private mutating func converse(
        _ key: ConnectionKey, _ host: RouteHost, _ used: inout UsedHost, _ retryKey: RetryKey, isLast: Bool,
        _ message: WireMessage
    ) async {
        let options = await options(for: host, helo: key.helo)
        let timeouts = ConnectionTimeouts(
            connect: settings.connectTimeout, command: settings.commandTimeout, data: settings.dataTimeout,
            final: settings.finalTimeout)
        if let kept = await environment.connections.take(key) {
            used.isContinued = true
            if await transact(kept, &used, retryKey, isLast: isLast, message, mayRenew: true) { return }
            used.isContinued = false
        }
        switch await SMTPConnection.open(key, options, timeouts) {
        case .success(let connection):
            _ = await transact(connection, &used, retryKey, isLast: isLast, message, mayRenew: false)
        case .failure(let trouble):
            take(hostTrouble: trouble, used, retryKey, isLast: isLast)
        }
    }

    /// Sends to all that wait, in as many transactions as it takes; false when a kept connection proved dead at once.
    private mutating func transact(
        _ connection: SMTPConnection, _ used: inout UsedHost, _ retryKey: RetryKey, isLast: Bool,
        _ message: WireMessage, mayRenew: Bool
    ) async -> Bool {
        let extensions = connection.extensions
        used.localAddress = connection.local?.address
        used.localPort = connection.local?.port ?? 0
        used.offersPipelining = extensions.pipelining
        var left = pending
        var isOpen = true
        var isFirstTransaction = true
        while !left.isEmpty, isOpen {
            let ending = await connection.send(transaction(for: left, message), message)
            if mayRenew, isFirstTransaction, Self.isDead(ending) { return false }
            used.usedChunking = ending.usedChunking
            used.usedPipelining = ending.usedPipelining
            let next = await take(ending, of: left, used, retryKey, isLast: isLast, extensions.dsn)
            isOpen = ending.isOpen
            // A server that puts all back takes no more on this connection.
            if next.count == left.count { break }
            left = next
            used.isContinued = true
            isFirstTransaction = false
        }
        let mayServeMore =
            settings.maximumMessages == 0 || connection.transactionCount < settings.maximumMessages
        if isOpen, mayServeMore {
            await environment.connections.keep(connection)
        } else if isOpen {
            await connection.quit()
        }
        return true
    }

    private static func isDead(_ ending: TransactionEnding) -> Bool {
        !ending.isOpen
            && ending.outcomes.allSatisfy { outcome in
                guard case .troubled(let trouble) = outcome else { return false }
                return trouble.scope == .host && trouble.code == nil
            }
    }

    private func transaction(for indices: [Int], _ message: WireMessage) -> Transaction {
        let items = indices.map { scene.items[$0] }
        var transaction = Transaction(
            sender: scene.returnPath,
            recipients: items.map { item in
                Transaction.Recipient(
                    item.recipient(includingAffixes: scene.transport.generic.includesAffixes),
                    notify: item.notify, originalRecipient: item.originalRecipient)
            }, size: message.size,
            // The blank line does not count, in Exim.
            lineCount: message.head.count { $0 == .newline } - 1 + scene.message.bodyLineCount)
        transaction.needsSMTPUTF8 = scene.message.isSMTPUTF8
        transaction.returns = scene.message.returnsHeadersOnly.map { $0 ? .headers : .full }
        transaction.envelopeID = scene.message.envelopeID
        transaction.isLastHop = items.allSatisfy(\.instruction.isLastHop)
        return transaction
    }

    // MARK: Outcomes

    /// Takes what a transaction came to; gives the addresses that are to be sent again.
    private mutating func take(
        _ ending: TransactionEnding, of indices: [Int], _ used: UsedHost, _ retryKey: RetryKey, isLast: Bool,
        _ peerKnowsDSN: Bool
    ) async -> [Int] {
        var delivered: [Int] = []
        var again: [Int] = []
        var said: Set<ByteString> = []
        for (index, outcome) in zip(indices, ending.outcomes) {
            switch outcome {
            case .delivered(let confirmation):
                var result = TransportOutcome(.delivered(confirmation: confirmation))
                result.host = used
                result.isFirst = delivered.isEmpty
                result.peerKnowsDSN = peerKnowsDSN
                result.retries = addressKeys(index).map { RetryItem($0, .delete) }
                outcomes[index] = result
                delivered.append(index)
            case .pending: again.append(index)
            case .troubled(let trouble):
                take(trouble, index, used, retryKey, isLast: isLast)
                note(trouble, used, isLast: isLast, &said)
            }
        }
        if !delivered.isEmpty { await served(delivered) }
        let blamesHost = ending.outcomes.contains { outcome in
            if case .troubled(let trouble) = outcome { trouble.scope == .host } else { false }
        }
        if !blamesHost {
            hostRetries.append(RetryItem(retryKey, .delete, isHost: true))
            environment.hosts.forgetFailure(retryKey)
        }
        return again
    }

    private mutating func take(
        _ trouble: ClientTrouble, _ index: Int, _ used: UsedHost, _ retryKey: RetryKey, isLast: Bool
    ) {
        let said = shown(trouble)
        let isFinal = trouble.isPermanent && (trouble.scope != .host || isLast)
        var result = TransportOutcome(isFinal ? .failed(said) : .deferred(said))
        let isRecipientTimeout = trouble.scope == .recipient && trouble.code == nil
        if !trouble.text.isEmpty, !isRecipientTimeout { result.host = used }
        let error = retryError(trouble, used)
        switch trouble.scope {
        case .recipient where trouble.isPermanent: break
        case .recipient:
            waits = false
            let key = recipientKey(index, withSender: trouble.code != nil)
            result.retries.append(RetryItem(key, .record(error)))
        case .message where trouble.isPermanent: break
        case .message:
            waits = false
            result.retries.append(
                RetryItem(retryKey.message(scene.message.id), .record(error), isHost: true, isMessage: true))
        case .host: remember(retryKey, error)
        }
        settle(index, result)
    }

    /// Gives an address its outcome at this host; what the hosts before have told the hints stays told.
    private mutating func settle(_ index: Int, _ outcome: TransportOutcome) {
        var outcome = outcome
        if let earlier = outcomes[index] {
            outcome.retries = earlier.retries + outcome.retries
            outcome.host = outcome.host ?? earlier.host
        }
        outcomes[index] = outcome
    }

    /// The host cannot be used at all.
    private mutating func take(
        hostTrouble trouble: ClientTrouble, _ used: UsedHost, _ retryKey: RetryKey, isLast: Bool
    ) {
        var said: Set<ByteString> = []
        let error = retryError(trouble, used, connecting: trouble.text.isEmpty)
        for index in pending {
            let isFinal = trouble.isPermanent && isLast
            var result = TransportOutcome(isFinal ? .failed(shown(trouble)) : .deferred(shown(trouble)))
            if !trouble.text.isEmpty { result.host = used }
            settle(index, result)
        }
        remember(retryKey, error)
        note(trouble, used, isLast: isLast, &said)
        environment.hosts.noteFailure(retryKey, until: environment.now().seconds + 30)
    }

    private mutating func remember(_ key: RetryKey, _ error: RetryError) {
        hostRetries.removeAll { $0.key == key }
        hostRetries.append(RetryItem(key, .record(error), isHost: true))
    }

    private func shown(_ trouble: ClientTrouble) -> TransportTrouble {
        var shown = TransportTrouble(
            trouble.text, errno: Int32(clamping: trouble.errno),
            userText: trouble.mayBeShown ? trouble.text : nil)
        shown.more = Int32(clamping: trouble.code ?? 0)
        return shown
    }

    /// The host's own line in the log, once for all addresses that share the trouble.
    private mutating func note(
        _ trouble: ClientTrouble, _ used: UsedHost, isLast: Bool, _ said: inout Set<ByteString>
    ) {
        if trouble.isPermanent, trouble.scope != .host { return }
        if trouble.scope == .recipient, isLast || trouble.code == nil { return }
        guard said.insert("\(trouble.text) \(trouble.errno)").inserted else { return }
        var line = TransportLogLine(trouble.text)
        line.host = used
        line.errno = Int32(clamping: trouble.errno)
        line.isRecipientDeferral = trouble.scope == .recipient
        lines.append(line)
    }

    private func retryError(_ trouble: ClientTrouble, _ used: UsedHost, connecting: Bool = false)
        -> RetryError
    {
        let number = Int32(clamping: trouble.errno)
        let code = trouble.scope == .host ? nil : trouble.code
        let text: ByteString
        if number > 0 {
            text = SystemFailure(number: number).text
        } else {
            text = "H=\(used.host.name) [\(used.host.address?.text ?? "")]: \(trouble.text)"
        }
        return RetryError(
            basicErrno: number,
            moreErrno: EximErrno.more(
                fromMX: used.host.mx != nil, replyCode: code, connecting: connecting && number == 110),
            text: text)
    }

    private func addressKeys(_ index: Int) -> [RetryKey] {
        [recipientKey(index, withSender: false), recipientKey(index, withSender: true)]
    }

    private func recipientKey(_ index: Int, withSender: Bool) -> RetryKey {
        let address = scene.items[index].uniqueKey
        guard withSender, settings.addressRetryIncludesSender else { return .address(address) }
        return .address(address, sender: scene.message.sender)
    }

    /// Gives each address its outcome; those that no host was tried for learn why.
    private func finished(_ hosts: [RouteHost]) -> [TransportOutcome] {
        let names = hosts.map(\.name)
        let waitingHosts = waits && settings.maximumMessages != 1 ? names : []
        return outcomes.enumerated().map { index, outcome in
            var result = outcome ?? TransportOutcome(untried(hosts))
            if index == 0 || outcome == nil { result.retries += hostRetries }
            if index > 0, outcome != nil, Self.isOpen(result) {
                result.retries += hostRetries.filter(Self.isRecord)
            }
            if Self.isOpen(result) {
                result.waitingHosts = waitingHosts
                result.skippedHosts = skipped
            }
            return result
        }
    }

    private static func isRecord(_ item: RetryItem) -> Bool {
        if case .record = item.action { true } else { false }
    }

    private func untried(_ hosts: [RouteHost]) -> TransportVerdict {
        let areAllExpired =
            !standings.isEmpty && standings.allSatisfy { if case .expired = $0 { true } else { false } }
        if areAllExpired {
            let tail: ByteString =
                settings.delaysAfterCutoff
                ? "(and retry time not reached)" : "and were last tried after this message arrived"
            let text: ByteString = "all hosts\(forDomain) have been failing for a long time \(tail)"
            return .failed(TransportTrouble(text, errno: -54, userText: text))
        }
        return .deferred(TransportTrouble("retry time not reached for any host\(forDomain)", errno: -54))
    }
}
