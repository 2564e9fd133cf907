package import Bytes

/// One page of HTML with the statistics of several sides: no scripts, nothing loaded from elsewhere.
package enum StatisticsPage {
    /// The page.
    package static func html(_ all: [Statistics], title: ByteString, made: ByteString) -> ByteString {
        WebPage.html(title: title, made: made, all.map(section).joined(separator: ""))
    }

    private static func section(_ statistics: Statistics) -> ByteString {
        let scope = statistics.scope
        var text: ByteString = "<section>\n<h2>\(scope.side.title)</h2>\n<p>"
        text +=
            "\(ReportInterval(containing: scope.begin).name) to \(ReportInterval(containing: scope.end).name), UTC"
            as ByteString
        if let domain = scope.domain { text += ", From: \(XMLText.escaped(domain))" as ByteString }
        text += "</p>\n" as ByteString
        guard statistics.total.messages > 0 else {
            return text + ByteString("<p>Nothing known.</p>\n</section>\n")
        }
        text += cards(statistics.total)
        text += "<h3>Day by day</h3>\n\(DayChart(statistics.days).svg)" as ByteString
        text += table("From: domain", statistics.domains)
        text += table(scope.side == .received ? "Received by" : "Reported by", statistics.receivers)
        text += senders("Who sends as whom", statistics.senders)
        text += senders("Who fails", statistics.failing)
        return text + ByteString("</section>\n")
    }

    private static func cards(_ total: Tally) -> ByteString {
        let cards: [(number: ByteString, name: ByteString)] = [
            ("\(total.messages)", "messages"), (TextTable.percent(total, total.passed), "passed DMARC"),
            (TextTable.percent(total, total.alignedDKIM), "DKIM aligned"),
            (TextTable.percent(total, total.alignedSPF), "SPF aligned"),
            ("\(total.quarantined)", "quarantined"),
            ("\(total.rejected)", "rejected"),
        ]
        return WebPage.cards(cards)
    }

    private static func table(_ title: ByteString, _ rows: [TallyRow]) -> ByteString {
        let most = rows.map(\.tally.messages).max() ?? 0
        var text: ByteString = "<h3>\(title)</h3>\n<div class=\"wide\"><table>\n"
        text +=
            "<tr><th>name</th><th class=\"n\">messages</th><th class=\"n\">pass</th><th></th></tr>\n"
            as ByteString
        for row in rows {
            text +=
                "<tr><td class=\"name\">\(XMLText.escaped(row.name))</td>\(numbers(row.tally))" as ByteString
            text += "<td class=\"bar\">\(bar(row.tally, of: most))</td></tr>\n" as ByteString
        }
        return text + ByteString("</table></div>\n")
    }

    private static func senders(_ title: ByteString, _ rows: [SenderRow]) -> ByteString {
        guard !rows.isEmpty else { return "" }
        var text: ByteString =
            "<h3>\(title)</h3>\n<div class=\"wide\"><table class=\"senders\">\n<tr><th>From:</th>"
        text +=
            "<th class=\"n\">messages</th><th class=\"n\">pass</th><th>address</th><th>envelope</th><th>signer</th></tr>\n"
            as ByteString
        for row in rows {
            text +=
                "<tr><td class=\"name first\">\(XMLText.escaped(row.from))</td>\(numbers(row.tally))"
                as ByteString
            text +=
                cell("address", row.address) + cell("envelope", row.envelopeDomain)
                + cell("signer", row.signer)
            text += "</tr>\n" as ByteString
        }
        return text + ByteString("</table></div>\n")
    }

    private static func cell(_ label: ByteString, _ name: ByteString) -> ByteString {
        let text = name.isEmpty ? "–" : XMLText.escaped(name)
        return "<td class=\"name\" data-label=\"\(label)\">\(text)</td>"
    }

    private static func numbers(_ tally: Tally) -> ByteString {
        "<td class=\"n\">\(tally.messages)</td><td class=\"n\">\(TextTable.percent(tally, tally.passed))</td>"
    }

    private static func bar(_ tally: Tally, of most: Int64) -> ByteString {
        WebPage.bar(pass: tally.passed, fail: tally.failed, of: most)
    }
}

/// A column for each day: what passed, and on top of it what failed.
private struct DayChart {
    private let days: ArraySlice<TallyRow>
    private let most: Int64
    private let width = 480
    private let height = 200
    private let left = 48
    private let bottom = 24
    private static let widestColumn = 40

    init(_ rows: [TallyRow]) {
        days = rows.suffix(Statistics.mostDays)
        most = max(1, days.map(\.tally.messages).max() ?? 1)
    }

    var svg: ByteString {
        var text: ByteString =
            "<p class=\"legend\"><i style=\"background:var(--pass)\"></i>passed <i style=\"background:var(--fail)\"></i>failed</p>\n"
        text +=
            "<svg class=\"days\" viewBox=\"0 0 \(width) \(height)\" role=\"img\" aria-label=\"messages a day\">\n"
            as ByteString
        for step in 0...2 { text += gridLine(step) }
        for (index, row) in days.enumerated() { text += column(index, row) }
        return text + labels + ByteString("</svg>\n")
    }

    private var plotWidth: Int { width - left }
    private var plotHeight: Int { height - bottom - 8 }

    private func gridLine(_ step: Int) -> ByteString {
        let y = 8 + plotHeight - plotHeight * step / 2
        let label = most * Int64(step) / 2
        return
            "<line class=\"grid\" x1=\"\(left)\" x2=\"\(width)\" y1=\"\(y)\" y2=\"\(y)\"/><text x=\"\(left - 6)\" y=\"\(y + 4)\" text-anchor=\"end\">\(label)</text>\n"
    }

    private func column(_ index: Int, _ row: TallyRow) -> ByteString {
        let used = min(plotWidth, Self.widestColumn * days.count)
        let start = left + used * index / days.count
        let end = left + used * (index + 1) / days.count
        let gap = end - start > 4 ? 2 : 0
        let whole = scaled(row.tally.messages)
        let passed = scaled(row.tally.passed)
        let floor = 8 + plotHeight
        let size: ByteString = "x=\"\(start)\" width=\"\(max(1, end - start - gap))\""
        return """
            <g><title>\(row.name): \(row.tally.messages), passed \(row.tally.passed)</title>\
            <rect class="pass" \(size) y="\(floor - passed)" height="\(passed)"/>\
            <rect class="fail" \(size) y="\(floor - whole)" height="\(whole - passed)"/></g>

            """
    }

    private func scaled(_ count: Int64) -> Int {
        count == 0 ? 0 : max(1, Int(count.multipliedFullWidth(by: Int64(plotHeight)).low / UInt64(most)))
    }

    private var labels: ByteString {
        guard let first = days.first, let last = days.last else { return "" }
        let y = height - 6
        let one: ByteString = "<text x=\"\(left)\" y=\"\(y)\">\(first.name)</text>"
        guard days.count > 1 else { return one }
        return "\(one)<text x=\"\(width)\" y=\"\(y)\" text-anchor=\"end\">\(last.name)</text>\n"
    }
}
