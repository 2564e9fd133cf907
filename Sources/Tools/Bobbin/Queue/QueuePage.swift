import Bytes
import DMARCReports
import EximLog

/// A queue as one page of HTML.
struct QueuePage {
    private let overview: QueueOverview
    private let queue: ByteString

    init(_ overview: QueueOverview, queue: ByteString) { (self.overview, self.queue) = (overview, queue) }

    /// The page.
    var html: ByteString {
        let title: ByteString = queue.isEmpty ? "Mail queue" : "Mail queue \(queue)"
        let sections = [
            cards, ages, domains("Where mail waits for", "deliveries", overview.domains),
            domains("Who sent it", "messages", overview.senders), oldest, unreadable,
        ]
        let made = LogTimestamp(usesUTC: true, showsZone: true).text(
            of: LogMoment(seconds: Int(overview.now)))
        return WebPage.html(
            title: title, made: made, "<section>\n\(sections.joined(separator: ""))</section>\n")
    }

    private var cards: ByteString {
        WebPage.cards([
            ("\(overview.messages)", "messages"), ("\(overview.deliveries)", "deliveries"),
            (overview.volume(overview.octets), "octets"), ("\(overview.frozen)", "frozen"),
            ("\(overview.bounces)", "bounces"), ("\(overview.unreadableCount)", "unreadable"),
        ])
    }

    private var ages: ByteString {
        let most = overview.ages.map { $0.moving + $0.frozen }.max() ?? 0
        let rows = overview.ages.map { age -> ByteString in
            let bar = WebPage.bar(pass: age.moving, fail: age.frozen, of: most)
            return row(age.name, [number(age.moving + age.frozen)], bar)
        }
        let legend: ByteString = """
            <p class="legend"><i style="background:var(--pass)"></i>on its way \
            <i style="background:var(--fail)"></i>frozen</p>

            """
        return table("Waiting for at most", ["", "messages"], rows, before: legend)
    }

    private func domains(
        _ title: ByteString, _ what: ByteString, _ domains: [QueueOverview.Domain]
    ) -> ByteString {
        let most = domains.map(\.deliveries).max() ?? 0
        let rows = domains.map { domain -> ByteString in
            let cells = [
                number(domain.deliveries), overview.volume(domain.octets), overview.age(of: domain.oldest),
            ]
            return row(domain.name.isEmpty ? "(no domain)" : domain.name, cells, bar(domain.deliveries, most))
        }
        return table(title, ["", what, "octets", "oldest"], rows)
    }

    private var oldest: ByteString {
        let rows = overview.oldest.map { message -> ByteString in
            let name: ByteString = "\(message.id) <\(message.sender)>\(message.isFrozen ? " frozen" : "")"
            let age = message.received.map { overview.age(of: $0) } ?? ""
            return row(name, ["\(message.recipients.count)", overview.volume(message.size), age], "")
        }
        return table("The oldest messages", ["", "deliveries", "octets", "age"], rows)
    }

    private var unreadable: ByteString {
        guard !overview.unreadable.isEmpty else { return "" }
        let rows = overview.unreadable.map { row($0, [], "") }
        let text: ByteString = "<p><code>bobbin spool check</code> tells what is wrong with them.</p>\n"
        return table("Cannot be read", [""], rows, before: text)
    }

    private func number(_ number: Int64) -> ByteString { "\(number)" }

    private func bar(_ count: Int64, _ most: Int64) -> ByteString {
        WebPage.bar(pass: count, fail: 0, of: most)
    }

    private func row(_ name: ByteString, _ cells: [ByteString], _ bar: ByteString) -> ByteString {
        let numbers = cells.map { "<td class=\"n\">\(XMLText.escaped($0))</td>" as ByteString }
        let last: ByteString = bar.isEmpty ? "" : "<td class=\"bar\">\(bar)</td>"
        return
            "<tr><td class=\"name\">\(XMLText.escaped(name))</td>\(numbers.joined(separator: ""))\(last)</tr>\n"
    }

    private func table(
        _ title: ByteString, _ heads: [ByteString], _ rows: [ByteString], before: ByteString = ""
    ) -> ByteString {
        guard !rows.isEmpty else { return "" }
        let names = heads.enumerated().map { index, head in
            "<th\(index == 0 ? "" : " class=\"n\"")>\(head)</th>" as ByteString
        }
        return """
            <h3>\(title)</h3>
            \(before)<div class="wide"><table class="queue">
            <tr>\(names.joined(separator: ""))</tr>
            \(rows.joined(separator: ""))</table></div>

            """
    }
}
