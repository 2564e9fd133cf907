import Bytes
import Expansion
import Glibc
import Hints
import MailText
import Routing
import SMTP

// One host after the other: whether it may be tried, the connection, the transactions.
extension SMTPTransport {
    mutating func attempt(
        _ host: RouteHost, isLast: Bool, _ message: WireMessage
    ) async throws(TransportTrouble) {
        guard let address = host.address else { return }
        scene.facts.address.host = TaintedBytes(host.name)
        scene.facts.address.hostAddress = address
        scene.facts.address.hostDNSSEC = host.dnssec
        var used = UsedHost(host: host, port: try await port(of: host))
        scene.facts.address.hostPort = used.port
        let interface = try await interface(for: address)
        let key = try await retryKey(used, interface)
        guard await isUsable(key) else { return }
        if settings.maximumTries > 0, tried >= settings.maximumTries || tried >= settings.hardLimit {
            skipped = skipped || tried < settings.hardLimit
            return
        }
        let helo = try await scene.expand(settings.helo, "helo_data")?.bytes ?? environment.primaryHostName
        if scene.message.isDryRun { return pretend(used) }
        let tls = await plan(for: host, port: used.port)
        if let note = tls.note { lines.append(TransportLogLine(note)) }
        if let refusal = tls.refusal {
            tried += 1
            return await refuse(refusal, used, key, isLast: isLast)
        }
        guard let proxies = await proxies() else {
            let trouble = ClientTrouble(scope: .host, isPermanent: false, errno: Int(ENOENT), text: "")
            return await take(hostTrouble: trouble, used, key, isLast: isLast)
        }
        let connection = ConnectionKey(
            transport: scene.transport.name, hostName: host.name, address: address, port: used.port,
            interface: interface, helo: helo, credentials: await credentials(for: host, scene.facts),
            tls: tls, proxies: proxies)
        used.authenticatedSender = try await authenticatedSender()
        used.downconversion = try await downconversion()
        let isSerialized = await isListed(host, settings.serialized, otherwise: false)
        await environment.connections.enter(address, used.port, alone: isSerialized)
        // Another message may have found out meanwhile that the host does not answer.
        let isUsable = await isUsable(key)
        defer { environment.connections.leave(address, used.port, hadConnection: isUsable) }
        if isUsable {
            tried += 1
            try await converse(
                connection, host, &used, key, isLast: isLast, message, isSerialized: isSerialized)
        }
    }

