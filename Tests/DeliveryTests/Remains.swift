import Bytes
import Foundation
import TestKit

/// What a delivery left on its site, with what differs between two runs hidden.
///
/// Messages are numbered in the order in which the log first names them; log lines are grouped by message.
struct Remains {
    private(set) var lines: [String] = []
    private let stage: Stage
    private var ids: [String] = []

    private var site: MailSite { stage.site }

    init(_ stage: Stage) throws {
        self.stage = stage
        let log = try site.log()
        for line in log {
            for match in line.matches(of: /1[0-9A-Za-z]{5}-[0-9A-Za-z]{6}-[0-9A-Za-z]{2}/)
            where !ids.contains(String(match.0)) {
                ids.append(String(match.0))
            }
        }
        add(log, "main")
        add(try site.log("panic"), "panic")
        try addSpool()
        let isAlone = stage.delivery.mailCount < 2
        lines += stage.servers.flatMap { isAlone ? $0.lines : $0.sortedLines }.map(hidden)
        lines += stage.proxies.flatMap { isAlone ? $0.lines : $0.lines.sorted() }
        try addMail()
        try addHints()
    }

    private mutating func add(_ log: [String], _ kind: String) {
        let passing = ["queue run:", "options that have no effect yet", "exim user lost privilege"]
        let kept = log.filter { line in !passing.contains { line.contains($0) } }
        for id in ids + [""] {
            lines += kept.filter { Self.owner(of: $0) == id }.map { "\(kind): \(hidden($0))" }
        }
    }

    /// The id that stands behind the time; "" for none.
    private static func owner(of line: String) -> String {
        let words = line.split(separator: " ", maxSplits: 3)
        guard words.count > 2, words[2].wholeMatch(of: /1[0-9A-Za-z]{5}-[0-9A-Za-z]{6}-[0-9A-Za-z]{2}/) != nil
        else { return "" }
        return String(words[2])
    }

    private mutating func addSpool() throws {
        let queue = site.queue
        for id in ids where queue.contains(id) {
            let header = Latin1.text(try site.spoolFile(id, "H"))
            let isReport = header.split(separator: "\n").dropFirst(2).first == "<>"
            let parts = header.split(separator: "\n\n", maxSplits: 1)
            lines += Self.split(String(parts[0])).dropFirst(2).map { "H: \(hidden($0))" }
            if isReport, parts.count > 1 {
                lines += Self.split(String(parts[1])).map { "h: \(hidden($0))" }
                lines += Self.split(Latin1.text(try site.spoolFile(id, "D"))).map {
                    "D: \(hidden(readable($0)))"
                }
            }
            let notes = "spool/msglog/\(ByteString(id))" as ByteString
            if FileManager.default.fileExists(atPath: site.directory.file(notes).string) {
                lines += Self.split(Latin1.text(try site.directory.read(notes))).map { "note: \(hidden($0))" }
            }
        }
        let strays = site.names(in: "spool/input").filter { $0.hasSuffix("-J") || $0.contains("hdr.") }
        lines += strays.map { "stray: \(hidden($0))" }
        let listing = try site.exim("-bp").output
        lines += Self.split(Latin1.text(listing)).map {
            "bp: \(hidden($0).replacing(/^ *[0-9]+[smhdw] +[0-9.KM]+\b/, with: "<age> <size>"))"
        }
    }

    private mutating func addMail() throws {
        var files: [[String]] = []
        for name in site.names(in: "mail") {
            let path = "mail/\(ByteString(name))" as ByteString
            var isDirectory: ObjCBool = false
            _ = unsafe FileManager.default.fileExists(
                atPath: site.directory.file(path).string, isDirectory: &isDirectory)
            guard !isDirectory.boolValue else { continue }
            files.append(["mail: \(shown(name))"] + (try content(path)))
        }
        lines += files.sorted { $0.joined(separator: "\n") < $1.joined(separator: "\n") }.flatMap(\.self)
    }

    /// A file's lines; a named pipe and a link have none.
    private func content(_ path: ByteString) throws -> [String] {
        let kind = try FileManager.default.attributesOfItem(atPath: site.directory.file(path).string)
        guard kind[.type] as? FileAttributeType == .typeRegular else { return [] }
        return Self.split(Latin1.text(try site.directory.read(path))).map {
            "mail| \(hidden(readable($0)))"
        }
    }

    /// A file's name without what is different each time.
    private func shown(_ name: String) -> String {
        var text = hidden(name)
        text.replace(/<epoch>\.M[0-9]+P[0-9]+(Q[0-9]+)?\.mail\.example\.org/, with: "<unique>")
        text.replace(/\bq[0-9A-Za-z]{6}-[0-9]+$/, with: "<time and inode>")
        return text
    }

