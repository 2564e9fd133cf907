import Bytes
import Configuration
import Expansion
import Lookups
import MailText

/// What a spam scanner said.
struct SpamAnswer: Sendable {
    /// What it found; nil when it could not be asked.
    var facts: SpamFacts?
    /// Whether the score reaches what the user, or the scanner, sets.
    var isSpam = false
    /// Lines for the log, each with its targets.
    var lines: [ACLState.LogLine] = []
    /// Who was asked (`$callout_address`).
    var peer: ByteString?
}

extension StatementRun {
    /// `spam`: whether a scanner finds the message to be what nobody wants (manual, section 45.3).
    func spam(_ argument: ByteString, _ state: inout ACLState) async -> ClauseResult {
        var items = ListItems(argument, separator: UInt8(ascii: "/"))
        guard let first = items.next(), !first.isEmpty, first != "0",
            !first.equalsIgnoringCase("false".utf8)
        else { return .fails }
        let parts = first.cut(at: UInt8(ascii: ":"))
        let user = ByteString((parts?.before ?? first[...]).trimmed())
        let isAlways = parts?.after.trimmed().equalsIgnoringCase("true".utf8) ?? false
        let acceptsDeferral = items.contains { $0.equalsIgnoringCase("defer_ok".utf8) }
        let answer = await askSpam(user, &state)
        for line in answer.lines { evaluator.log(line, &state) }
        if let peer = answer.peer { state.facts.message.scan.calloutAddress = peer }
        guard let facts = answer.facts else { return acceptsDeferral ? .fails : .deferred("") }
        state.facts.message.scan.spam = facts
        return isAlways || answer.isSpam ? .holds : .fails
    }

    private func askSpam(_ user: ByteString, _ state: inout ACLState) async -> SpamAnswer {
        if let known = state.scanning.spam, known.user == user {
            var answer = known.answer
            answer.lines = []
            return answer
        }
        func failure(_ text: ByteString) -> SpamAnswer {
            SpamAnswer(lines: [.init(text: "spam acl condition: \(text)", targets: [.main, .panic])])
        }
        let setting = evaluator.settings.spamdAddress
        var addresses = setting.source
        let isExpanded = addresses.first == UInt8(ascii: "$")
        if isExpanded {
            do throws(ExpansionError) {
                addresses = try await evaluator.expander.expand(setting, state.facts).bytes
            } catch {
                return failure("spamd_address starts with $, but expansion failed: \(error.text)")
            }
        }
        var plan = SpamPlan(addresses, user, second: evaluator.secondOfDay)
        if plan.servers.contains(where: \.isRspamd) { plan.rspamdHead = await rspamdHead(&state) }
        do throws(ScanTrouble) {
            let copy = try await scanned(&state)
            let (reach, order) = (evaluator.services.scanners, plan)
            let answer = await ScanThread.run { SpamScan(order, copy, reach).answer() }
            if !isExpanded, answer.facts != nil { state.scanning.spam = (user, answer) }
            return answer
        } catch {
            return failure(error.text)
        }
    }

    /// What Rspamd is told of the envelope.
    private func rspamdHead(_ state: inout ACLState) async -> ByteString {
        let recipients = state.facts.message.recipients
        var head: ByteString =
            "Queue-Id: \(state.facts.message.id ?? "")\r\nFrom: <\(state.facts.message.sender ?? "")>\r\n"
        head += "Recipient-Number: \(recipients.count)\r\n" as ByteString
        for recipient in recipients { head += "Rcpt: <\(recipient)>\r\n" as ByteString }
        if let helo = state.facts.connection.helo { head += "Helo: \(helo)\r\n" as ByteString }
        let name = try? await evaluator.expander.expand("$sender_host_name", updating: &state.facts).bytes
        if let name, !name.isEmpty { head += "Hostname: \(name)\r\n" as ByteString }
        if let address = state.facts.connection.remoteAddress {
            head += "IP: \(address.text)\r\n" as ByteString
        }
        if let user = state.facts.connection.authenticatedID, !user.isEmpty {
            head += "User: \(user)\r\n" as ByteString
        }
        return head
    }
}

extension ACLEvaluator {
    /// How many seconds the day has by the local clock.
    fileprivate var secondOfDay: Int {
        let now = expander.environment.now().seconds
        let local = Int(now) + expander.environment.zoneOffset(now)
        return ((local % 86_400) + 86_400) % 86_400
    }
}

/// Whom to ask, and what.
struct SpamPlan: Sendable {
    let user: ByteString
    var servers: [SpamServer] = []
    var warnings: [ByteString] = []
    /// The lines that Rspamd gets between the length and the message.
    var rspamdHead = ByteString()

    init(_ addresses: ByteString, _ user: ByteString, second: Int) {
        self.user = user
        for item in ListItems(addresses) where servers.count < SpamServer.most {
            if let server = SpamServer(item, &warnings) { servers.append(server) }
        }
        var random = SystemRandomNumberGenerator()
        servers = SpamServer.order(servers, at: second, random: &random)
    }
}
