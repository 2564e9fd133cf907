import Bytes
import Foundation
import Spooler

@testable import Bobbin

/// A spool directory with a configuration in a temporary directory; it is removed with the value.
final class ScratchSpool {
    let directory: String

    /// Copies the sample messages, and makes a configuration with `options` at its end.
    ///
    /// Everything belongs to the mail user, as Exim wants it.
    init(messages: Bool = true, options: String = "") throws {
        directory = NSTemporaryDirectory() + "bobbin-tests-" + UUID().uuidString
        let files = FileManager.default
        try files.createDirectory(atPath: directory + "/spool", withIntermediateDirectories: true)
        for part in ["input", "msglog"] {
            let target = directory + "/spool/" + part
            if messages {
                try files.copyItem(atPath: Self.fixtures + "/spool/" + part, toPath: target)
            } else {
                try files.createDirectory(atPath: target, withIntermediateDirectories: true)
            }
        }
        try files.createDirectory(atPath: directory + "/log", withIntermediateDirectories: true)
        try (Self.configuration(directory) + options).write(
            toFile: configuration, atomically: true, encoding: .utf8)
        try settle()
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// The configuration file.
    var configuration: String { directory + "/conf" }

    /// The directory of fixtures.
    static var fixtures: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Fixtures"
    }

    private static func configuration(_ directory: String) -> String {
        """
        keep_environment =
        primary_hostname = host.example.org
        spool_directory = \(directory)/spool
        log_file_path = \(directory)/log/%slog

        """
    }

    /// Gives every file to the mail user of the installed Exim, with Exim's mode.
    func settle() throws {
        guard getuid() == 0 else { return }
        try Shell.run("chmod 755 \(directory); chmod -R u=rwX,g=rX,o= \(directory)/spool \(directory)/log")
        try Shell.run("chown -R Debian-exim:Debian-exim \(directory)/spool \(directory)/log")
    }

    /// A path inside the spool.
    func path(_ name: String) -> String { directory + "/spool/" + name }

    /// A file's octets; nil when it is not there.
    func octets(_ name: String) -> Data? { FileManager.default.contents(atPath: path(name)) }

    /// Writes a file of the spool.
    func write(_ octets: Data, to name: String) throws {
        let url = URL(fileURLWithPath: path(name))
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try octets.write(to: url)
    }

    /// Names and octets of all files below the spool.
    func contents() throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: path("")) {
            contents[name] = octets(name)
        }
        return contents
    }

    /// The main log without times.
    func mainLog() -> [String] {
        let text = (try? String(contentsOfFile: directory + "/log/mainlog", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map { String($0.dropFirst(20)) }
    }
}

/// What a program answered.
struct Answer: Equatable, CustomStringConvertible {
    var output: String
    var errors: String
    var status: Int32

    var description: String { "status \(status)\n--- output\n\(output)--- errors\n\(errors)---" }

    /// The same with one directory for both programs' spools, and single slashes.
    func masked(_ directory: String) -> Answer {
        func mask(_ text: String) -> String {
            var text = text.replacingOccurrences(of: directory, with: "DIR")
            while text.contains("//") { text = text.replacingOccurrences(of: "//", with: "/") }
            return text
        }
        return Answer(output: mask(output), errors: mask(errors), status: status)
    }
}

/// Runs programs.
enum Shell {
    /// Runs a line of shell; throws when it fails.
    static func run(_ line: String) throws {
        let answer = try run("/bin/sh", ["-c", line])
        if answer.status != 0 { throw Failure(text: answer.description) }
    }

    struct Failure: Error { var text: String }

    /// Runs a program with nothing to read, and waits for it.
    static func run(_ program: String, _ arguments: [String]) throws -> Answer {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let (output, errors) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput, process.standardError) = (
            FileHandle.nullDevice, output, errors
        )
        try process.run()
        let outputData = output.fileHandleForReading.readDataToEndOfFile()
        let errorData = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Answer(
            output: String(decoding: outputData, as: UTF8.self),
            errors: String(decoding: errorData, as: UTF8.self),
            status: process.terminationStatus)
    }
}

/// Runs our program inside the tests.
enum Ours {
    /// Runs with the words after the name.
    static func run(_ words: [String], calledAs name: String = "bobbin", input: [ByteString] = []) async
        -> Answer
    {
        let console = Console.memory(input: input)
        let status = await Front(console: console).run([ByteString(name)] + words.map { ByteString($0) })
        return Answer(
            output: console.output.collected.string, errors: console.errors.collected.string,
            status: status.rawValue)
    }
}

/// The installed Exim.
enum Oracle {
    /// Where Debian puts it.
    static let path = "/usr/sbin/exim4"
    /// Whether it is installed and may be run on spools of our making.
    static var isThere: Bool { getuid() == 0 && FileManager.default.isExecutableFile(atPath: path) }
    /// What a test says that cannot run.
    static let missing: String = "needs root and the package exim4-daemon-heavy"
}
