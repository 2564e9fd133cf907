package import Bytes

/// The frame of our pages of HTML, and how they look: readable on a phone, no scripts, nothing loaded from elsewhere.
package enum WebPage {
    /// A whole page.
    ///
    /// - Parameters:
    ///   - title: its title, which is escaped here.
    ///   - made: when it was made, for people.
    ///   - body: its sections, as HTML.
    package static func html(title: ByteString, made: ByteString, _ body: ByteString) -> ByteString {
        let name = XMLText.escaped(title)
        var page: ByteString = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n" as ByteString
        page += "<title>\(name)</title>\n<style>\n\(style)\n</style>\n</head>\n<body>\n" as ByteString
        page += "<h1>\(name)</h1>\n\(body)" as ByteString
        page += "<footer>made \(XMLText.escaped(made))</footer>\n</body>\n</html>\n" as ByteString
        return page
    }

    /// Numbers with what they count, side by side.
    package static func cards(_ cards: [(number: ByteString, name: ByteString)]) -> ByteString {
        let items = cards.map { card in
            "<div class=\"card\"><b>\(XMLText.escaped(card.number))</b><span>\(card.name)</span></div>\n"
                as ByteString
        }
        return "<div class=\"cards\">\n\(items.joined(separator: ""))</div>\n"
    }

    /// A bar of two colours, as wide as its cell at `most`.
    package static func bar(pass: Int64, fail: Int64, of most: Int64) -> ByteString {
        guard most > 0 else { return "" }
        let (first, second) = (pass * 1000 / most, fail * 1000 / most)
        return """
            <svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true"><rect class="pass" width="\(first)" \
            height="10"/><rect class="fail" x="\(first)" width="\(second)" height="10"/></svg>
            """
    }

    private static let style: ByteString = """
        :root { color-scheme: light dark; --pass: #1a7f5a; --fail: #d1495b; --line: #8884; --soft: #8881 }
        * { box-sizing: border-box }
        body { font: 16px/1.45 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 60rem }
        h1 { font-size: 1.5rem; margin: 0 0 1rem } h2 { font-size: 1.2rem; margin: 2rem 0 .2rem }
        h3 { font-size: 1rem; margin: 1.5rem 0 .3rem } p { margin: 0 0 .8rem; opacity: .75 }
        .cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .6rem }
        .card { background: var(--soft); border-radius: .5rem; padding: .5rem .8rem }
        .card b { display: block; font-size: 1.4rem; font-variant-numeric: tabular-nums }
        .card span { font-size: .85rem; opacity: .75 }
        svg { display: block; width: 100%; height: auto } svg text { font: 12px system-ui, sans-serif; fill: currentColor }
        svg.days { max-width: 44rem }
        .pass { fill: var(--pass) } .fail { fill: var(--fail) } .grid { stroke: var(--line) }
        .legend i { display: inline-block; width: .8em; height: .8em; border-radius: .15em; margin: 0 .3em 0 .8em }
        .legend i:first-child { margin-left: 0 }
        .wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: .9rem }
        th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
        td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
        td.name { overflow-wrap: anywhere; min-width: 9.5rem } td.bar { width: 25%; min-width: 3rem }
        td.bar svg { height: .8rem } table.senders td { min-width: 0 }
        table.queue td.name { min-width: 0; width: 45% } table.queue td, table.queue th { padding-right: .4rem }
        @media (max-width: 36rem) {
          table.queue td.bar { min-width: 1.5rem; width: 12% }
          table.senders tr { display: grid; grid-template-columns: 1fr auto auto; padding: .4rem 0; border-bottom: 1px solid var(--line) }
          table.senders tr:first-child { display: none } table.senders td { border: 0; padding: 0 .6rem 0 0 }
          table.senders td.name { grid-column: 1 / -1 } table.senders td.first { grid-column: 1; font-weight: 600 }
          table.senders td[data-label]::before { content: attr(data-label) " "; opacity: .6 }
        }
        footer { margin-top: 2rem; font-size: .85rem; opacity: .6 }
        """
}
