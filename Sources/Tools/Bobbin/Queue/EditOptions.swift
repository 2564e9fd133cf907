import ArgumentParser
import Bytes
import Spooler

/// What the commands that change messages have in common.
struct EditOptions: ParsableArguments {
    @OptionGroup var queue: QueueOptions
    @OptionGroup var selection: SelectionOptions
    @Flag(name: .long, help: "Take the whole queue, where nothing else selects.")
    var everything = false
    @Flag(name: .long, help: "One JSON object a message: id, outcome, text.")
    var json = false

    func validate() throws {
        guard selection.isEmpty != everything else { return }
        throw ValidationError(
            everything
                ? "--everything does not go with a selection: give one of them"
                : "which messages? Give ids, a selection such as -f or -z, or --everything")
    }

    /// Changes the messages that are meant, each under its lock, and tells what came of each.
    ///
    /// Throws at the end when one of them could not be changed.
    func perform(_ action: MessageAction, _ console: Console) async throws(ToolFailure) {
        let site = try queue.site()
        let caller = Caller.current()
        guard site.isAdmin(caller) else { throw .notAdmin(to: "change messages", site) }
        let editor = MessageEditor(site: site, spool: try queue.spool(of: site), caller: caller)
        let events = action == .remove ? try await RemovalEvents(site) : nil
        var failed = 0
        for id in try meant(editor.spool) {
            let report = await editor.perform(action, on: id, telling: events)
            if !report.isSuccess { failed += 1 }
            console.write(json ? "\(report.object(of: id).text)\n" : report.text)
            if let detail = report.detail { console.say("bobbin: \(detail)\n") }
        }
        if failed > 0 { throw ToolFailure(.failure, "\(failed) of the messages could not be changed") }
    }

    /// Chosen before anything is changed; messages named need not be whole.
    private func meant(_ spool: Spool) throws(ToolFailure) -> [MessageID] {
        let query = try QueueQuery(selection, spool)
        if query.selection.isEmpty, !query.ids.isEmpty { return query.ids }
        var ids: [MessageID] = []
        try query.run(.arrival, make: { id, _ in id }, use: { ids.append($0) })
        return ids
    }
}
