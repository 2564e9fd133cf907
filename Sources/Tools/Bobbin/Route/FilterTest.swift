import Bytes
import EximLog
import Expansion
import Filter
import Foundation
import MailSystem
import MailText
import Routing

/// Tests filters over a message on standard input, and tells what they would do (manual, options -bf and -bF).
struct FilterTest: Sendable {
    /// What is tested, and for whom.
    struct Request: Sendable, Equatable {
        /// The file of -bF.
        var systemFile: ByteString?
        /// The file of -bf.
        var userFile: ByteString?
        /// -bfl and -bfd: the recipient, where it is not the caller.
        var localPart: ByteString?
        var domain: ByteString?
        /// -bfp and -bfs.
        var prefix: ByteString = ""
        var suffix: ByteString = ""
        /// The sender of -f.
        var sender: ByteString?
        /// What the options say of the message's client.
        var claimed = PeerClaims()
        /// Whether conditions are told too (-v).
        var isVerbose = false
    }

    private let request: Request
    private let console: Console
    private let expander: Expander
    private let qualifyDomain: ByteString
    private var facts = Facts()
    private let recipient: ByteString

    /// Makes a test.
    init(_ site: Site, _ request: Request, caller: Caller, on console: Console) async throws(ToolFailure) {
        self.request = request
        self.console = console
        let system = try await site.mailSystem()
        expander = system.expander
        qualifyDomain = system.settings.qualifyRecipient
        let localPart = request.localPart ?? caller.login
        let domain = request.domain ?? qualifyDomain
        recipient = "\(request.prefix)\(localPart)\(request.suffix)@\(domain)"
        var address = AddressFacts()
        address.localPart = TaintedBytes(localPart)
        address.domain = TaintedBytes(domain)
        if !request.prefix.isEmpty { address.localPartPrefix = TaintedBytes(request.prefix) }
        if !request.suffix.isEmpty { address.localPartSuffix = TaintedBytes(request.suffix) }
        address.home = SystemUsers().user(uid: Int64(caller.uid)).map { TaintedBytes($0.home) }
        facts.address = address
        request.claimed.apply(to: &facts.connection)
        facts.message.sender = request.sender ?? "\(caller.login)@\(system.settings.qualifyDomain)"
        facts.message.recipients = [recipient]
        facts.message.recipientsCount = 1
        facts.message.isFirstDelivery = true
    }

    /// Reads the message, and tests the system's filter and then the user's.
    mutating func run() async -> ExitStatus {
        for file in [request.systemFile, request.userFile].compactMap(\.self) {
            let (text, number) = SmallFile.text(of: file)
            guard text == nil else { continue }
            complain(file, number)
            return .failure
        }
        readMessage(ByteString(Array(FileHandle.standardInput.readDataToEndOfFile())))
        let sender = facts.message.sender ?? ""
        console.write("Sender      = \(sender.isEmpty ? "<>" : sender)\nRecipient   = \(recipient)\n")
        if !request.prefix.isEmpty { console.write("Prefix    = \(request.prefix)\n") }
        if !request.suffix.isEmpty { console.write("Suffix    = \(request.suffix)\n") }
        if let file = request.systemFile, await !test(file, .system) { return .failure }
        if let file = request.userFile, await !test(file, FilterRights()) { return .failure }
        return .success
    }

    // MARK: The message

    private mutating func readMessage(_ octets: ByteString) {
        var rest = octets
        if octets.starts(with: "From " as ByteString), let line = octets.cut(at: .newline) {
            let words = line.before.split(separator: .blank)
            if request.sender == nil, words.count > 1 {
                facts.message.sender = ByteString(words[1])
                console.write("Sender taken from \"From \" line\n")
            }
            rest = ByteString(line.after)
        }
        facts.message = SubmittedMessage(rest).facts(like: facts.message, takesRecipients: false)
        if facts.message.headers.isEmpty { console.write("Warning: no message headers read\n") }
        let own = facts.message.headers.first { $0.text.startsIgnoringCase(with: ByteString("return-path:")) }
        let path = own.map { $0.text.dropFirst(12).trimmed() }
        guard let path else {
            facts.message.returnPath = facts.message.sender
            return console.write("Return-path copied from sender\n")
        }
        let isBracketed = path.first == UInt8(ascii: "<") && path.last == UInt8(ascii: ">")
        facts.message.returnPath = ByteString(isBracketed ? path.dropFirst().dropLast() : path)
        console.write("Return-path taken from \"Return-path:\" header line\n")
        console.write("Return-path = \(facts.message.returnPath ?? "")\n")
    }

