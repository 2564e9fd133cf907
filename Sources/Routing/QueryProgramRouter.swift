package import Bytes
import Configuration
import Expansion
import MailText

/// A command that a router asks, with everything expanded.
package struct QueryCommand: Sendable, Hashable {
    /// The command's file and its arguments.
    package var words: [ByteString]
    /// As whom it runs, where that can be chosen.
    package var user: DeliveryUser
    /// Where it works.
    package var directory: ByteString
    /// `timeout` in seconds; 0 is none.
    package var timeout: Int
}

/// How a command that was asked ended.
package enum QueryAnswer: Sendable, Hashable {
    /// It said this, and ended well.
    case said(ByteString)
    /// It ended with a status.
    case exited(Int)
    /// A signal ended it.
    case killed(Int)
    /// It took too long.
    case timedOut
    /// It could not be run, and why.
    case failed(ByteString)
}

/// The queryprogram router: an external command decides (manual, chapter 21).
struct QueryProgramRouter: Sendable {
    /// The most octets of the answer that count.
    private static let longestAnswer = 1023

    private let command: ByteString
    private let user: DeliveryUser
    private let directory: ByteString
    private let timeout: Int

    init(_ block: OptionBlock) throws(RoutingConfigurationError) {
        func wrong(_ problem: ByteString) -> RoutingConfigurationError {
            RoutingConfigurationError(router: block.name, problem: problem)
        }
        guard let source = block.template("command")?.source else {
            throw wrong("a command specification is required")
        }
        guard let name = block.text("command_user") else { throw wrong("command_user must be specified") }
        let users = SystemUsers()
        let account = users.user(named: name)
        guard let uid = account?.uid ?? name.decimalInteger().flatMap({ UInt32(exactly: $0) }) else {
            throw wrong("user \(name) was not found")
        }
        var gid = account?.gid
        if let group = block.text("command_group") {
            guard let found = users.group(named: group) else { throw wrong("group \(group) was not found") }
            gid = found
        }
        guard let gid else { throw wrong("command_user set without command_group for \(block.name) router") }
        command = source
        user = DeliveryUser(uid: uid, gid: gid)
        directory = block.text("current_directory") ?? "/"
        timeout = Int(block.seconds("timeout") ?? 3600)
        guard directory.first == UInt8(ascii: "/") else {
            throw wrong("current_directory is not an absolute path")
        }
    }

    func route(_ scene: inout RoutingScene) async throws(RoutingTrouble) -> DriverAnswer {
        let query = QueryCommand(
            words: try await words(&scene), user: user, directory: directory, timeout: timeout)
        let router = scene.options.name
        let line: ByteString
        switch await scene.environment.ask(query) {
        case .said(let output): line = ByteString(output.prefix { $0 != .newline }.prefix(Self.longestAnswer))
        case .exited(let status):
            throw RoutingTrouble("\(router) router: command returned non-zero code \(status)", freezes: true)
        case .killed(let signal):
            throw RoutingTrouble("\(router) router: command killed by signal \(signal)", freezes: true)
        case .timedOut: throw RoutingTrouble("\(router) router: command timed out", freezes: true)
        case .failed(let reason):
            throw RoutingTrouble("\(router) router: couldn't create child process: \(reason)")
        }
        guard !line.isEmpty else { throw RoutingTrouble("\(router) router: command failed to return data") }
        return try await answer(line, &scene)
    }

    /// The command's words, each expanded by itself.
    private func words(_ scene: inout RoutingScene) async throws(RoutingTrouble) -> [ByteString] {
        var words: [TaintedBytes] = []
        for word in CommandLine.split(command) {
            do {
                words.append(try await scene.expander.expand(Template(word), scene.facts))
            } catch {
                throw RoutingTrouble(
                    "Expansion of \"\(word)\" from command \"\(command)\" in queryprogram router failed: \(error.text)"
                )
            }
        }
        if let place = words.firstIndex(where: \.taint.isTainted) {
            throw RoutingTrouble(
                "Tainted arg \(place) for queryprogram router command: '\(words[place].bytes)'")
        }
        return words.map(\.bytes)
    }

    // MARK: The answer

