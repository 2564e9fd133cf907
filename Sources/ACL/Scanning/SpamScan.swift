import Bytes
import Expansion

/// One question to a spam scanner; it waits, so it runs on a thread of its own.
struct SpamScan {
    private let plan: SpamPlan
    private let copy: ScanCopy
    private let reach: ScannerReach
    private var lines: [ACLState.LogLine] = []
    private var peer: ByteString?

    /// The most octets of an answer.
    private static let mostOctets = 32_600
    /// The longest bar.
    private static let longestBar = 51

    init(_ plan: SpamPlan, _ copy: ScanCopy, _ reach: ScannerReach) {
        self.plan = plan
        self.copy = copy
        self.reach = reach
    }

    consuming func answer() -> SpamAnswer {
        var scan = self
        for warning in scan.plan.warnings { scan.note(warning) }
        var answer = SpamAnswer()
        do throws(ScanTrouble) {
            let (connection, server) = try scan.connect()
            answer = try scan.ask(connection, server)
        } catch {
            scan.note(error.text, isPanic: true)
        }
        (answer.lines, answer.peer) = (scan.lines, scan.peer)
        return answer
    }

    private mutating func note(_ text: ByteString, isPanic: Bool = false) {
        lines.append(.init(text: "spam acl condition: \(text)", targets: isPanic ? [.main, .panic] : .main))
    }

    private mutating func connect() throws(ScanTrouble) -> (any ScannerConnection, SpamServer) {
        guard !plan.servers.isEmpty else {
            throw ScanTrouble("no useable spamd server addresses in spamd_address configuration option.")
        }
        for server in plan.servers {
            let until = ContinuousClock.now + .seconds(server.timeout)
            var attempt = reach.connect(server.place, until)
            if case .failure = attempt, let retry = server.retry {
                reach.pause(min(retry, server.timeout))
                attempt = reach.connect(server.place, until)
            }
            switch attempt {
            case .success(let connection):
                peer = connection.peer
                return (connection, server)
            case .failure(let trouble):
                peer = trouble.peer ?? peer
                if trouble.isUnknownHost { lines.append(.init(text: trouble.text, targets: .main)) }
                note("spamd: \(trouble.text)")
            }
        }
        throw ScanTrouble("all spamd servers failed")
    }

    private func ask(_ connection: any ScannerConnection, _ server: SpamServer) throws(ScanTrouble)
        -> SpamAnswer
    {
        let size = try ScanReader(copy.path).size
        let head: ByteString =
            server.isRspamd
            ? "CHECK RSPAMC/1.3\r\nContent-length: \(size)\r\n\(plan.rspamdHead)\r\n"
            : "REPORT SPAMC/1.2\r\nUser: \(plan.user)\r\nContent-length: \(size)\r\n\r\n"
        if let reason = connection.send(head.bytes[...]) { throw ScanTrouble("spamd send failed: \(reason)") }
        do throws(ScanTrouble) { try connection.send(file: copy.path) } catch {
            throw ScanTrouble("spamd send failed: \(error.text)")
        }
        if !server.isRspamd { connection.endSending() }
        let text = try receiveAll(connection)
        let result = server.isRspamd ? SpamResult(rspamd: text) : SpamResult(spamd: text)
        guard let result else {
            throw ScanTrouble(
                "cannot parse spamd \(connection.peer)\(server.isRspamd ? ", output: 0" : " output")")
        }
        return SpamAnswer(
            facts: SpamFacts(
                score: result.score.shown, scoreInt: "\(result.score.tenths)",
                bar: result.score.bar(longest: Self.longestBar), report: result.report, action: result.action),
            isSpam: result.isSpam)
    }

    private func receiveAll(_ connection: any ScannerConnection) throws(ScanTrouble) -> ByteString {
        var text = ByteString()
        while text.count < Self.mostOctets {
            switch connection.receive() {
            case .ended: return text
            case .octets(let octets): text += octets
            case .failed(let reason):
                throw ScanTrouble("error reading from spamd \(connection.peer), socket: \(reason)")
            }
        }
        return text
    }
}

/// A score as a scanner tells it.
struct SpamScore: Sendable, Hashable {
    /// The number.
    let value: Double

    /// Beyond this a scanner's number is nonsense.
    private static let largest = 1e9

