package import Bytes

/// Why an address was not routed.
package struct RoutingTrouble: Error, Sendable, Hashable {
    /// Exim's number for `defer (n)`; -1 unless something special is known.
    package var errno: Int32
    /// The text for the log.
    package var text: ByteString
    /// What may be told to the sender; nil withholds it.
    package var userText: ByteString?
    /// Whether the message is frozen (`self = freeze`, `host_find_failed = freeze`).
    package var freezes: Bool

    /// Makes a value.
    package init(
        _ text: ByteString, errno: Int32 = -1, userText: ByteString? = nil, freezes: Bool = false
    ) {
        self.errno = errno
        self.text = text
        self.userText = userText
        self.freezes = freezes
    }
}

/// What a redirect router made of an item.
package enum RedirectedItem: Sendable {
    /// An address to route in its turn.
    case address(RoutingAddress)
    /// A pipe, file or reply with its transport.
    case delivery(RoutingAddress, DeliveryInstruction)
    /// `/dev/null`: done without a transport.
    case bypassed(RoutingAddress, path: ByteString, transport: ByteString?)
    /// A pipe, file or reply that may not be, and why; it is deferred.
    case refused(RoutingAddress, DeliveryInstruction.Target, RoutingTrouble)
    /// A pipe or file that the router forbids; it fails. `lacking` is why it could not be delivered anyway.
    case forbidden(RoutingAddress, DeliveryInstruction, RoutingTrouble, lacking: RoutingTrouble?)

    /// The address as a child of the one that was redirected.
    package var child: RoutingAddress {
        switch self {
        case .address(let child), .delivery(let child, _), .bypassed(let child, _, _),
            .refused(let child, _, _), .forbidden(let child, _, _, _):
            child
        }
    }
}

/// What the routers decided about an address.
package enum RoutingVerdict: Sendable {
    /// It goes to a transport.
    case deliver(DeliveryInstruction)
    /// It became others.
    case redirected([RedirectedItem])
    /// It is thrown away (`:blackhole:`).
    case discarded
    /// A filter has thrown it away.
    case finished
    /// It cannot be delivered, now and later.
    case failed(RoutingTrouble)
    /// It cannot be decided now.
    case deferred(RoutingTrouble)
}

/// The outcome of routing one address.
package struct RoutingResult: Sendable {
    /// The address with what routers left on it.
    package var address: RoutingAddress
    /// The router that decided; nil when none did.
    package var router: ByteString?
    /// What was decided.
    package var verdict: RoutingVerdict
    /// The copy that `unseen` sends to the routers that follow.
    package var unseenCopy: RoutingAddress?
    /// Whether a retry record of a deferral names the local part (`retry_use_local_part`).
    package var retryUsesLocalPart = true
    /// What is delivered although the address fails or waits: what stood before `:fail:`, or before a filter's `fail`.
    package var besides: [RedirectedItem] = []
    /// Mistakes in a list or a filter that somebody is to hear of (`syntax_errors_to`).
    package var mistakes: [RedirectionMistakes] = []
    /// Whether the address is the same with another domain (`self = reroute`, a domain that was not whole).
    package var isRerouted = false
    /// A domain that changes in the message's header lines too (`rewrite_headers`, `self = reroute: rewrite:`).
    package var domainChange: DomainChange?
    /// Lines that routing has for the main log.
    package var logLines: [RoutingLogLine] = []
}

/// A line that routing has for the logs; it acts not itself.
package struct RoutingLogLine: Sendable, Hashable {
    /// The text after the message id.
    package var text: ByteString
    /// Whether the panic log gets it too.
    package var isPanic: Bool

    /// Makes a line.
    package init(_ text: ByteString, isPanic: Bool = false) {
        self.text = text
        self.isPanic = isPanic
    }
}

/// Mistakes in a redirection that were skipped, for whom `syntax_errors_to` names.
package struct RedirectionMistakes: Sendable, Hashable {
    /// Who is told.
    package var to: ByteString
    /// The router.
    package var router: ByteString
    /// What stands first (`syntax_errors_text`).
    package var text: ByteString?
    /// The mistakes.
    package var mistakes: [RedirectionMistake]
    /// Whether it is a list with other addresses, which were used.
    package var hasGoodAddresses: Bool
}

/// A mistake in a redirection.
package struct RedirectionMistake: Sendable, Hashable {
    /// What is wrong.
    package var problem: ByteString
    /// The item that it is wrong with; nil for a filter.
    package var item: ByteString?

    /// In one line, for the log.
    package var text: ByteString { item.map { "\(problem) in \"\($0)\"" } ?? problem }
}
