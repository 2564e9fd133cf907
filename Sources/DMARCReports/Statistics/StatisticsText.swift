package import Bytes

extension Statistics {
    /// The statistics as tables with bars, for terminals of 80 columns and more.
    package var text: ByteString {
        let first = ReportInterval(containing: scope.begin).name
        let last = ReportInterval(containing: scope.end).name
        var text: ByteString = "\(scope.side.title), \(first) to \(last)"
        if let domain = scope.domain { text += ", From: \(domain)" as ByteString }
        text += "\n\n" as ByteString
        guard total.messages > 0 else { return text + ByteString("nothing known\n") }
        text += "messages \(total.messages), passed \(TextTable.percent(total, total.passed))" as ByteString
        text += ", DKIM aligned \(TextTable.percent(total, total.alignedDKIM))" as ByteString
        text += ", SPF aligned \(TextTable.percent(total, total.alignedSPF))" as ByteString
        text += ", quarantined \(total.quarantined), rejected \(total.rejected)\n" as ByteString
        text += TextTable.tallies("day", days)
        text += TextTable.tallies("From: domain", domains)
        text += TextTable.tallies(scope.side == .received ? "received by" : "reported by", receivers)
        text += TextTable.senders("who sends as whom", senders)
        text += TextTable.senders("who fails", failing)
        return text
    }
}

extension Statistics.Side {
    /// The heading, for people.
    var title: ByteString {
        switch self {
        case .received: "Mail that came here"
        case .reported: "Mail that others report"
        }
    }
}

/// Tables for terminals.
enum TextTable {
    private static let barWidth: Int64 = 30

    static func tallies(_ title: ByteString, _ rows: [TallyRow]) -> ByteString {
        guard !rows.isEmpty else { return "" }
        let most = rows.map(\.tally.messages).max() ?? 0
        let width = max(title.count, rows.map { $0.name.count }.max() ?? 0)
        var text: ByteString = "\n\(left(title, width))  messages    pass\n"
        for row in rows {
            let tally = row.tally
            text +=
                "\(left(row.name, width))  \(right("\(tally.messages)", 8))  \(right(percent(tally, tally.passed), 6))"
                as ByteString
            let bar = bar(tally, of: most)
            if !bar.isEmpty { text += "  \(bar)" as ByteString }
            text.append(.newline)
        }
        return text
    }

    static func senders(_ title: ByteString, _ rows: [SenderRow]) -> ByteString {
        guard !rows.isEmpty else { return "" }
        let froms = max(title.count, rows.map { $0.from.count }.max() ?? 0)
        let addresses = max(7, rows.map { $0.address.count }.max() ?? 0)
        var text: ByteString =
            "\n\(left(title, froms))  \(left("address", addresses))  messages    pass  envelope, signer\n"
        for row in rows {
            let tally = row.tally
            text += "\(left(row.from, froms))  \(left(row.address, addresses))" as ByteString
            text +=
                "  \(right("\(tally.messages)", 8))  \(right(percent(tally, tally.passed), 6))" as ByteString
            text += "  \(row.envelopeDomain.isEmpty ? "-" : row.envelopeDomain)" as ByteString
            text += ", \(row.signer.isEmpty ? "-" : row.signer)\n" as ByteString
        }
        return text
    }

    /// Full blocks for what passed, light ones for what failed; at least one block for what is there at all.
    private static func bar(_ tally: Tally, of most: Int64) -> ByteString {
        guard most > 0, tally.messages > 0 else { return "" }
        let whole = max(1, tally.messages * barWidth / most)
        let passed = (tally.passed * whole + tally.messages / 2) / tally.messages
        return ByteString(
            String(repeating: "\u{2588}", count: Int(passed))
                + String(repeating: "\u{2591}", count: Int(whole - passed)))
    }

    /// A share with one decimal: `98.5%`.
    static func percent(_ tally: Tally, _ part: Int64) -> ByteString {
        let permille = tally.permille(part)
        return "\(permille / 10).\(permille % 10)%"
    }

    private static func left(_ text: ByteString, _ width: Int) -> ByteString {
        text + ByteString(repeatElement(UInt8.blank, count: max(0, width - text.count)))
    }

    private static func right(_ text: ByteString, _ width: Int) -> ByteString {
        ByteString(repeatElement(UInt8.blank, count: max(0, width - text.count))) + text
    }
}
