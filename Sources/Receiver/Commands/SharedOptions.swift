import ArgumentParser
import Bytes
import Glibc
import MailSystem
import MailText

/// Options that every command has.
struct SharedOptions: ParsableArguments {
    @Option(
        name: .customShort("C", allowingJoined: true),
        help: "The configuration file (Exim's language); the first that exists of a list.")
    var configuration: String?

    @Option(
        name: .customShort("D", allowingJoined: true), parsing: .singleValue,
        help: "A macro that the file cannot change: NAME=text.")
    var define: [String] = []

    /// Finds the configuration.
    func source() throws(StartError) -> ConfigurationSource {
        try ConfigurationSource.locate(
            files: configuration.map { ByteString($0) }, definitions: define.map { ByteString($0) })
    }
}

extension SharedOptions {
    /// Finds the configuration; the exit code of a command line that is wrong is thrown.
    func located() throws -> ConfigurationSource {
        do { return try source() } catch { throw Exit.failure(ByteString(error.description), EX_CONFIG) }
    }
}

/// Ends a program with a text for people.
enum Exit {
    /// Writes the text to standard error and gives the exit code (sysexits).
    static func failure(
        _ text: ByteString, _ code: CInt, of program: ByteString = "bobbin-receiver"
    ) -> ExitCode {
        let line = "\(program): \(text)\n" as ByteString
        unsafe line.bytes.withUnsafeBytes { _ = unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
        return ExitCode(code)
    }
}
