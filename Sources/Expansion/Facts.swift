package import Bytes

/// All that variables can be read from, apart from settings.
///
/// Copies are cheap: the three large parts are shared until one is changed.
package struct Facts: Sendable {
    private var connectionBox = CopyOnWrite(ConnectionFacts())
    private var messageBox = CopyOnWrite(MessageFacts())
    private var addressBox = CopyOnWrite(AddressFacts())

    /// `$0`, `$1` and so on: what the last regular expression or wildcard matched.
    package var captures: [TaintedBytes] = []
    /// `$value`; nil reads as empty.
    package var value: TaintedBytes?
    /// `$item`; nil reads as empty.
    package var item: TaintedBytes?
    /// Variables that a caller sets by name, such as `acl_arg1`, `self_hostname` or `event_name`.
    ///
    /// They go before the standard reading of the same name, and a name here need not be a standard one.
    package var extra: [ByteString: TaintedBytes] = [:]

    /// How deep the expansion lies that runs the ACL whose strings are expanded with these facts.
    package var callDepth = 0

    /// Knows nothing.
    package init() {}

    /// Knows of the peer what others know, and nothing else.
    package init(peerOf other: Facts) { connectionBox = other.connectionBox }

    /// About the peer.
    package var connection: ConnectionFacts {
        _read { yield connectionBox.value }
        _modify { yield &connectionBox.value }
    }

    /// About the message.
    package var message: MessageFacts {
        _read { yield messageBox.value }
        _modify { yield &messageBox.value }
    }

    /// About the address that is being routed, verified or delivered.
    package var address: AddressFacts {
        _read { yield addressBox.value }
        _modify { yield &addressBox.value }
    }
}

/// A value that its copies share until one of them changes it.
struct CopyOnWrite<Value: Sendable>: Sendable {
    // The box is written only while it is uniquely referenced, so that no two threads see it change.
    private final class Box: @unchecked Sendable {
        var value: Value
        init(_ value: Value) { self.value = value }
    }

    private var box: Box

    init(_ value: Value) { box = Box(value) }

    var value: Value {
        _read { yield box.value }
        _modify {
            if !isKnownUniquelyReferenced(&box) { box = Box(box.value) }
            yield &box.value
        }
    }
}
