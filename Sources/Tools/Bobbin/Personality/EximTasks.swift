import Bytes
import Configuration
import EximLog
import Glibc
import MailSystem
import Spooler

/// What this program itself does of Exim's tasks.
struct EximTasks: Sendable {
    let request: EximRequest
    let site: Site
    let caller: Caller
    let console: Console

    private var spool: Spool { site.spool.named(request.queue) }

    /// Does what is asked for; gives Exim's exit status.
    func run() async throws -> ExitStatus {
        if request.deeds.contains(.rebuildAliases) { return await rebuildAliases() }
        if request.deeds.contains(.version) { printVersion() }
        if request.deeds.contains(.count) || request.deeds.contains(.list) { return try list() }
        if let command = request.messageCommand { return try await handle(command) }
        // Where both are asked for, addresses are tested.
        if request.deeds.contains(.expand), request.addressTest == nil { return try await expand() }
        if request.deeds.contains(.printOptions) { return try await printOptions() }
        if request.deeds.contains(.testRetry) { return try await testRetry() }
        if request.deeds.contains(.testRewriting) {
            return try await RewritingTest(site).run(request.arguments, on: console)
        }
        if request.deeds.contains(.testFilter) {
            var filter = request.filter
            filter.sender = request.submission.sender.map { $0 == "<>" ? "" : $0 }
            filter.isVerbose = request.isVerbose
            filter.claimed = request.submission.claimed
            var test = try await FilterTest(site, filter, caller: caller, on: console)
            return await test.run()
        }
        if let file = request.scannedFile {
            guard site.isAdmin(caller) else { throw EximUsageError.denied }
            return try await MalwareTest(site).run(file, on: console)
        }
        if let kind = request.addressTest { return try await test(kind) }
        return .success
    }

    // MARK: Listing

    private func list() throws -> ExitStatus {
        guard site.mayList(caller) else { throw EximUsageError.denied }
        if request.deeds.contains(.count) {
            console.write("\(try spool.count())\n")
            return .success
        }
        if request.listsIDsOnly { return try listIDs() }
        let listing = QueueListing(spool: spool, style: request.listing, now: Clock.now(), console: console)
        if request.arguments.isEmpty {
            try listing.printQueue()
        } else {
            listing.printMessages(request.arguments)
        }
        return .success
    }

    private func listIDs() throws -> ExitStatus {
        if request.listing.isSorted {
            for entry in try spool.sortedQueue() { console.write("\(entry.id.bytes)\n") }
            return .success
        }
        var walk = try spool.walk()
        while let entry = try walk.next() { console.write("\(entry.id.bytes)\n") }
        return .success
    }

    // MARK: Messages

    private func handle(_ command: MessageCommand) async throws -> ExitStatus {
        switch command.kind {
        case .deliver, .giveUp: return .success
        case .show(let file): return show(file, of: command.ids)
        case .showCopy: return showCopy(of: command.ids)
        case .change(let action): return try await change(action, command.ids)
        }
    }

    /// Changes messages of the queue that -qG names, else of the default one.
    private func change(_ action: MessageAction, _ ids: [MessageID]) async throws -> ExitStatus {
        let editor = MessageEditor(site: site, spool: spool, caller: caller)
        let events = action == .remove ? try await RemovalEvents(site) : nil
        var status = ExitStatus.success
        for id in ids {
            let report = await editor.perform(action, on: id, telling: events)
            console.write(report.text)
            if !report.isSuccess { status = .failure }
        }
        if action.endsWithBlankLine { console.write("\n") }
        return status
    }

    private func show(_ file: MessageFile, of ids: [MessageID]) -> ExitStatus {
        guard site.isAdmin(caller) else { return fail("Permission denied\n") }
        guard ids.count == 1, let id = ids.first else {
            return fail("*** Only one message can be listed at once\n")
        }
        do throws(SpoolError) {
            guard let octets = try spool.rawFile(file, of: id) else {
                return fail("\(Self.openFailure(file, id)): No such file or directory\n")
            }
            console.write(octets)
            return .success
        } catch {
            return fail("\(Self.openFailure(file, id)): \(error.systemText)\n")
        }
    }

