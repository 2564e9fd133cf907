import Bytes
import Foundation
import Spooler
import Testing

/// A line of spool-format/samples/expected.txt.
struct Sample: Sendable, CustomTestStringConvertible {
    let isGood: Bool
    let words: [Substring]
    let why: Substring

    var testDescription: String { "\(id): \(why)" }
    var id: String { String(words[1]) }
    var directory: URL { packageRoot.appending(path: "spool-format/samples/\(isGood ? "good" : "bad")") }

    func octets(_ suffix: String) throws -> ByteString {
        ByteString(Array(try Data(contentsOf: directory.appending(path: id + suffix))))
    }

    static let all: [Sample] = {
        let url = packageRoot.appending(path: "spool-format/samples/expected.txt")
        let text = Result { try String(contentsOf: url, encoding: .utf8) }.success ?? ""
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let halves = line.split(separator: "|", maxSplits: 1)
            let words = halves[0].split(separator: " ")
            return Sample(isGood: words[0] == "good", words: words, why: halves[1].dropFirst())
        }
    }()
}

@Suite("The samples of spool-format")
struct SampleTests {
    @Test(
        "A good sample is read, written the same, and agrees with its -D",
        arguments: Sample.all.filter(\.isGood))
    func good(sample: Sample) throws {
        let octets = try sample.octets("-H")
        let header = try HeaderFile(parsing: octets, named: MessageID(ByteString(sample.id)))
        #expect(header.serialized() == octets)
        try header.check()
        let data = try sample.octets("-D")
        #expect(data.starts(with: "\(sample.id)-D\n".utf8))
        let body = data.dropFirst(header.id.dataStartOffset)
        if let lines = header.bodyLineCount { #expect(lines == body.count { $0 == .newline }) }
    }

    @Test(
        "A bad sample is refused at the line and offset that its table names",
        arguments: Sample.all.filter { !$0.isGood })
    func bad(sample: Sample) throws {
        let octets = try sample.octets("-H")
        let error = try #require(throws: SpoolFormatError.self) {
            try HeaderFile(parsing: octets, named: MessageID(ByteString(sample.id)))
        }
        #expect("\(error.part)" == sample.words[2])
        #expect(error.line == Int(sample.words[3]))
        #expect(error.offset == Int(sample.words[4]))
    }

    @Test("Every sample file is in the table")
    func complete() throws {
        #expect(Sample.all.count > 30)
        for kind in ["good", "bad"] {
            let files = Fixture.all(below: "spool-format/samples/\(kind)", ending: "-H").map {
                String($0.fileName.dropLast(2))
            }
            #expect(Set(files) == Set(Sample.all.filter { $0.isGood == (kind == "good") }.map(\.id)))
        }
    }

    @Test(
        "Exim 4.96 does with a sample in its queue what the table says",
        arguments: Sample.all.filter { $0.id.utf8.count == 16 })
    func exim(sample: Sample) throws {
        let exim = "/usr/sbin/exim4"
        guard FileManager.default.isExecutableFile(atPath: exim) else {
            Issue.record("install exim4-daemon-heavy, the oracle of this test")
            return
        }
        let scratch = try ScratchSpool()
        try scratch.write(try sample.octets("-H"), to: "input/\(sample.id)-H")
        try scratch.write(try sample.octets("-D"), to: "input/\(sample.id)-D")
        try scratch.write(
            """
            spool_directory = \(scratch.path)
            log_file_path = \(scratch.path)/%slog
            keep_environment =
            queue_list_requires_admin = false
            local_interfaces = 127.0.0.1
            tls_advertise_hosts =

            """,
            to: "conf")
        let (code, output) = try run(exim, ["-C", scratch.path + "/conf", "-bp"])
        let saysError = output.contains("spool format error")
        switch sample.isGood ? "lists" : sample.words[5] {
        case "lists": #expect(code == 0 && !saysError && output.contains(sample.id))
        case "error": #expect(code == 0 && saysError)
        default: #expect(code != 0 && !output.contains("example.org"))
        }
    }
}