    /// Reads the number at the front of a text; nil where there is none.
    init?(_ text: ArraySlice<UInt8>) {
        let digits = text.trimmedStart().prefix { "+-.0123456789".utf8.contains($0) }
        guard let value = Double(ByteString(digits).string), abs(value) < Self.largest else { return nil }
        self.value = value
    }

    /// Ten times the score, cut off.
    var tenths: Int { Int(value * 10 + 0.001) }

    /// With one digit behind the point, rounded as the C library does.
    var shown: ByteString {
        let magnitude = abs(value)
        var tenths = (magnitude * 10).rounded(.down)
        // What is above the half, without the error of the multiplication.
        let above = (-(tenths + 0.5)).addingProduct(magnitude, 10)
        if above > 0 || (above == 0 && tenths.truncatingRemainder(dividingBy: 2) == 1) { tenths += 1 }
        let number = Int(tenths)
        return "\(value.sign == .minus ? "-" : "")\(number / 10).\(number % 10)"
    }

    /// A sign for each whole point; a slash for none.
    func bar(longest: Int) -> ByteString {
        let points = Int(value)
        if points == 0 { return "/" }
        let sign = points < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+")
        return ByteString(repeatElement(sign, count: min(abs(points), longest)))
    }
}

/// A scanner's answer, taken apart.
struct SpamResult: Sendable, Hashable {
    let score: SpamScore
    let isSpam: Bool
    let report: ByteString
    let action: ByteString

    /// `SPAMD/1.1 0 EX_OK`, header lines, and a body that begins with `score/threshold`.
    init?(spamd text: ByteString) {
        var lines = Lines(text)
        guard let status = lines.next(), status.starts(with: ByteString("SPAMD/")),
            status.split(separator: .blank).dropFirst().elementsEqual([
                ByteString("0")[...], ByteString("EX_OK")[...],
            ])
        else { return nil }
        var numbers: ArraySlice<UInt8>?
        while let line = lines.next(), !line.isEmpty {
            // What servers before 2.50 say.
            if line.startsIgnoringCase(with: ByteString("Spam:")) {
                numbers = line.cut(at: UInt8(ascii: ";"))?.after
            }
        }
        let first = numbers == nil ? lines.next() : nil
        guard let parts = ByteString(numbers ?? first?[...] ?? []).cut(at: UInt8(ascii: "/")),
            let score = SpamScore(parts.before), let threshold = SpamScore(parts.after)
        else { return nil }
        self.score = score
        isSpam = score.value >= threshold.value
        report = Self.report(lines.rest)
        action = isSpam ? "reject" : "no action"
    }

    /// `RSPAMD/1.3 0 EX_OK`, `Metric: default; True; score / threshold / reject`, `Action: ...`, symbols.
    init?(rspamd text: ByteString) {
        var lines = Lines(text)
        guard let status = lines.next(), status.starts(with: ByteString("RSPAMD/")),
            status.split(separator: .blank).dropFirst().first.map({ $0.elementsEqual("0".utf8) }) ?? false,
            let metric = lines.next(), metric.starts(with: ByteString("Metric:"))
        else { return nil }
        let fields = metric.split(separator: UInt8(ascii: ";"))
        guard fields.count >= 3, let parts = ByteString(fields[2]).cut(at: UInt8(ascii: "/")),
            let score = SpamScore(parts.before), let threshold = SpamScore(parts.after)
        else { return nil }
        self.score = score
        isSpam = score.value >= threshold.value
        report = Self.report(lines.rest)
        let line = lines.next() ?? ""
        let name: ByteString = "Action: "
        action = line.starts(with: name) ? ByteString(line.dropFirst(name.count)) : ""
    }

    /// The text as a header line has it: without carriage returns, its further lines begun with a blank.
    private static func report(_ text: ByteString) -> ByteString {
        let plain = ByteString(text.filter { $0 != .carriageReturn })
        return ByteString(plain.trimmed()).replacing(ByteString("\n"), with: ByteString("\n "))
    }

    private struct Lines {
        private(set) var rest: ByteString

        init(_ text: ByteString) { rest = text }

        mutating func next() -> ByteString? {
            if rest.isEmpty { return nil }
            let parts = rest.cut(at: .newline) ?? (rest[...], [])
            rest = ByteString(parts.after)
            return ByteString(parts.before.last == .carriageReturn ? parts.before.dropLast() : parts.before)
        }
    }
}
