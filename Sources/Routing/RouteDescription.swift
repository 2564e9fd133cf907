package import Bytes
package import Expansion

/// What `exim -bt` prints about an address, and the exit status that it makes.
package struct RouteDescription: Sendable {
    /// The lines for standard output.
    package private(set) var text = ByteString()
    /// 0 delivered, 1 some deferred, 2 some failed; the larger of both is Exim's exit status.
    package private(set) var status = 0

    private var pending: [RoutingAddress]
    private var seen: Set<ByteString> = []

    /// Routes an address and its children to the end, as `-bt` does.
    package init(
        of address: ByteString, by router: AddressRouter, _ facts: Facts,
        purpose: RoutingPurpose = .addressTest
    ) async {
        pending = [RoutingAddress(address)]
        var remote: [(RoutingAddress, DeliveryInstruction)] = []
        var local: [(RoutingAddress, DeliveryInstruction)] = []
        while !pending.isEmpty {
            let next = pending.removeFirst()
            let result = await router.route(next, facts, purpose: purpose)
            if let copy = result.unseenCopy { pending.append(copy) }
            switch result.verdict {
            case .deliver(let instruction):
                // With `unseen` what is delivered is a child beside the copy.
                let delivered =
                    result.unseenCopy == nil
                    ? result.address : result.address.child(next.address, by: instruction.router)
                if router.environment.transportIsRemote[instruction.transport] == true {
                    remote.append((delivered, instruction))
                } else {
                    local.append((delivered, instruction))
                }
            case .redirected(let items): take(items)
            case .discarded, .finished: text += "mail to \(next.address) is discarded\n" as ByteString
            case .failed(let trouble): add(result.address, trouble, "is undeliverable", 2)
            case .deferred(let trouble): add(result.address, trouble, "cannot be resolved at this time", 1)
            }
        }
        for (address, instruction) in local + remote { add(address, instruction) }
    }

    private mutating func take(_ items: [RedirectedItem]) {
        for item in items.reversed() {
            switch item {
            case .address(let child): pending.append(child)
            case .delivery(let child, let instruction), .forbidden(let child, let instruction, _, nil):
                text +=
                    "\(child.parent ?? "") -> \(child.address)\n  transport = \(instruction.transport)\n"
                    as ByteString
            case .bypassed(let child, let path, let transport):
                text += "\(child.parent ?? "") -> \(path)\n" as ByteString
                if let transport { text += "  transport = \(transport)\n" as ByteString }
            case .refused(let child, _, let trouble), .forbidden(let child, _, _, let trouble?):
                text += "\(child.parent ?? "") -> \(child.address)\n" as ByteString
                text += "*** Error in setting up pipe, file, or autoreply:\n\(trouble.text)\n" as ByteString
            }
        }
    }

    private mutating func add(
        _ address: RoutingAddress, _ trouble: RoutingTrouble, _ verdict: ByteString, _ code: Int
    ) {
        status = max(status, code)
        text += "\(address.address) \(verdict)" as ByteString
        text += ": \(trouble.userText ?? trouble.text)\n" as ByteString
        addAncestors(address)
    }

    private mutating func add(_ address: RoutingAddress, _ instruction: DeliveryInstruction) {
        text += address.address
        if !seen.insert(address.address.lowercasedASCII() + instruction.transport).inserted {
            text += "   [duplicate, would not be delivered]" as ByteString
        }
        text.append(.newline)
        addAncestors(address)
        text += "  router = \(instruction.router), transport = \(instruction.transport)\n" as ByteString
        addHosts(instruction.hosts)
    }

    private mutating func addAncestors(_ address: RoutingAddress) {
        for ancestor in address.ancestors { text += "    <-- \(ancestor.address)\n" as ByteString }
    }

    private mutating func addHosts(_ hosts: [RouteHost]) {
        let nameWidth = hosts.map(\.name.count).max() ?? 0
        let addressWidth = hosts.compactMap { $0.address?.text.count }.max() ?? 7
        for host in hosts {
            var line: ByteString = "  host \(host.name)"
            line += repeatElement(UInt8.blank, count: nameWidth - host.name.count)
            let shown: ByteString = host.address.map { " [\($0.text)]" } ?? ""
            line += shown
            line += repeatElement(UInt8.blank, count: max(0, addressWidth + 3 - shown.count))
            if let mx = host.mx { line += " MX=\(mx)" as ByteString }
            if let port = host.port { line += " port=\(port)" as ByteString }
            if host.address != nil, host.mx == nil, host.port == nil { line = ByteString(line.trimmedEnd()) }
            text += line
            text.append(.newline)
        }
    }
}
