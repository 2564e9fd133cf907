import Bytes
import Spooler

/// Prints a queue, or some of its messages, as Exim's -bp family does.
struct QueueListing: Sendable {
    let spool: Spool
    let style: ListingStyle
    let now: Int64
    let console: Console

    /// The whole queue; messages that vanish meanwhile are passed over.
    func printQueue() throws(SpoolError) {
        let listing = MessageListing(style: style, now: now)
        let spool = spool
        try QueueReport(spool: spool).gather(style.isSorted ? .arrival : .directory, ByteString()) {
            text, entry, message in
            if case .listed(let message) = message {
                listing.append(message, to: &text)
            } else if let entry = listing.text(of: message, entry.id, in: spool) {
                text += entry
            }
        } use: {
            console.write($0)
        }
    }

    /// The messages named, in the order given; what is not there is said so.
    func printMessages(_ ids: [ByteString]) {
        for id in ids { console.write(text(ofMessageNamed: id)) }
    }

    private func text(ofMessageNamed name: ByteString) -> ByteString {
        let missing = MessageListing.text(ofUnreadable: name, "No such file or directory")
        guard let id = MessageID(name) else { return missing }
        let listing = MessageListing(style: style, now: now)
        do throws(SpoolError) {
            return listing.text(of: .read(try spool.read(id)), id, in: spool) ?? missing
        } catch {
            return listing.text(of: .unreadable(error), id, in: spool) ?? missing
        }
    }
}
