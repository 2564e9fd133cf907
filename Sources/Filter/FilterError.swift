package import Bytes

/// What is wrong with a filter, or with what came of it.
package struct FilterError: Error, Sendable, Hashable {
    /// Exim's text, with its place.
    package var text: ByteString
    /// Whether it may be other another time: a lookup that cannot answer now.
    package var isTemporary = false

    /// Makes an error.
    package init(_ text: ByteString) { self.text = text }
}