    private mutating func addHints() throws {
        let folder = site.directory.file("spool").string
        let names = site.names(in: "spool/db").map { $0.split(separator: "/").last.map(String.init) ?? $0 }
        let databases = Set(
            names.filter { $0 == "retry" || $0 == "misc" || ($0.hasPrefix("wait-") && !$0.contains(".")) })
        for name in databases.sorted() {
            let dump =
                try stage.isExim
                ? ChildProcess("/usr/sbin/exim_dumpdb", [folder, name]).wait()
                : site.run("bobbin", "exim_dumpdb", folder, name)
            var records: [String] = []
            for line in Self.split(Latin1.text(dump.output)) where !line.isEmpty {
                if let times = Self.times(line) {
                    records[records.count - 1] += " next \(times)"
                } else {
                    records.append("\(name): \(hidden(name.hasPrefix("wait-") ? stillQueued(line) : line))")
                }
            }
            // Exim lists messages that are gone by now; their ids mean nothing to anybody.
            lines += records.filter { !name.hasPrefix("wait-") || $0.contains(" #") }.sorted()
        }
    }

    /// Of a retry record's second line: how long after the last attempt the next one is, and whether it is over.
    private static func times(_ line: String) -> String? {
        let pattern = /[0-9]{2}-[A-Z][a-z]{2}-[0-9]{4} ([0-9]{2}):([0-9]{2}):([0-9]{2})/
        let found = line.matches(of: pattern).map { match in
            [match.1, match.2, match.3].reduce(0) { $0 * 60 + (Int($1) ?? 0) }
        }
        guard found.count == 3 else { return nil }
        let (last, next) = (found[1], found[2])
        let day = 86_400
        return "+\((next - last + day) % day)\(line.hasSuffix("*") ? " *" : "")"
    }

    private func stillQueued(_ line: String) -> String {
        let queue = site.queue
        let words = line.split(separator: " ").map(String.init)
        return (words.prefix(1) + words.dropFirst().filter { queue.contains($0) }).joined(separator: " ")
    }

    // MARK: Texts

    private static func split(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    private func readable(_ line: String) -> String {
        line.count > 200 ? "\(line.prefix(60))... (\(line.count))" : line
    }

    /// Hides what differs between two runs.
    private func hidden(_ line: String) -> String {
        var text = line.replacing(site.directory.path.string, with: "<site>")
        for (index, id) in ids.enumerated() { text = text.replacing(id, with: "#\(index + 1)") }
        text = text.hiding(port: stage.port)
        text.replace(/\b[0-9]+\.H[0-9A-Za-z.]+/, with: "<file>")
        text.replace(/\.lock\.mail\.example\.org\.[0-9a-f.]+/, with: ".lock.<file>")
        text.replace(/\ [A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} 20[0-9]{2}$/, with: " <date>")
        // The random number of a report's boundary has more or fewer digits.
        text.replace(/\bR=#[0-9]+ (.*) S=[0-9]+/) { "R=<id> \($0.1) S=<size>" }
        text.replace(
            /^[0-9]{3}  Content-Type: multipart.report/, with: "<size>  Content-Type: multipart/report")
        // Its line is the longest, with one digit up to eleven and a sign.
        text.replace(
            /^-max_received_linelength (9[0-9]|10[01])$/, with: "-max_received_linelength <boundary>")
        text.replace(/\btmp\/[0-9][0-9MPQ.]+\.mail\.example\.org/, with: "tmp/<unique>")
        text.replace(/\btemp\.[0-9]+\.[0-9a-z.]+\)?/, with: "temp.<unique>")
        // The two libraries have names and texts of their own.
        text.replace(/\bX=(TLS[0-9.]+):[A-Za-z0-9_-]+:/) { "X=\($0.1):<cipher>:" }
        text.replace("/O=Example/CN=", with: "O=Example,CN=")
        text.replace(/\/CN=wire/, with: "CN=wire")
        text.replace(/(DANE attempt failed; TLS connection to [^ ]+ \[[0-9.]+\]): .*/) { "\($0.1): <why>" }
        text.replace(/TLS session: [^>]*?(: delivering unencrypted|>|$)/) { "TLS session: <why>\($0.1)" }
        // Whose message it is is said to us by an option, which makes it tainted.
        text.replace(/^--ident root$/, with: "-ident root")
        // With an exceeded quota goes the time in seconds since somebody read the mailbox: days are told apart.
        text.replace(/^( *T:[^ ]+ (?:-22|28)) (-?[0-9]+)\b/) { "\($0.1) <\((Int($0.2) ?? 0) / 86_400) days>" }
        return masked(text).replacing(/(?:invoked|error \(invoked) by uid [0-9]+/, with: "by uid <uid>")
    }
}
