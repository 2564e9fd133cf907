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
    ///
    /// A variable that is not one of Exim's is no syntax error here, since a caller may bring it in
    /// `Facts.extra`; expansion without it fails.
    package let syntaxError: ExpansionError?
    /// What to do.
    let nodes: [Node]
    /// Names that only a caller can bring.
    let unknownNames: [UnknownName]

    /// Compiles a string.
    package init(_ source: ByteString) {
        self.source = source
        guard source.contains(where: { $0 == UInt8(ascii: "$") || $0 == UInt8(ascii: "\\") }) else {
            (literal, syntaxError, nodes, unknownNames) = (source, nil, [], [])
            return
        }
        var compiler = Compiler(source)
        do {
            nodes = try compiler.text(inBraces: false)
            syntaxError = nil
        } catch {
            nodes = []
            syntaxError = error
        }
        unknownNames = compiler.unknownNames
        literal = syntaxError == nil ? Self.onlyLiteral(nodes) : nil
    }

    /// Makes a template of octets that are not to be expanded.
    init(literal: ByteString) {
        source = literal
        self.literal = literal
        (syntaxError, nodes, unknownNames) = (nil, [], [])
    }

    private static func onlyLiteral(_ nodes: [Node]) -> ByteString? {
        if nodes.isEmpty { return ByteString() }
        guard nodes.count == 1, case .literal(let text) = nodes[0] else { return nil }
        return text
    }

    /// Templates of one source are the same, unless one of them is not to be expanded.
    package static func == (one: Template, other: Template) -> Bool {
        one.source == other.source && one.literal == other.literal
    }

    /// Hashes the source.
    package func hash(into hasher: inout Hasher) { hasher.combine(source) }
}

extension Template: ExpressibleByStringLiteral {
    /// Compiles a literal.
    package init(stringLiteral text: String) { self.init(ByteString(text)) }
}