    // MARK: The filters

    private func complain(_ path: ByteString, _ number: CInt) {
        console.say("exim: failed to open \(path): \(SystemErrorText.of(Int(number)))\n")
    }

    /// Tests one file; false when it is wrong.
    private mutating func test(_ path: ByteString, _ rights: FilterRights) async -> Bool {
        guard let text = SmallFile.text(of: path).text else {
            complain(path, SmallFile.text(of: path).errno)
            return false
        }
        let kind = FilterFile.kind(of: text)
        let name: ByteString =
            kind == .exim ? "Exim filter" : kind == .sieve ? "Sieve filter" : "forward file"
        console.write("Testing \(name) file \"\(path)\"\n\n")
        switch kind {
        case .list: return testList(text)
        case .sieve:
            console.write("Sieve filters are not supported: use an Exim filter (\"# Exim filter\")\n")
            return false
        case .exim: break
        }
        do throws(FilterError) {
            let file = try FilterFile(text, rights)
            var known = facts
            // The system's filter is run for nobody in particular.
            if rights.isSystem { known.address = AddressFacts() }
            var run = FilterRun(setting(rights), expander, known)
            let outcome = try await run.run(file)
            conclude(outcome)
            for (index, counter) in outcome.counters.enumerated() where rights.isSystem {
                facts.extra["sn\(index)"] = TaintedBytes("\(counter)")
            }
            if let headers = outcome.headers { facts.message.headers = headers }
            return true
        } catch {
            console.write("Filter error: \(error.text)\n")
            return false
        }
    }

    private func setting(_ rights: FilterRights) -> FilterRun.Setting {
        let console = console
        var setting = FilterRun.Setting(rights, qualifyDomain: qualifyDomain)
        setting.ownAddress = "\(facts.address.localPart?.bytes ?? "")@\(facts.address.domain?.bytes ?? "")"
        setting.report = { console.write("\($0)\n") }
        if request.isVerbose { setting.explain = { console.say($0) } }
        return setting
    }

    private func conclude(_ outcome: FilterOutcome) {
        switch outcome.ending {
        case .stopped(let kind, _):
            console.write("Filtering ended by \"\(ByteString(kind.rawValue))\".\n")
        case .finished where outcome.isSignificant:
            console.write("Filtering set up at least one significant delivery or other action.\n")
            console.write("No other deliveries will occur.\n")
        case .finished:
            console.write("Filtering did not set up a significant delivery.\nNormal delivery will occur.\n")
        }
    }

    /// Tells what a list of addresses holds.
    private func testList(_ text: ByteString) -> Bool {
        var lines: [ByteString] = []
        for item in RedirectionList.items(text) {
            switch item {
            case .address(let address, _):
                lines.append(EmailAddress(address).qualified(with: qualifyDomain).text)
            case .pipe(let text), .file(let text): lines.append(text)
            case .include(let path):
                guard let inner = SmallFile.text(of: path).text else {
                    return refuse("failed to open included file \(path)")
                }
                lines += RedirectionList.items(inner).compactMap { item in
                    guard case .address(let address, _) = item else { return nil }
                    return EmailAddress(address).qualified(with: qualifyDomain).text
                }
            case .blackhole: console.write("exim: forwardfile contains \":blackhole:\"\n")
            case .unknown: break
            case .fail(let said):
                return refuse("\":fail:\(said.isEmpty ? "" : " \(said)" as ByteString)\" is not permitted")
            case .defer(let said):
                return refuse("\":defer:\(said.isEmpty ? "" : " \(said)" as ByteString)\" is not permitted")
            case .malformed(let item, let problem): return refuse("\(problem) in \"\(item)\"")
            }
        }
        guard !lines.isEmpty else {
            console.write("exim: no addresses generated from forward file\n")
            return true
        }
        console.write("exim: forward file generated:\n")
        for line in lines.reversed() { console.write("  \(line)\n") }
        return true
    }

    private func refuse(_ problem: ByteString) -> Bool {
        console.write("exim: error in forward file: \(problem)\n")
        return false
    }
}
