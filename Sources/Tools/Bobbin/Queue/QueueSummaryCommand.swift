import ArgumentParser
import Bytes
import Spooler

/// `bobbin queue summary`.
struct QueueSummaryCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "summary", abstract: "Sum up what waits by domains, as exiqsumm does.",
        discussion: """
            Example: where the most deliveries wait
              bobbin queue summary --by-count
            """)

    @OptionGroup var queue: QueueOptions
    @OptionGroup var selection: SelectionOptions
    @Flag(name: .long, help: "The domains with the oldest messages first (exiqsumm -a).")
    var byAge = false
    @Flag(name: .long, help: "The domains with the most deliveries first (exiqsumm -c).")
    var byCount = false
    @Flag(name: .long, help: "Bounces apart (exiqsumm -b).")
    var splitBounces = false
    @Flag(name: .long, help: "Frozen messages apart (exiqsumm -f).")
    var splitFrozen = false
    @Flag(name: .long, help: "Senders' domains apart (exiqsumm -s).")
    var splitSenders = false
    @Flag(name: .long, help: "One JSON object a domain: name, count, volume, oldest, newest.")
    var json = false

    mutating func run(on console: Console) throws {
        let spool = try queue.listableSpool()
        let query = try QueueQuery(selection, spool)
        var summary = QueueSummary(
            splitsBounces: splitBounces, splitsFrozen: splitFrozen, splitsSenders: splitSenders)
        let listing = MessageListing(style: ListingStyle(), now: query.now)
        try query.run(.arrival, make: { listing.text(of: $1, $0, in: spool) }) { text in
            for line in text.split(separator: .newline) { summary.add(ByteString(line)) }
        }
        let order: QueueSummary.Order = byAge ? .oldest : byCount ? .count : .domain
        console.write(json ? summary.json(order) : summary.text(order))
    }
}
