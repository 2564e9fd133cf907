import Bytes
import MailText
import Routing
import SMTP
import Spooler

/// The addresses of one delivery: recipients, what they become, and what is settled.
struct DeliveryTree {
    /// One address.
    struct Node {
        var address: RoutingAddress
        /// The key in -J and in the non-recipients tree.
        var key: ByteString
        var parent: Int?
        /// Children that are not settled yet.
        var openChildren = 0
        var isSettled = false
        /// The recipient that it all began with, by its place in -H.
        var recipient: Int
        /// Whether it stands for the system's filter, whose deliveries are its children.
        var isSystem = false
        /// Whether it is the copy that `unseen` passed on, which is served apart from the address itself.
        var isCopy = false
        /// Addresses that turned out to be this one again; settled with it.
        var duplicates: [Int] = []
    }

    private(set) var nodes: [Node] = []
    private(set) var header: HeaderFile
    /// Addresses that were settled since all their children are, in that order.
    var completed: [Int] = []

    /// Makes a tree of the recipients that have not been served.
    init(_ header: HeaderFile) {
        self.header = header
        for (index, recipient) in header.recipients.enumerated() where !header.isDelivered(recipient) {
            var address = RoutingAddress(recipient.address)
            if !recipient.errorsTo.isEmpty { address.errorsTo = recipient.errorsTo }
            if let parent = recipient.parent, header.recipients.indices.contains(parent) {
                address.ancestors = [.init(address: header.recipients[parent].address, router: nil)]
            }
            nodes.append(
                Node(
                    address: address, key: HeaderFile.uniqueForm(of: recipient.address), parent: nil,
                    recipient: index))
        }
    }

    /// Adds the node whose children the system's filter has set up.
    mutating func addSystemFilter() -> Int {
        var node = Node(
            address: RoutingAddress("system-filter"), key: "system-filter", parent: nil, recipient: 0)
        node.isSystem = true
        nodes.append(node)
        return nodes.count - 1
    }

    /// Adds a child; nil when its key says that it was served before.
    mutating func add(_ address: RoutingAddress, key: ByteString? = nil, under parent: Int) -> Int? {
        let unique = key ?? Self.key(of: address)
        if header.nonRecipients.contains(unique) { return nil }
        nodes[parent].openChildren += 1
        nodes.append(Node(address: address, key: unique, parent: parent, recipient: nodes[parent].recipient))
        nodes[nodes.count - 1].isCopy = address.isUnseenCopy
        return nodes.count - 1
    }

    /// The key of an address; one that is the same as an ancestor gets a mark in front ("homonym").
    private static func key(of address: RoutingAddress) -> ByteString {
        let plain = HeaderFile.uniqueForm(of: address.address)
        let same = address.ancestors.count { HeaderFile.uniqueForm(of: $0.address) == plain }
        // A copy is not its original's duplicate.
        let level = same - 1 + (address.isUnseenCopy ? 1 : 0)
        return same == 0 ? plain : "\\\(level)\\\(plain)"
    }

    /// What -J says for a node: for a homonym the plain address, a slash and the transport.
    func journalKey(_ node: Int, transport: ByteString) -> ByteString {
        let key = nodes[node].key
        guard key.first == UInt8(ascii: "\\"), let end = key[1...].firstIndex(of: UInt8(ascii: "\\")) else {
            return key
        }
        // Two copies may go by one transport; the second must not count as served with the first.
        if nodes[node].isCopy { return "\(key)/\(transport)" }
        return "\(ByteString(key[(end + 1)...]))/\(transport)"
    }

    /// Whether the transport has served this homonym before.
    func isServed(_ node: Int, transport: ByteString) -> Bool {
        header.nonRecipients.contains(journalKey(node, transport: transport))
    }

    /// The recipient of -H that a node began as.
    func recipient(of node: Int) -> Recipient { header.recipients[nodes[node].recipient] }

    /// Settles an address: it gets no more copies.
    ///
    /// A parent whose children are all settled is settled too.
    mutating func settle(_ node: Int, transport: ByteString? = nil) {
        guard !nodes[node].isSettled else { return }
        nodes[node].isSettled = true
        mark(journalKey(node, transport: transport ?? ""), node)
        for duplicate in nodes[node].duplicates { settle(duplicate, transport: transport) }
        closeParent(of: node)
    }

    private mutating func closeParent(of node: Int) {
        guard let parent = nodes[node].parent else { return }
        nodes[parent].openChildren -= 1
        guard nodes[parent].openChildren == 0 else { return }
        completed.append(parent)
        settle(parent)
    }

    /// An address that is not settled with its children: it has failed, or waits.
    mutating func hold(_ node: Int) { nodes[node].openChildren += 1 }

    /// A redirection whose children were all served before: the address is done.
    mutating func settleIfChildless(_ node: Int) {
        if nodes[node].openChildren == 0 { settle(node) }
    }

    private mutating func mark(_ key: ByteString, _ node: Int) {
        header.nonRecipients.insert(key)
        // A recipient is listed as it was spelled, too.
        if nodes[node].parent == nil { header.nonRecipients.insert(nodes[node].address.address) }
    }

    /// Keeps what the routers left on an address; its place in the tree stays.
    mutating func setAddress(_ node: Int, _ address: RoutingAddress) { nodes[node].address = address }

    /// Ties a duplicate to the address that is delivered.
    mutating func join(_ duplicate: Int, to original: Int) { nodes[original].duplicates.append(duplicate) }

    /// The recipients that led to the duplicates of an address.
    func recipientsOfDuplicates(of node: Int) -> [ByteString] {
        nodes[node].duplicates.flatMap { [nodes[$0].address.top] + recipientsOfDuplicates(of: $0) }
    }

    /// Changes -H to be; used for freezing, warnings and one-time recipients.
    mutating func edit(_ change: (inout HeaderFile) -> Void) { change(&header) }

    /// The unsettled ones that wait for a later try, given their numbers: `one_time` children become recipients.
    mutating func keepOneTime(_ deferred: [Int]) {
        for node in deferred where nodes[node].address.isOneTime && nodes[node].parent != nil {
            let top = nodes[node].recipient
            var recipient = Recipient(nodes[node].address.address)
            recipient.dsn = header.recipients[top].dsn
            recipient.errorsTo = nodes[node].address.errorsTo ?? ""
            recipient.parent = top
            header.recipients.append(recipient)
            header.nonRecipients.insert(header.recipients[top].address)
            header.nonRecipients.insert(HeaderFile.uniqueForm(of: header.recipients[top].address))
        }
    }

    /// NOTIFY of an address: that of its recipient; children do not have one, but `unseen` copies.
    func notify(of node: Int) -> RecipientCommand.Notify {
        let flags = recipient(of: node).dsn
        var notify: RecipientCommand.Notify = []
        if flags.contains(.never) { notify.insert(.never) }
        if flags.contains(.success) { notify.insert(.success) }
        if flags.contains(.failure) { notify.insert(.failure) }
        if flags.contains(.delay) { notify.insert(.delay) }
        return notify
    }

    /// Whether a router has made this address from another, so that it has no DSN settings of its own.
    func isRedirected(_ node: Int) -> Bool {
        let address = nodes[node].address
        return address.ancestors.contains {
            $0.router != nil && !$0.address.equalsIgnoringCase(address.address)
        }
    }
}
