import ArgumentParser
import Bytes
import Spooler

/// `bobbin queue list`.
struct QueueListCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List messages, as exim -bp does.",
        discussion: """
            Example: the ids of all bounces that are older than a day
              bobbin queue list -i -f '^<>$' -o 86400
            """)

    @OptionGroup var queue: QueueOptions
    @OptionGroup var selection: SelectionOptions

    @Flag(name: [.customShort("i"), .customLong("ids-only")], help: "Print ids only, one a line.")
    var idsOnly = false
    @Flag(name: [.customShort("R"), .long], help: "Newest first.")
    var reverse = false
    @Flag(name: .long, help: "In the file system's order; starts at once and holds no ids (-bpr).")
    var unsorted = false
    @Flag(name: [.customShort("a"), .customLong("all")], help: "Also addresses that came of others (-bpa).")
    var all = false
    @Flag(
        name: [.customShort("u"), .customLong("undelivered")],
        help: "Only recipients still to be served (-bpu).")
    var undelivered = false
    @Flag(name: .long, help: "One JSON object a message; doc/bobbin-queue.md lists the keys.")
    var json = false

    mutating func run(on console: Console) throws {
        let spool = try queue.listableSpool()
        var query = try QueueQuery(selection, spool)
        query.readsAll = json && !idsOnly
        query.showsIDsOnly = idsOnly
        try query.run(order, make: renderer(spool, query.now), use: console.write)
    }

    private var order: QueueReport.Order { unsorted ? .directory : reverse ? .reversedArrival : .arrival }

    private func renderer(
        _ spool: Spool, _ now: Int64
    ) -> @Sendable (MessageID, ReportedMessage) -> ByteString? {
        if idsOnly { return { id, _ in "\(id.bytes)\n" } }
        if json {
            let record = MessageRecord(now: now, queue: spool.queue)
            return { record.object(of: $0, $1).map { "\($0.text)\n" } }
        }
        let style = ListingStyle(showsDelivered: !undelivered, showsGenerated: all, isSorted: !unsorted)
        let listing = MessageListing(style: style, now: now)
        return { listing.text(of: $1, $0, in: spool) }
    }
}

extension QueueOptions {
    /// The queue, if the caller may list it.
    func listableSpool() throws(ToolFailure) -> Spool {
        let site = try site()
        guard site.mayList(.current()) else { throw .notAdmin(to: "list the queue", site) }
        return try spool(of: site)
    }
}

extension ToolFailure {
    /// The caller is no admin user.
    static func notAdmin(to deed: ByteString, _ site: Site) -> ToolFailure {
        let group =
            site.mailUser.map {
                ", or be a member of group \(GroupName.of($0.gid) ?? "\($0.gid)")" as ByteString
            } ?? ""
        return ToolFailure(.noPermission, "you may not \(deed): run this as root or the mail user\(group)")
    }
}
