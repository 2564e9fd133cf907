package import Bytes

/// An expandable string, compiled once.
///
/// Compiling never fails: what is wrong with the string is kept, and thrown when it is expanded, since Exim
/// also finds mistakes only when it comes to use a string.
package struct Template: Sendable, Hashable {
    /// The text before expansion.
    package let source: ByteString
    /// The value, escapes done, when nothing in the string is to be expanded.
    package let literal: ByteString?
    /// What is wrong with the string; nil when nothing is.
    package let syntaxError: ExpansionError?
    /// What to do.
    let nodes: [Node]

    /// Compiles a string.
    package init(_ source: ByteString) {
        self.source = source
        literal = source
        syntaxError = nil
        nodes = []
    }

    /// Two templates of one source are the same.
    package static func == (one: Template, other: Template) -> Bool { one.source == other.source }

    /// Hashes the source.
    package func hash(into hasher: inout Hasher) { hasher.combine(source) }
}

extension Template: ExpressibleByStringLiteral {
    /// Compiles a literal.
    package init(stringLiteral text: String) { self.init(ByteString(text)) }
}
