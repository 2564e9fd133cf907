import Bytes
import Foundation
import TestKit
import Testing

/// Pages of HTML, looked at by others' programs.
enum Browser {
    /// Lays a page out in a headless Chromium, as wide as a phone, and expects that nothing reaches beyond; tables may scroll in their own box.
    static func expectFits(_ page: String, width: Int = 390) async throws {
        let directory = try TemporaryDirectory()
        let text = page.replacing("&", with: "&amp;").replacing("\"", with: "&quot;")
        let harness = """
            <!DOCTYPE html><html><body style="margin:0"><iframe id="page" style="width:\(width)px;height:800px;border:0"
            srcdoc="\(text)"></iframe><script>
            onload = () => {
              const found = document.getElementById('page').contentDocument, wide = [];
              for (const element of found.querySelectorAll('body *'))
                if (element.getBoundingClientRect().right > \(width) + 1 && !element.parentElement.closest('.wide'))
                  wide.push(element.outerHTML.slice(0, 80));
              const words = 'laid out ' + found.querySelectorAll('body *').length + ' elements, ' + wide.length + ' too wide: ';
              document.body.append(words + wide.slice(0, 5).join(' | ') + ' .')
            }
            </script></body></html>
            """
        try Data(harness.utf8).write(to: URL(fileURLWithPath: directory.file("harness.html").string))
        let chromium = try Program("chromium", package: "chromium")
        let shown = try chromium.run([
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--user-data-dir=\(directory.file("profile"))", "--virtual-time-budget=10000", "--dump-dom",
            "file://\(directory.file("harness.html"))",
        ]).string
        let words = try #require(shown.firstMatch(of: /laid out (\d+) elements, (\d+) too wide: .*/))
        #expect(Int(words.1) ?? 0 > 10)
        #expect(words.2 == "0", "\(words.0)")
    }
}

/// Whether a page's elements are closed in the order in which they were opened.
enum WellFormed {
    static func check(_ page: String) throws {
        let directory = try TemporaryDirectory()
        try Data(page.utf8).write(to: URL(fileURLWithPath: directory.file("page.html").string))
        let script = """
            import html.parser, sys
            class Page(html.parser.HTMLParser):
                stack = []
                def handle_starttag(self, tag, attributes):
                    if tag not in ('meta',): self.stack.append(tag)
                def handle_endtag(self, tag):
                    if not self.stack or self.stack.pop() != tag: sys.exit(f'{self.getpos()}: </{tag}>')
            page = Page()
            page.feed(open(sys.argv[1], encoding='utf-8').read())
            sys.exit(f'open: {page.stack}' if page.stack else 0)
            """
        let answer = try Shell.run("/usr/bin/python3", ["-c", script, directory.file("page.html").string])
        #expect(answer == Answer(output: "", errors: "", status: 0))
    }
}
