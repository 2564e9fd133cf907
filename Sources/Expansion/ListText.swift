package import Bytes
import Lookups

/// A domain, host, address or local part list as the configuration has it: expanded, then split, when used.
package struct ListText: Sendable, Hashable {
    /// The list's text, compiled.
    package let template: Template
    /// Where the list stands, as `file:line`, for error texts; nil when unknown.
    package let place: ByteString?
    /// For a named list: whether its answers may be kept although it contains expansions (`domainlist_cache`).
    package let isCacheable: Bool
    /// The items of a list in which nothing is to be expanded.
    let literalItems: [ByteString]?

    /// Makes a list of its source text.
    package init(_ source: ByteString, place: ByteString? = nil, isCacheable: Bool = false) {
        self.init(compiled: Template(source), place: place, isCacheable: isCacheable)
    }

    /// Makes a list of a compiled text.
    package init(compiled template: Template, place: ByteString? = nil, isCacheable: Bool = false) {
        self.template = template
        self.place = place
        self.isCacheable = isCacheable || template.literal != nil
        literalItems = template.literal.map { ListItems($0).all }
    }

    /// Makes a list of text that is not to be expanded.
    package init(literal: ByteString) { self.init(compiled: Template(literal: literal)) }

    /// The text before expansion.
    package var source: ByteString { template.source }
}

/// Whether something is in a list.
package enum ListMatch: Sendable, Hashable {
    /// It is; the data is what a lookup gave, or the item that matched (`$domain_data` and its like).
    case matched(data: TaintedBytes?)
    /// It is not.
    case notMatched
    /// It cannot be told now; the reason is for the log.
    case deferred(reason: ByteString)

    /// Whether it is in the list.
    package var isMatch: Bool {
        if case .matched = self { true } else { false }
    }
}

/// A host as a host list sees it.
package struct HostIdentity: Sendable, Hashable {
    /// The name when it is known; nil when it would have to be looked up.
    package var name: ByteString?
    /// The address; nil when there is no remote host.
    package var address: IPAddress?

    /// Makes the value.
    package init(name: ByteString? = nil, address: IPAddress?) {
        self.name = name
        self.address = address
    }
}