    private static func openFailure(_ file: MessageFile, _ id: MessageID) -> ByteString {
        switch file {
        case .messageLog: "Failed to open msglog file for \(id.bytes)"
        case .data: "Failed to open input file for \(id.bytes)-D"
        case .header, .journal, .temporaryHeader: "Failed to open input file for \(id.bytes)-H"
        }
    }

    private func showCopy(of ids: [MessageID]) -> ExitStatus {
        guard site.isAdmin(caller) else { return fail("Permission denied\n") }
        let copier = MessageCopier(editor: MessageEditor(site: site, spool: spool, caller: caller))
        var status = ExitStatus.success
        for id in ids where !copier.copy(id, to: console) { status = .failure }
        return status
    }

    private func fail(_ text: ByteString) -> ExitStatus {
        console.write(text)
        return .failure
    }

    // MARK: The rest

    private func expand() async throws -> ExitStatus {
        guard request.loadedMessage == nil || site.isAdmin(caller) else { throw EximUsageError.denied }
        var bench = try await ExpansionBench(
            site, caller: caller, sender: request.submission.sender, claimed: request.submission.claimed)
        if let id = request.loadedMessage {
            do {
                try bench.load(id, from: spool)
            } catch {
                console.write("Failed to load message \(id.bytes)\n")
            }
        }
        if let file = request.messageFile {
            try bench.load(
                messageFile: file, takesRecipients: request.submission.takesRecipientsFromHeader)
        }
        await bench.expand(request.arguments, on: console)
        return .success
    }

    private func testRetry() async throws -> ExitStatus {
        let answer = try await RetryTest(site, from: request.submission.sender).answer(to: request.arguments)
        console.write(answer.text)
        return answer.status
    }

    private func test(_ kind: AddressTest.Kind) async throws -> ExitStatus {
        let test = try await AddressTest(
            site, kind, sender: request.submission.sender, caller: caller,
            claimed: request.submission.claimed)
        return await test.run(request.arguments, on: console)
    }

    /// `-bi`: what `bi_command` names takes our place, as whoever has called us.
    private func rebuildAliases() async -> ExitStatus {
        let main = site.configuration.main
        guard let command = main.text("bi_command"), !command.isEmpty else { return .success }
        let variables = await ProcessEnvironment(main)
        console.output.flush()
        let words = [command] + (request.originator.map { [$0] } ?? [])
        ProcessReplacement.start(command, words, environment: variables.assignments)
        let reason = SystemErrorText.of(Int(errno))
        console.say("exim: exec '\(command)' failed: \(reason)")
        return .failure
    }

    private func printOptions() async throws -> ExitStatus {
        if request.arguments == ["environment"] {
            let variables = await ProcessEnvironment(site.configuration.main)
            for line in variables.assignments.sorted() { console.write("\(line)\n") }
            return .success
        }
        if !site.isAdmin(caller), request.arguments.contains(where: ConfigurationPrinter.needsAdmin) {
            throw EximUsageError.denied
        }
        let words = request.arguments.filter { $0 != "-n" }
        let print = PrintRequest(
            words: words, onlyValues: request.onlyValues || words.count < request.arguments.count)
        let answer = try print.answer(site, caller)
        console.write(answer.text)
        return answer.isFound ? .success : .failure
    }

    private func printVersion() {
        let file = site.configuration.file
        console.write("Configuration file is \(file.isEmpty ? "built in" : file)\n")
    }
}

extension MessageAction {
    /// Exim ends the output of some options with an empty line.
    var endsWithBlankLine: Bool {
        switch self {
        case .markAllDelivered, .move: true
        default: false
        }
    }
}