    private func answer(
        _ line: ByteString, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> DriverAnswer {
        let text = line.trimmedStart()
        let word = ByteString(text.prefix { !$0.isASCIISpace })
        let behind = text.dropFirst(word.count)
        let rest = ByteString(behind.first?.isASCIISpace == true ? behind.dropFirst() : behind)
        switch word.lowercasedASCII() {
        case "decline": return .declined(nil)
        case "pass": return .passed
        case "fail":
            return .failed(
                RoutingTrouble(ByteString(rest.trimmedEnd()), userText: ByteString(rest.trimmedEnd())))
        case "defer": throw RoutingTrouble(ByteString(rest.trimmedEnd()))
        case "freeze": throw RoutingTrouble(ByteString(rest.trimmedEnd()), freezes: true)
        case "redirect": return try await redirected(rest, &scene)
        case "accept": return try await accept(QueryData(rest), &scene)
        default:
            scene.log("\(scene.options.name) router: bad command yield: \(word) \(rest)", isPanic: true)
            throw RoutingTrouble("bad command yield: \(word) \(rest)")
        }
    }

    /// The addresses of a `redirect` line; commands and files are none.
    private func redirected(
        _ list: ByteString, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> DriverAnswer {
        var children: [RedirectedItem] = []
        for item in RedirectionList.items(list) {
            switch item {
            case .address(let text, _):
                // What the postmaster's program says is his.
                var taint = Taint.clean
                var address = EmailAddress(text).qualified(with: scene.environment.qualifyRecipient)
                if let rewriter = scene.environment.rewriter {
                    do {
                        address = try await rewriter.rewrite(address, &taint, as: .envelopeTo, scene.facts)
                    } catch {
                        throw RoutingTrouble("rewriting of \(address.text) failed: \(error.text)")
                    }
                }
                var child = scene.address.child(address.text, by: scene.options.name)
                child.taint = taint
                child.startRouter = scene.options.redirectRouter
                children.append(.address(child))
            case .malformed(let item, let problem):
                throw RoutingTrouble("error in redirect data: \(problem) in \"\(item)\"", errno: -17)
            default:
                throw RoutingTrouble(
                    "error in redirect data: only addresses are permitted in \"\(list)\"", errno: -17)
            }
        }
        // Exim has the last one first.
        return children.isEmpty ? .declined(nil) : .redirected(children.reversed())
    }

    private func accept(
        _ data: QueryData, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> DriverAnswer {
        if let value = data["data"] {
            scene.address.addressData = TaintedBytes(value, .tainted)
            scene.facts.address.addressData = scene.address.addressData
        }
        if let name = data["transport"], scene.environment.transportIsRemote[name] == nil {
            let problem: ByteString = "unknown transport name \(name) yielded by command"
            scene.log("\(scene.options.name) router: \(problem)", isPanic: true)
            throw RoutingTrouble(problem)
        }
        var finding = HostFinding()
        switch data["lookup"]?.lowercasedASCII() {
        case nil, "": break
        case "byname": finding.source = .name
        case "bydns": finding.source = .dns
        case let other?:
            let problem: ByteString = "bad lookup type \"\(other)\" yielded by command"
            scene.log("\(scene.options.name) router: \(problem)", isPanic: true)
            throw RoutingTrouble(problem)
        }
        let items = ItemList.split(data["hosts"], separator: UInt8(ascii: ":")).map { HostItem($0) }
        guard !items.isEmpty else { return .accepted(hosts: [], transport: data["transport"]) }
        return try await ManualRouteRouter.find(items, finding, transport: data["transport"], &scene)
    }
}

/// The data of an `accept` line: `name=value`, the value in quotes where it holds blanks.
struct QueryData {
    private var values: [ByteString: ByteString] = [:]

    init(_ text: ByteString) {
        var place = 0
        while place < text.count {
            guard !text[place].isASCIISpace else {
                place += 1
                continue
            }
            let start = place
            while place < text.count, text[place] != UInt8(ascii: "="), !text[place].isASCIISpace {
                place += 1
            }
            let name = ByteString(text[start..<place]).lowercasedASCII()
            guard place < text.count, text[place] == UInt8(ascii: "=") else { continue }
            place += 1
            values[name] = QuotedWord.read(text, &place)
        }
    }

    subscript(_ name: ByteString) -> ByteString? { values[name] }
}
