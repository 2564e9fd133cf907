import Bytes
import Expansion
import Glibc
import PolicyChecks

/// Signs a message for a host, as the last thing before it goes out (manual, section 58.2).
///
/// The body is read once to be hashed and once more to be sent; it is never held.
struct MessageSigning {
    let settings: SigningSettings
    let scene: DeliveryScene
    /// What is said of it in the log.
    private(set) var lines: [TransportLogLine] = []

    /// The longest file of a key, in octets.
    private static let longestKey = 1 << 16
    private static let blockSize = 1 << 16

    /// Why a message is not signed.
    private struct Trouble: Error {
        var text: ByteString
        var isPanic = true
    }

    init(_ settings: SigningSettings, _ scene: DeliveryScene) {
        self.settings = settings
        self.scene = scene
    }

    /// The message with its signatures, or as it is when it cannot be signed; nil when it must not go out so (`dkim_strict`).
    mutating func signed(_ message: WireMessage) async -> WireMessage? {
        var facts = scene.facts
        do throws(Trouble) {
            let orders = try await orders(&facts)
            guard !orders.isEmpty else { return message }
            var result = message
            result.head = try await signatures(orders, message) + message.head
            return result
        } catch {
            var line = TransportLogLine(error.text)
            line.isPanic = error.isPanic
            lines.append(line)
        }
        guard await isStrict(facts) else { return message }
        lines.append(
            TransportLogLine(
                "DKIM: message could not be signed, and dkim_strict is set. Deferring message delivery."))
        return nil
    }

    /// Whether a message that cannot be signed waits.
    private mutating func isStrict(_ facts: Facts) async -> Bool {
        guard let template = settings.strictness else { return false }
        do throws(Trouble) {
            let text = try await expand(template, "dkim_strict", facts).bytes
            return text == "1" || text.equalsIgnoringCase(ByteString("true"))
        } catch {
            lines.append(TransportLogLine(error.text, isPanic: true))
            return true
        }
    }

    // MARK: What is to be signed

    private mutating func orders(_ facts: inout Facts) async throws(Trouble) -> [DKIMSigningOrder] {
        var orders: [DKIMSigningOrder] = []
        var seen: Set<ByteString> = []
        let domains = try await expand(settings.domains, "dkim_domain", facts)
        for item in Self.items(domains.bytes) {
            let domain = item.lowercasedASCII()
            guard seen.insert(domain).inserted else { continue }
            facts.extra["dkim_domain"] = TaintedBytes(domain, domains.taint)
            facts.extra["dkim_selector"] = nil
            let selectors = try await expand(settings.selectors, "dkim_selector", facts)
            for selector in Self.items(selectors.bytes) {
                facts.extra["dkim_selector"] = TaintedBytes(selector, selectors.taint)
                guard let key = try await key(facts) else { continue }
                orders.append(try await order(domain, selector, key, facts))
            }
        }
        return orders
    }

    private static func items(_ list: ByteString) -> [ByteString] {
        ItemList.split(list, separator: UInt8(ascii: ":"))
    }

    /// The key; nil where the message is not to be signed, and nobody minds.
    private func key(_ facts: Facts) async throws(Trouble) -> ByteString? {
        let value = try await expand(settings.privateKey, "dkim_private_key", facts)
        if ["", "0", "false"].contains(value.bytes) { return nil }
        guard value.bytes.first == UInt8(ascii: "/") else { return value.bytes }
        // Who writes a message must not choose which file is read.
        guard !value.taint.isTainted else { throw Trouble(text: "Tainted filename '\(value.bytes)'") }
        let path = value.bytes
        let content = await Offload.run { () -> Result<ByteString, SystemFailure> in
            do throws(SystemFailure) {
                let file = try System.open(path, O_RDONLY)
                return .success(try System.contents(of: file.raw, atMost: Self.longestKey))
            } catch { return .failure(error) }
        }
        switch content {
        case .success(let text): return text
        case .failure(let failure):
            throw Trouble(text: "unable to open file for reading: \(path): \(failure.text)")
        }
    }

