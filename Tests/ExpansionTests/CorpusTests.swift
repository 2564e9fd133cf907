import Bytes
import Expansion
import Foundation
import Testing

@Suite("Bobbin expands as Exim does")
struct CorpusTests {
    @Test(
        """
        Each expansion of the corpus has the value, or the error, that the installed Exim gives \
        (AUX-02 nwildlsearch, AUX-03 iplsearch, AUX-04 lsearch of an address, AUX-06 other separators, \
        AUX-20 $primary_hostname, AUX-21 bool, def, eq, and, or)
        """)
    func corpus() async throws {
        let oracle = try Oracle()
        let lines = try oracle.lines(of: "expansions.txt")
        #expect(lines.count >= 200)
        let expected = try oracle.answers(to: lines)
        let expander = Expander(.likeOracle(oracle.directory.path))
        for (line, exim) in zip(lines, expected) {
            let ours = await expander.shown(line)
            #expect(ours == exim, "\(line)")
        }
        try oracle.remove()
    }

    @Test(
        "Each expansion over a message has the value that the installed Exim gives (AUX-15 reduce, extract, $lh_)"
    )
    func message() async throws {
        let oracle = try Oracle()
        let lines = try oracle.lines(of: "message-expansions.txt")
        let expected = try oracle.answers(to: lines, message: "message")
        let expander = Expander(.likeOracle(oracle.directory.path))
        let facts = try Facts(
            message: ByteString(Data(contentsOf: Oracle.fixtures.appending(path: "message"))))
        for (line, exim) in zip(lines, expected) {
            let ours = await expander.shown(line, facts)
            #expect(ours == exim, "\(line)")
        }
        try oracle.remove()
    }
}

extension Facts {
    /// The facts of a message that lies in a file.
    init(message: ByteString) throws {
        self.init()
        let gap = try #require(message.firstRange(of: ByteString("\n\n")))
        let body = ByteString(message[gap.upperBound...])
        for line in message[..<gap.lowerBound].split(separator: .newline) {
            if line.first?.isASCIISpace == true, !self.message.headers.isEmpty {
                self.message.headers[self.message.headers.count - 1].text += line + [.newline]
            } else {
                self.message.headers.append(HeaderText(text: ByteString(line) + [.newline]))
            }
        }
        self.message.bodySize = body.count
        self.message.readBody = { offset, length in
            let part = offset < 0 ? body.suffix(-offset) : body.dropFirst(offset)
            return ByteString(part.prefix(length))
        }
    }
}
