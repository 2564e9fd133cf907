import ArgumentParser
import Bytes

/// `bobbin route`.
struct RouteCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "route", abstract: "Tell where mail for addresses would go, as exim -bt does.",
        discussion: """
            Ends with status 2 when an address failed, with 1 when one could not be resolved now. Without
            addresses, lines of standard input are taken.

            With --trace each router says first what it does with the address, and why it is passed over.

            Example: where the postmaster's mail goes
              bobbin route postmaster@example.org
            """)

    @OptionGroup var siteOptions: SiteOptions
    @Option(name: [.customShort("f"), .long], help: ArgumentHelp("Envelope sender.", valueName: "address"))
    var sender: String?
    @Flag(name: .long, help: "Verify instead, as exim -bv does: routers with no_verify are passed over.")
    var verify = false
    @Flag(name: .long, help: "Tell what each router does, and why it is passed over.")
    var trace = false
    @Argument(help: ArgumentHelp("Addresses.", valueName: "address"))
    var addresses: [String] = []

    mutating func run(on console: Console) async throws {
        let test = try await AddressTest(
            siteOptions.site(), verify ? .verifyRecipient : .route, sender: sender.map { ByteString($0) },
            trace: trace ? console.tracing : nil)
        let status = await test.run(addresses.map { ByteString($0) }, on: console)
        if status != .success { throw ToolFailure(status, "not all addresses are good") }
    }
}

extension Console {
    /// Shows lines of a trace, indented, before the answer that they lead to.
    var tracing: @Sendable (ByteString) -> Void { { self.write("  \($0)\n") } }
}