    private mutating func order(
        _ domain: ByteString, _ selector: ByteString, _ key: ByteString, _ facts: Facts
    ) async throws(Trouble) -> DKIMSigningOrder {
        var order = DKIMSigningOrder(
            domain: try check(domain, DKIMSigningOrder.asciiName(domain), "dkim_domain"),
            selector: try check(selector, DKIMSigningOrder.asciiName(selector), "dkim_selector"), key: key)
        if let word = try await value(settings.canonicalization, "dkim_canon", facts), !word.isEmpty {
            if let form = DKIMCanonicalization(word) {
                order.form = form
            } else {
                lines.append(
                    TransportLogLine(
                        "DKIM: unknown canonicalization method '\(word)', defaulting to 'relaxed'."))
            }
        }
        if let names = try await value(settings.headers, "dkim_sign_headers", facts) {
            order.headers = DKIMHeaderChoice(Self.items(names))
        }
        if let word = try await value(settings.hash, "dkim_hash", facts) {
            guard let hash = DKIMAlgorithm.Hash(word) else {
                throw Trouble(text: "DKIM: unrecognised hashname '\(word)'")
            }
            order.hash = hash
        }
        if let identity = try await value(settings.identity, "dkim_identity", facts), !identity.isEmpty {
            order.identity = try check(
                identity, DKIMSigningOrder.asciiIdentity(identity), "dkim_identity")
        }
        if let text = try await value(settings.lifetime, "dkim_timestamps", facts), !text.isEmpty {
            guard let seconds = DKIMSigningOrder.seconds(text) else {
                throw Trouble(text: "DKIM: dkim_timestamps: \"\(text)\" is not a number of seconds")
            }
            order.lifetime = seconds
        }
        return order
    }

    /// The form for a tag; what cannot stand there would end it, or the header line.
    private func check(
        _ value: ByteString, _ form: ByteString?, _ option: ByteString
    ) throws(Trouble) -> ByteString {
        guard let form, form.allSatisfy({ $0 > .blank && $0 != 0x7F && $0 != UInt8(ascii: ";") }) else {
            throw Trouble(text: "DKIM: \(option): \"\(value)\" cannot stand in a signature")
        }
        return form
    }

    private func value(
        _ template: Template?, _ option: ByteString, _ facts: Facts
    ) async throws(Trouble) -> ByteString? {
        guard let template else { return nil }
        return try await expand(template, option, facts).bytes
    }

    private func expand(
        _ template: Template, _ option: ByteString, _ facts: Facts
    ) async throws(Trouble) -> TaintedBytes {
        do throws(ExpansionError) {
            return try await scene.environment.expander.expand(template, facts)
        } catch {
            throw Trouble(text: "failed to expand \(option): \(error.text)")
        }
    }

    // MARK: Signing

    private func signatures(
        _ orders: [DKIMSigningOrder], _ message: WireMessage
    ) async throws(Trouble) -> ByteString {
        let now = scene.environment.now().seconds
        let result = await Offload.run { () -> Result<ByteString, Trouble> in
            do throws(Trouble) { return .success(try Self.sign(message, orders, at: now)) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private static func sign(
        _ message: WireMessage, _ orders: [DKIMSigningOrder], at now: Int64
    ) throws(Trouble) -> ByteString {
        let signing = DKIMSigning(orders)
        do throws(DKIMSigningTrouble) {
            try signing.take(message.head.bytes[...])
            var unix = UnixLines(isNeeded: message.body.isWireFormat)
            var block = [UInt8](repeating: 0, count: min(blockSize, max(message.body.size, 1)))
            var offset = 0
            while message.sendsBody, offset < message.body.size {
                let count = try Self.read(message.body, at: offset, into: &block)
                offset += count
                try signing.take(unix.convert(block[..<count])[...])
            }
            try signing.take(unix.rest[...])
            return try signing.finish(at: now)
        } catch {
            switch error {
            case .key(let reason): throw Trouble(text: "DKIM: signing failed (\(reason))")
            case .headerTooLong: throw Trouble(text: "DKIM: signing failed (the header is too long)")
            }
        }
    }

    private static func read(
        _ body: MessageBody, at offset: Int, into block: inout [UInt8]
    ) throws(DKIMSigningTrouble) -> Int {
        do throws(TransportTrouble) { return try body.read(at: offset, into: &block) } catch {
            throw .key(error.text)
        }
    }
}
