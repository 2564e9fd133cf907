package import Bytes

/// A place in a configuration file.
package struct SourcePlace: Sendable, Hashable, CustomStringConvertible {
    /// The file's path; empty for the built-in configuration.
    package var file: ByteString
    /// The line, counted from 1.
    package var line: Int

    /// Makes a place.
    package init(file: ByteString, line: Int) {
        self.file = file
        self.line = line
    }

    /// The place as people write it.
    package var description: String {
        "\(file.isEmpty ? "built-in configuration" : file.string), line \(line)"
    }
}

/// What is wrong with a configuration, where, and what was expected.
package struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Where it went wrong; nil when the file could not be read at all.
    package var place: SourcePlace?
    /// A sentence: what was found, what was expected.
    package var problem: ByteString
    /// What was expected, where the sentence does not say it; empty for nothing.
    package var hint: ByteString

    /// Makes an error; the sentence is in Exim's words where Exim has them.
    package init(_ problem: ByteString, at place: SourcePlace?, hint: ByteString = "") {
        self.problem = problem
        self.place = place
        self.hint = hint
    }

    /// The error in one line for people.
    package var description: String {
        let text: ByteString = hint.isEmpty ? problem : "\(problem): \(hint)"
        return place.map { "\($0): \(text)" } ?? text.string
    }
}
