package import Configuration

/// Why a program cannot start, and what to do about it.
package struct StartError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One or two sentences for people.
    package let description: String
    /// What is wrong with the configuration, when it cannot be read.
    package let configuration: ConfigurationError?

    /// Makes an error.
    package init(_ description: String) {
        self.description = description
        configuration = nil
    }

    /// The configuration cannot be read.
    package init(_ error: ConfigurationError) {
        description = "configuration error: \(error)"
        configuration = error
    }
}
