/// Whether a value came from outside, and for which kind of query it has been quoted.
///
/// A tainted value may not name a file, a program or a lookup until it is de-tainted (Exim 4.94 and later;
/// manual, "Tainted values").
public enum Taint: Sendable, Hashable {
    /// From the configuration, or matched against something that the postmaster wrote.
    case clean
    /// From a peer or from a message.
    case tainted
    /// From outside, and quoted for the named lookup type (such as `sqlite`).
    case quoted(for: ByteString)

    /// Whether the value may not be trusted as a name.
    @inlinable public var isTainted: Bool { self != .clean }

    /// What a concatenation of both is.
    public func joined(with other: Taint) -> Taint {
        switch (self, other) {
        case (.clean, _): other
        case (_, .clean): self
        case (let one, let two) where one == two: one
        default: .tainted
        }
    }
}

/// Octets together with their taint.
public struct TaintedBytes: Sendable, Hashable {
    /// The octets.
    public var bytes: ByteString
    /// Where they came from.
    public var taint: Taint

    /// Makes a value; clean unless said otherwise.
    @inlinable public init(_ bytes: ByteString, _ taint: Taint = .clean) {
        self.bytes = bytes
        self.taint = taint
    }
}

extension TaintedBytes: ExpressibleByStringLiteral {
    /// Makes a clean value of a literal.
    @inlinable public init(stringLiteral text: String) { self.init(ByteString(text)) }
}