    private mutating func pretend(_ used: UsedHost) {
        for index in pending {
            var outcome = TransportOutcome(.delivered(confirmation: "delivery bypassed by -N option"))
            outcome.host = used
            outcomes[index] = outcome
        }
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
                // This message alone has to wait: it does not wait for the host.
                if candidate != key { waits = false }
            case .expired(let record):
                if !settings.delaysAfterCutoff, record.lastTry < scene.message.receivedTime { continue }
            }
            standings.append(standing)
            return false
        }
        return true
    }

    // MARK: One connection

    private func options(for host: RouteHost, _ key: ConnectionKey) async -> ClientOptions {
        var options = ClientOptions(helo: key.helo)
        options.usesTLS = !key.tls.isAvoided
        options.requiresTLS = key.tls.isRequired
        options.clearAfterTemporaryTLSRefusal = key.tls.triesClear
        options.isLMTP = settings.protocolName == "lmtp"
        options.ignoresQuota = settings.ignoresQuota
        options.topBitPrints = environment.expander.environment.settings.printTopBitChars
        options.usesPRDR = false
        options.sizeAddition = settings.sizeAddition
        options.maximumRecipients = settings.maximumRecipients
        options.usesESMTP = !(await isListed(host, settings.avoidsESMTP, otherwise: false))
        options.usesPipelining = !(await isListed(host, settings.avoidsPipelining, otherwise: false))
        options.usesChunking = await isListed(host, settings.triesChunking, otherwise: true)
        return options
    }

    /// `dscp`; what is no value marks nothing, as with Exim.
    private func trafficClass() async -> TrafficClass? {
        guard let template = settings.dscp else { return nil }
        do { return TrafficClass(try await scene.expand(template, "dscp")?.bytes ?? "") } catch { return nil }
    }

    func isListed(_ host: RouteHost, _ list: ListText?, otherwise: Bool) async -> Bool {
        guard let list else { return otherwise }
        return await environment.expander.isListed(host, list, scene.facts)
    }

    mutating func converse(
        _ key: ConnectionKey, _ host: RouteHost, _ used: inout UsedHost, _ retryKey: RetryKey, isLast: Bool,
        _ message: WireMessage, isSerialized: Bool
    ) async throws(TransportTrouble) {
        let options = await options(for: host, key)
        var timeouts = ConnectionTimeouts(
            connect: settings.connectTimeout, command: settings.commandTimeout, data: settings.dataTimeout,
            final: settings.finalTimeout)
        timeouts.keepsAlive = settings.keepsAlive
        timeouts.trafficClass = await trafficClass()
        let told = HostEvents(events, host: host.name, address: key.address, port: key.port)
        if let kept = await keptConnection(key, host) {
            kept.events = told
            used.isContinued = true
            if await transact(kept, &used, retryKey, isLast: isLast, message, mayRenew: true) { return }
            await kept.quit()
            used.isContinued = false
        }
        let turn = isSerialized ? await hostTurn(host.name) : nil
        guard !isSerialized || turn != nil else {
            limited += 1
            tried -= 1
            skipped = true
            return
        }
        flush()
        if !key.proxies.isEmpty { writeLines() }
        let opening = SMTPConnection.Opening(
            options: options, timeouts: timeouts, turn: turn, events: told, tell: environment.tell)
        switch await open(key, opening) {
        case .success(let connection):
            environment.connections.prove(key.address, key.port)
            do throws(TransportTrouble) {
                if let trouble = try await authenticate(connection, host) {
                    await end(connection)
                    return await take(hostTrouble: trouble, used, retryKey, isLast: isLast)
                }
            } catch {
                await end(connection)
                throw error
            }
            _ = await transact(connection, &used, retryKey, isLast: isLast, message, mayRenew: false)
        case .failure(let failure):
            await turn?.end()
            used.note(failure.state)
            if TLSOffer.isFailure(failure.trouble) { used.tls = key.tls.factsOfFailure }
            await take(hostTrouble: failure.trouble, used, retryKey, isLast: isLast)
        }
    }

    /// The right to connect to a host of `serialize_hosts`; nil while another process has it.
    private func hostTurn(_ name: ByteString) async -> SharedTurns.Turn? {
        let key: ByteString = "host-serialize-\(name)"
        if let turn = await environment.turns.begin(key, atMost: 1) { return turn }
        // It may be that a connection of our own is open that does not fit this message.
        guard await environment.connections.close(host: name) else { return nil }
        return await environment.turns.begin(key, atMost: 1)
    }

    /// Sends to all that wait, in as many transactions as it takes; false when a kept connection proved dead at once.
    private mutating func transact(
        _ connection: SMTPConnection, _ used: inout UsedHost, _ retryKey: RetryKey, isLast: Bool,
        _ message: WireMessage, mayRenew: Bool
    ) async -> Bool {
        let extensions = connection.extensions
        let state = connection.state
        used.note(state)
        used.offersPipelining = extensions.pipelining
        used.identity = connection.identity
        if used.identity == nil, !settings.forcesAuthenticatedSender { used.authenticatedSender = nil }
        guard let message = await signed(message, used) else {
            await end(connection)
            return true
        }
        var left = pending
        var isOpen = true
        var isFirstTransaction = true
        var troubles: [(index: Int, trouble: ClientTrouble)] = []
        while !left.isEmpty, isOpen {
            let ending = await connection.send(transaction(for: left, message, used), message)
            if mayRenew, isFirstTransaction, Self.isDead(ending) { return false }
            used.usedChunking = ending.usedChunking
            used.usedPipelining = ending.usedPipelining
            let next = await take(ending, of: left, used, retryKey, isLast: isLast, extensions.dsn)
            troubles += ending.troubles(of: left)
            isOpen = ending.isOpen
            // A server that puts all back takes no more on this connection.
            if next.count == left.count { break }
            left = next
            if isOpen, !left.isEmpty { used.isContinued = true }
            isFirstTransaction = false
        }
        let mayServeMore =
            settings.maximumMessages == 0 || connection.transactionCount < settings.maximumMessages
        if isOpen, mayServeMore, !(state.tls != nil && connection.key.tls.servesOneMessage) {
            await environment.connections.keep(connection)
        } else {
            // QUIT is said where the server still listens, after a 421 too.
            await end(connection)
        }
        await tellOfEnding(troubles, used, isLast: isLast)
        return true
    }

    /// The message with the signatures that it is to have; nil when it waits because it has none, and all know.
    private mutating func signed(_ message: WireMessage, _ used: UsedHost) async -> WireMessage? {
        // Without a header there is no place for a signature.
        guard let settings = settings.signing, !scene.transport.generic.bodyOnly else { return message }
        var signing = MessageSigning(settings, scene)
        let result = await signing.signed(message)
        lines += signing.lines
        guard result == nil else { return result }
        (waits, lacksSignature) = (false, true)
        for index in pending {
            // The host is not to blame: other messages go to it.
            var outcome = TransportOutcome(
                .deferred(TransportTrouble("the message could not be signed", errno: EACCES)))
            outcome.host = used
            settle(index, outcome)
        }
        return nil
    }

    private mutating func end(_ connection: SMTPConnection) async {
        flush()
        await connection.quit()
    }

    private static func isDead(_ ending: TransactionEnding) -> Bool {
        !ending.isOpen
            && ending.outcomes.allSatisfy { outcome in
                guard case .troubled(let trouble) = outcome else { return false }
                return trouble.scope == .host && trouble.code == nil
            }
    }

    /// `utf8_downconvert`; what it does not settle, an ACL may have said.
    private func downconversion() async throws(TransportTrouble) -> Downconversion {
        guard scene.message.isSMTPUTF8 else { return .never }
        guard let template = settings.downconversion else { return .whereNeeded }
        let text = try await scene.expand(template, "utf8_downconvert")?.bytes ?? ""
        return Downconversion(ByteString(text.trimmed())) ?? scene.message.downconversion
    }

    private func transaction(for indices: [Int], _ message: WireMessage, _ used: UsedHost) -> Transaction {
        let items = indices.map { scene.items[$0] }
        var transaction = Transaction(
            sender: scene.returnPath,
            recipients: items.map { item in
                Transaction.Recipient(
                    item.recipient(includingAffixes: scene.transport.generic.includesAffixes),
                    notify: item.notify, originalRecipient: item.originalRecipient)
            }, size: scene.message.size, lineCount: scene.message.lineCount)
        transaction.needsSMTPUTF8 = scene.message.isSMTPUTF8
        transaction.downconversion = used.downconversion
        transaction.returns = scene.message.returnsHeadersOnly.map { $0 ? .headers : .full }
        transaction.envelopeID = scene.message.envelopeID
        transaction.authenticatedSender = used.authenticatedSender
        transaction.isLastHop = items.allSatisfy(\.instruction.isLastHop)
        return transaction
    }
}
