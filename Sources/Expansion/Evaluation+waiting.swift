import Bytes

extension Evaluation {
    /// Variables whose value has to be asked for.
    mutating func wait(for variable: Variables.Waiting) async throws(ExpansionError) -> TaintedBytes {
        switch variable {
        case .senderHostName: return TaintedBytes(await senderHostName() ?? "", .tainted)
        case .senderFullHost: return TaintedBytes(HostDescription.full(facts, environment), .tainted)
        case .senderRcvHost: return TaintedBytes(HostDescription.received(facts, environment), .tainted)
        case .hostLookupFailed: return Variables.one(facts.connection.hostName.known == .notFound)
        case .hostLookupDeferred:
            if case .deferred = facts.connection.hostName.known { return "1" }
            return "0"
        case .messageBody: return await body(fromEnd: false)
        case .messageBodyEnd: return await body(fromEnd: true)
        case .queueSize: return Variables.number(await environment.queueSize())
        }
    }

    /// The peer's name, asked for when nobody has done so yet.
    mutating func senderHostName() async -> ByteString? {
        _ = await environment.nameOfPeer(facts)
        return facts.connection.hostName.name
    }

    private func body(fromEnd: Bool) async -> TaintedBytes {
        guard let read = facts.message.readBody else { return "" }
        let visible = environment.settings.messageBodyVisible
        let octets = await read(fromEnd ? -visible : 0, visible)
        let keepsNewlines = environment.settings.messageBodyNewlines
        let shown = octets.map { $0 == 0 || ($0 == .newline && !keepsNewlines) ? UInt8.blank : $0 }
        return TaintedBytes(ByteString(shown), .tainted)
    }
}

/// `$sender_fullhost` and `$sender_rcvhost`.
enum HostDescription {
    private static func helo(_ facts: Facts, unlike name: ByteString?) -> ByteString? {
        guard let helo = facts.connection.helo, let address = facts.connection.remoteAddress else {
            return nil
        }
        if let name, helo.equalsIgnoringCase(name) { return nil }
        if helo.equalsIgnoringCase("[\(address.text)]" as ByteString) || helo == address.text { return nil }
        return helo
    }

    private static func port(_ facts: Facts, _ environment: Environment) -> Int? {
        environment.settings.showsPortInHostText ? facts.connection.remotePort : nil
    }

    static func full(_ facts: Facts, _ environment: Environment) -> ByteString {
        guard let address = facts.connection.remoteAddress else { return "" }
        let name = facts.connection.hostName.name
        var result = name.map { $0 + [.blank] } ?? ""
        if let helo = helo(facts, unlike: name) { result += "(\(helo)) " as ByteString }
        result += "[\(address.text)]" as ByteString
        if let port = port(facts, environment) { result += ":\(port)" as ByteString }
        return result
    }

    static func received(_ facts: Facts, _ environment: Environment) -> ByteString {
        guard let address = facts.connection.remoteAddress else { return "" }
        let name = facts.connection.hostName.name
        var details: [ByteString] = []
        let port = port(facts, environment)
        if name == nil, let port { details.append("port=\(port)") }
        let helo = helo(facts, unlike: name)
        if let helo { details.append("helo=\(helo)") }
        if let ident = facts.connection.ident { details.append("ident=\(ident)") }
        let gap: ByteString =
            helo != nil && facts.connection.ident != nil && (name != nil || port != nil) ? "\n\t" : " "
        guard let name else {
            let inner = details.joined(separator: gap)
            return details.isEmpty ? "[\(address.text)]" : "[\(address.text)] (\(inner))"
        }
        let place: ByteString = port.map { "[\(address.text)]:\($0)" } ?? "[\(address.text)]"
        return "\(name) (\(([place] + details).joined(separator: gap)))"
    }
}
