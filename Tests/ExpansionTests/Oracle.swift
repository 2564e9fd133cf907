import Bytes
import Expansion
import Foundation
import Lookups

/// The fixtures in a directory of their own, and Exim's answers over them.
struct Oracle {
    let directory: URL

    static var fixtures: URL {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    }

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "expansion-\(UUID().uuidString)")
        try FileManager.default.copyItem(at: Self.fixtures, to: directory)
        for name in ["spool", "log"] {
            try FileManager.default.createDirectory(
                at: directory.appending(path: name), withIntermediateDirectories: true)
        }
        try fixture("oracle.conf").write(to: configuration, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: configuration.path)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory.path)
    }

    func remove() throws { try FileManager.default.removeItem(at: directory) }

    private var configuration: URL { directory.appending(path: "conf") }

    /// A fixture's text with the directory's name filled in.
    func fixture(_ name: String) throws -> String {
        try String(contentsOf: Self.fixtures.appending(path: name), encoding: .utf8)
            .replacing("@DIR@", with: directory.path)
    }

    func lines(of name: String) throws -> [String] {
        try fixture(name).split(separator: "\n").map(String.init)
    }

    /// What `exim4 -be` (or `-bem` with a message) prints for each line; nil where it ended instead.
    func answers(to lines: [String], message: String? = nil) throws -> [String?] {
        var answers: [String?] = []
        while answers.count < lines.count {
            let rest = Array(lines[answers.count...])
            let found = try run(rest, message).prefix { $0 != nil }
            answers += found.isEmpty || found.count < rest.count ? found + [nil] : found
        }
        return answers
    }

    private func run(_ lines: [String], _ message: String?) throws -> [String?] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/sbin/exim4")
        process.arguments =
            ["-C", configuration.path]
            + (message.map { ["-bem", directory.appending(path: $0).path] } ?? ["-be"])
        process.currentDirectoryURL = directory
        process.environment = ["HOME": "/root", "PATH": "/usr/bin:/bin"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = lines.enumerated().map { "@<\($0)>@\n\($1)\n" }.joined() + "@<\(lines.count)>@\n"
        let writer = Thread {
            try? input.fileHandleForWriting.write(contentsOf: Data(text.utf8));
            try? input.fileHandleForWriting.close()
        }
        writer.start()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Self.split(ByteString(data), count: lines.count)
    }

    private static func split(_ output: ByteString, count: Int) -> [String?] {
        (0..<count).map { number in
            guard let start = output.firstRange(of: ByteString("@<\(number)>@\n")),
                let end = output.firstRange(of: ByteString("@<\(number + 1)>@"), from: start.upperBound)
            else { return nil }
            var answer = output[start.upperBound..<end.lowerBound]
            while answer.ends(with: ByteString("> ")) { answer = answer.dropLast(2) }
            if answer.starts(with: ByteString("> ")) { answer = answer.dropFirst(2) }
            if answer.last == .newline { answer = answer.dropLast() }
            return ByteString(answer).shown
        }
    }
}

extension ByteString {
    /// The octets as text, with those that are no UTF-8 told apart.
    var shown: String {
        String(validating: bytes, as: UTF8.self) ?? "hex:" + Hex.encode(bytes).string
    }
}

extension Environment {
    /// What the oracle's configuration says.
    static func likeOracle(_ directory: String) -> Environment {
        var environment = Environment()
        environment.settings.primaryHostName = "mail.example.com"
        environment.settings.qualifyDomain = "example.com"
        environment.settings.qualifyRecipient = "example.com"
        environment.settings.spoolDirectory = ByteString(directory + "/spool")
        environment.lookups = .standard()
        environment.namedLists.domain["local_domains"] = ListText(
            "a.example : *.b.example : ! c.d.example : *.d.example")
        environment.namedLists.domain["selfish"] = ListText("+local_domains : +other")
        environment.namedLists.domain["other"] = ListText("$primary_hostname")
        environment.namedLists.host["relay"] = ListText("192.0.2.0/24 : 10.1.2.3")
        environment.namedLists.address["bad"] = ListText("*@bad.example : spam@x.example")
        environment.namedLists.localPart["lp"] = ListText("alice : bob")
        environment.processEnvironment = { $0 == "HOME" ? "/root" : nil }
        environment.localInterfaces = { ["127.0.0.1", "::1"] }
        environment.runProgram = { arguments in Programs.run(arguments) }
        return environment
    }
}

/// Runs programs as `${run` wants it.
enum Programs {
    static func run(_ arguments: [ByteString]) -> ProgramOutcome {
        let process = Process()
        process.executableURL = URL(filePath: arguments[0].string)
        process.arguments = arguments.dropFirst().map(\.string)
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        do {
            guard arguments[0].first == UInt8(ascii: "/") else {
                return ProgramOutcome(output: "", status: 127)
            }
            try process.run()
            let data = try output.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            return ProgramOutcome(output: ByteString(data), status: Int(process.terminationStatus))
        } catch {
            return ProgramOutcome(output: "", status: 127)
        }
    }
}

extension Expander {
    /// The value, or `Failed: ` and the reason, as `-be` prints them.
    func shown(_ line: String, _ facts: Facts = Facts()) async -> String {
        do {
            return try await expand(Template(ByteString(line)), facts).bytes.shown
        } catch {
            return "Failed: \(error.text.shown)"
        }
    }
}
