import ArgumentParser
import Bytes

/// `bobbin route`.
struct RouteCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "route", abstract: "Tell where mail for addresses would go, as exim -bt does.",
        discussion: """
            Ends with status 2 when an address failed, with 1 when one could not be resolved now. Without
            addresses, lines of standard input are taken.

            Example: where the postmaster's mail goes
              bobbin route postmaster@example.org
            """)

    @OptionGroup var siteOptions: SiteOptions
    @Option(name: [.customShort("f"), .long], help: ArgumentHelp("Envelope sender.", valueName: "address"))
    var sender: String?
    @Flag(name: .long, help: "Verify instead, as exim -bv does: routers with no_verify are passed over.")
    var verify = false
    @Argument(help: ArgumentHelp("Addresses.", valueName: "address"))
    var addresses: [String] = []

    mutating func run(on console: Console) async throws {
        let test = try await AddressTest(
            siteOptions.site(), verify ? .verifyRecipient : .route, sender: sender.map { ByteString($0) })
        let status = await test.run(addresses.map { ByteString($0) }, on: console)
        if status != .success { throw ToolFailure(status, "not all addresses are good") }
    }
}
