/// Why a program cannot start, and what to do about it.
package struct StartError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One or two sentences for people.
    package let description: String

    /// Makes an error.
    package init(_ description: String) { self.description = description }
}
