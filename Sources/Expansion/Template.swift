package import Bytes

/// An expandable string, compiled once.
///
/// Compiling never fails: what is wrong with the string is kept, and thrown when it is expanded, since Exim
/// also finds mistakes only when it comes to use a string.
///
/// Copies are cheap: they share what was compiled.
package struct Template: Sendable, Hashable {
    private final class Compiled: Sendable {
        let source: ByteString
        let literal: ByteString?
        let syntaxError: ExpansionError?
        let nodes: [Node]
        let unknownNames: [UnknownName]

        init(
            _ source: ByteString, literal: ByteString?, _ syntaxError: ExpansionError?, _ nodes: [Node],
            _ unknownNames: [UnknownName]
        ) {
            (self.source, self.literal, self.syntaxError) = (source, literal, syntaxError)
            (self.nodes, self.unknownNames) = (nodes, unknownNames)
        }
    }

    private let compiled: Compiled

    /// The text before expansion.
    package var source: ByteString { compiled.source }
    /// The value, escapes done, when nothing in the string is to be expanded.
    package var literal: ByteString? { compiled.literal }
    /// What is wrong with the string; nil when nothing is.
    ///
    /// A variable that is not one of Exim's is no syntax error here, since a caller may bring it in
    /// `Facts.extra`; expansion without it fails.
    package var syntaxError: ExpansionError? { compiled.syntaxError }
    /// What to do.
    var nodes: [Node] { compiled.nodes }
    /// Names that only a caller can bring.
    var unknownNames: [UnknownName] { compiled.unknownNames }

    /// Compiles a string.
    package init(_ source: ByteString) {
        compiled = Self.compile(source)
    }

    private static func compile(_ source: ByteString) -> Compiled {
        guard source.contains(where: { $0 == UInt8(ascii: "$") || $0 == UInt8(ascii: "\\") }) else {
            return Compiled(source, literal: source, nil, [], [])
        }
        var compiler = Compiler(source)
        do {
            let nodes = try compiler.text(inBraces: false)
            return Compiled(source, literal: onlyLiteral(nodes), nil, nodes, compiler.unknownNames)
        } catch {
            return Compiled(source, literal: nil, error, [], compiler.unknownNames)
        }
    }

    /// Makes a template of octets that are not to be expanded.
    init(literal: ByteString) { compiled = Compiled(literal, literal: literal, nil, [], []) }

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
