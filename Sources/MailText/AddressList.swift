package import Bytes

/// One item of a comma-separated address list.
package struct AddressItem: Sendable, Hashable {
    /// The octets of the item in the list, without the comma, with white space and comments.
    package var source: Range<Int>
    /// The address, its place counted in the whole list, or why there is none.
    package var outcome: Result<ParsedAddress, AddressError>

    /// Makes a value.
    package init(source: Range<Int>, outcome: Result<ParsedAddress, AddressError>) {
        self.source = source
        self.outcome = outcome
    }
}
