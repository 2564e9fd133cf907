package import Bytes
import Expansion

/// An address on its way through the routers, with what earlier routers said about it.
package struct RoutingAddress: Sendable, Hashable {
    /// An address that this one was made from, and the router that made it.
    package struct Ancestor: Sendable, Hashable {
        /// The address as it was routed.
        package var address: ByteString
        /// The router's name; nil when it was not routed, such as a recipient that `one_time` replaced.
        package var router: ByteString?

        /// Makes a value.
        package init(address: ByteString, router: ByteString?) {
            self.address = address
            self.router = router
        }
    }

    /// The address, qualified: `local@domain`.
    package var address: ByteString
    /// Where it came from: an address that a router made of what the postmaster wrote may name files.
    package var taint = Taint.tainted
    /// The addresses that it comes from, the nearest first; empty for a recipient of the message.
    package var ancestors: [Ancestor] = []
    /// `errors_to` of a router: who hears of trouble; nil is the envelope sender, empty is nobody.
    package var errorsTo: ByteString?
    /// Header lines that routers add, each with its newline.
    package var headersToAdd: [ByteString] = []
    /// Names of header lines that routers remove; a final `*` stands for any rest.
    package var headersToRemove: [ByteString] = []
    /// `$address_data`.
    package var addressData: TaintedBytes?
    /// `$r_...` by name with the `r_`.
    package var variables: [ByteString: TaintedBytes] = [:]
    /// The router to begin with; nil is the first one.
    package var startRouter: ByteString?
    /// `$self_hostname`.
    package var selfHostName: ByteString?
    /// Whether a redirect router with `one_time` made it.
    package var isOneTime = false
    /// Whether it is not shown to the sender (`hide_child_in_errmsg`).
    package var isHidden = false
    /// Whether nobody is told when it fails (`noerror` in a filter).
    package var ignoresErrors = false
    /// Whether it is the copy that `unseen` passed on.
    package var isUnseenCopy = false

    /// Makes a recipient of a message.
    package init(_ address: ByteString) { self.address = address }

    /// The recipient that it all began with.
    package var top: ByteString { ancestors.last?.address ?? address }

    /// The address that it was directly made from.
    package var parent: ByteString? { ancestors.first?.address }

    /// A child of this address that a router made, or nobody in particular.
    package func child(_ address: ByteString, by router: ByteString?) -> RoutingAddress {
        var child = self
        child.address = address
        child.ancestors.insert(Ancestor(address: self.address, router: router), at: 0)
        child.startRouter = nil
        child.isUnseenCopy = false
        return child
    }
}
