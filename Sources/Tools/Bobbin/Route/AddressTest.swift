import ACL
import Bytes
import Expansion
import MailSystem
import MailText
import Routing

/// Routes or verifies addresses that people give, and tells what comes of it (manual, options -bt, -bv and -bvs).
struct AddressTest: Sendable {
    /// What is tested.
    enum Kind: Sendable, Hashable {
        /// Where the mail would go: -bt.
        case route
        /// Whether a recipient is good: -bv.
        case verifyRecipient
        /// Whether a sender is good: -bvs.
        case verifySender
    }

    private let system: MailSystem
    private let kind: Kind
    private var facts = Facts()
    private let rules: AddressRules
    /// Hears what routers do; nil where nobody wants to know.
    private let trace: (@Sendable (ByteString) -> Void)?

    /// Makes a test; the sender is the caller unless one is given.
    init(
        _ site: Site, _ kind: Kind, sender: ByteString?, caller: Caller = .current(),
        claimed: PeerClaims = PeerClaims(), trace: (@Sendable (ByteString) -> Void)? = nil
    ) async throws(ToolFailure) {
        self.kind = kind
        self.trace = trace
        system = try await site.mailSystem()
        rules = site.addressRules
        let given = sender.map { $0 == "<>" ? "" : $0 }
        facts.message.sender = given ?? "\(caller.login)@\(system.settings.qualifyDomain)"
        claimed.apply(to: &facts.connection)
    }

    /// The addresses of an argument, which may have commas between them.
    private func parts(of text: ByteString) -> [ByteString] {
        guard text.contains(UInt8(ascii: ",")) else { return [text] }
        let items = AddressParser.parseList(text, rules: rules)
        return items.isEmpty ? [text] : items.map { ByteString(ByteString(text[$0.source]).trimmed()) }
    }

    /// Tests addresses, or lines of standard input with a prompt; the worst result decides.
    func run(_ addresses: [ByteString], on console: Console) async -> ExitStatus {
        var worst = ExitStatus.success
        func test(_ text: ByteString) async {
            let result = await answer(to: text) { console.say($0) }
            console.write(result.text)
            if result.status.rawValue > worst.rawValue { worst = result.status }
        }
        for text in addresses where !text.isEmpty {
            for address in parts(of: text) { await test(address) }
        }
        guard addresses.isEmpty else { return worst }
        console.write("> ")
        console.output.flush()
        while let line = console.readLine() {
            await test(line)
            console.write("> ")
            console.output.flush()
        }
        console.write("\n")
        return worst
    }

    private func answer(
        to text: ByteString, debugging tell: @escaping @Sendable (ByteString) -> Void
    ) async -> (text: ByteString, status: ExitStatus) {
        let address: EmailAddress
        do throws(AddressError) {
            guard !text.trimmed().isEmpty else { throw AddressError("empty address", in: text) }
            address = try AddressParser.parseOne(text, rules: rules).address
        } catch {
            return ("syntax error: \(error.message)\n", .addressFailed)
        }
        let settings = system.settings
        let domain = kind == .verifySender ? settings.qualifyDomain : settings.qualifyRecipient
        let whole = address.qualified(with: domain).text
        return kind == .route ? await route(whole, debugging: tell) : await verify(whole)
    }

    private var router: AddressRouter { trace.map(system.router.traced) ?? system.router }

    private func route(
        _ address: ByteString, debugging tell: @escaping @Sendable (ByteString) -> Void
    ) async -> (text: ByteString, status: ExitStatus) {
        let description = await RouteDescription(of: address, by: router.debugging(tell), facts)
        return (description.text, ExitStatus(rawValue: Int32(description.status)) ?? .failure)
    }

    private func verify(_ address: ByteString) async -> (text: ByteString, status: ExitStatus) {
        let verifier = RoutingVerifier(system, router)
        switch await verifier.verify(address, asSender: kind == .verifySender, facts) {
        case .accepted: return ("\(address) verified\n", .success)
        case .failed(let failure):
            return ("\(address) failed to verify: \(failure.words)\n", .addressFailed)
        case .deferred(let deferral):
            return ("\(address) cannot be resolved at this time: \(deferral.logged)\n", .failure)
        }
    }
}
